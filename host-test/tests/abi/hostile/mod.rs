//! Malicious modules, and hosts that return errors. A VM may fail, but the emulator must not.

mod ends;
mod files;

use crate::call;
use crate::guest::{Guest, answers, module, wat};
use std::time::Duration;
use tollgate_host_test::emulator::state::Status;
use tollgate_host_test::emulator::{self, AbiVersion, Effect, Emulator, Which};
use tollgate_host_test::{ClientView, FailurePolicy, Request, Scenario};

fn refusal(text: &str) -> String {
    Emulator::new(&Scenario::new().filter(module(text))).expect_err("must not load").reason
}

fn status(view: &ClientView) -> u16 {
    match view {
        ClientView::Response(response) => response.status,
        other => panic!("no response: {other:?}"),
    }
}

#[test]
fn rejects_modules_that_are_not_filters() {
    let missing = refusal(&Guest::new().marker("proxy_abi_version_0_3_0").text());
    assert!(missing.ends_with("Missing or unknown Proxy-Wasm ABI version"), "{missing}");
    let unknown = refusal(
        r#"(module (import "env" "proxy_fly" (func (result i32)))
        (func (export "proxy_abi_version_0_2_1")))"#,
    );
    assert!(unknown.contains("env.proxy_fly"), "{unknown}");
    let mistyped = refusal(
        r#"(module (import "env" "proxy_log" (func (param i64) (result i32)))
        (func (export "proxy_abi_version_0_2_1")))"#,
    );
    assert!(mistyped.contains("env.proxy_log"), "{mistyped}");
    let allocator = refusal(&Guest::new().allocator("").text());
    assert!(allocator.contains("missing malloc"), "{allocator}");
}

#[test]
fn each_abi_version_imports_its_own_calls() {
    let continues = |marker, name: &str| {
        Emulator::new(&Guest::new().marker(marker).on("request_headers", [call!(name)]).scenario()).is_ok()
    };
    assert!(continues("proxy_abi_version_0_1_0", "continue_request"));
    assert!(!continues("proxy_abi_version_0_2_0", "continue_request"));
    let level = |marker| {
        let guest = Guest::new().marker(marker).on("configure", [call!("get_log_level", _)]);
        Emulator::new(&guest.scenario()).is_ok()
    };
    assert!(level("proxy_abi_version_0_2_1"));
    assert!(!level("proxy_abi_version_0_2_0"));
}

#[test]
fn a_trap_report_shows_the_callback_and_earlier_calls() {
    let guest = Guest::new().on("request_headers", [call!("log", 2, "before"), wat("unreachable")]);
    let mut emulator = guest.start();
    let handle = emulator.request(0, &Request::get("/"));
    let exchange = emulator.exchange(handle).unwrap();
    assert_eq!((status(&exchange.client), exchange.details.as_str()), (503, "wasm_fail_stream"));
    let trap = &emulator.traps()[0];
    assert_eq!((trap.callback.as_str(), trap.context, trap.thread), ("proxy_on_request_headers", 2, 1));
    assert!(trap.reason.contains("unreachable"), "{}", trap.reason);
    assert!(
        trap.calls.last().unwrap().contains("proxy_log(level=2, message=\"before\")"),
        "{:?}",
        trap.calls
    );
}

#[test]
fn a_trap_in_any_callback_leaves_the_emulator_running() {
    for name in [
        "context_create",
        "request_headers",
        "request_body",
        "request_trailers",
        "response_headers",
        "response_body",
        "log",
        "done",
        "delete",
    ] {
        // Only streams trap. Their context is not the first one.
        let trap = wat("(if (i32.gt_u (local.get 0) (i32.const 1)) (then unreachable))");
        let guest = Guest::new().on(name, [trap]);
        let request = Request::post("/", "a").trailer("t", "v");
        let outcome = emulator::run(&guest.scenario().request(request.clone()).request(request)).unwrap();
        assert_eq!(status(&outcome.exchanges[1].client), 503, "{name}");
        assert_eq!(outcome.exchanges[1].details, "wasm_fail_stream", "{name}");
    }
}

#[test]
fn the_failure_policy_decides_about_later_requests() {
    let trap = wat("(if (i32.eq (local.get 0) (i32.const 2)) (then unreachable))");
    let guest = Guest::new().on("request_headers", [trap]);
    let statuses = |policy, wait: Duration| {
        let mut scenario = guest.scenario();
        scenario.filters[0].failure_policy = policy;
        let mut emulator = Emulator::new(&scenario).unwrap();
        let first = emulator.request(0, &Request::get("/"));
        let first = status(&emulator.finish_request(first).client);
        emulator.advance(wait);
        let second = emulator.request(0, &Request::get("/"));
        (first, status(&emulator.finish_request(second).client))
    };
    let second = Duration::from_secs(1);
    assert_eq!(statuses(FailurePolicy::FailClosed, second), (503, 503));
    assert_eq!(statuses(FailurePolicy::FailOpen, second), (503, 200));
    assert_eq!(statuses(FailurePolicy::FailReload, Duration::ZERO), (503, 503));
    // The new VM starts counting contexts again, so it traps again.
    assert_eq!(statuses(FailurePolicy::FailReload, second), (503, 503));
    let mut once = guest.scenario();
    once.filters[0].failure_policy = FailurePolicy::FailReload;
    let mut emulator = Emulator::new(&once).unwrap();
    emulator.advance(second);
    let statuses: Vec<_> = (0..3)
        .map(|_| {
            let handle = emulator.request(0, &Request::get("/"));
            status(&emulator.finish_request(handle).client)
        })
        .collect();
    assert_eq!(statuses, [503, 503, 503]);
    assert_eq!(
        emulator.traps().len(),
        2,
        "the second request has a new VM, the third is sent before the next reload"
    );
}

#[test]
fn an_endless_loop_ends() {
    let guest = Guest::new().on("request_headers", [wat("(loop $l (br $l))")]);
    let mut emulator =
        Emulator::builder(&guest.scenario()).patience(Duration::from_millis(100)).start().unwrap();
    let handle = emulator.request(0, &Request::get("/"));
    assert_eq!(status(&emulator.finish_request(handle).client), 503);
    assert!(emulator.traps()[0].reason.contains("exceeded its time limit"), "{}", emulator.traps()[0].reason);
}

#[test]
fn memory_is_limited() {
    // In pages of 64 KiB: growing by 2 GiB fails, and the module continues.
    let grow = wat(r#"(if (i32.ne (memory.grow (i32.const 32768)) (i32.const -1)) (then unreachable))"#);
    let guest = Guest::new().on("request_headers", [grow]);
    let mut emulator = guest.start();
    let handle = emulator.request(0, &Request::get("/"));
    assert_eq!(status(&emulator.finish_request(handle).client), 200);
    assert_eq!(emulator.memory(0, 0), 32 << 16);
}

#[test]
fn invalid_pointers_give_6_and_unknown_maps_give_2() {
    let outcome = Guest::new()
        .on(
            "request_headers",
            [
                call!("get_header_map_value", 0, (-8), 4, _, _),
                call!("get_header_map_value", 9, (-8), 4, _, _),
                call!("get_header_map_value", 0, ":path", (-4), (-4)),
                call!("add_header_map_value", 0, 0, (-1), 0, 1),
                call!("log", 2, 1, (-1)),
                call!("log", 9, 1, (-1)),
                call!("get_property", 1, (-1), _, _),
                call!("set_shared_data", 1, (-1), 1, 1, 0),
                call!("get_current_time_nanoseconds", (-4)),
                call!("http_call", "x", "", "", "", 1, (-2)),
                call!("send_local_response", 200, 1, (-1), 1, 1, 1, 1, 0),
                call!("call_foreign_function", 1, (-1), 0, 0, 0, 0),
            ],
        )
        .get();
    let codes: Vec<_> = outcome
        .trace
        .iter()
        .filter_map(|l| l.split(" -> ").nth(1))
        .map(|c| c.split(' ').next().unwrap())
        .collect();
    let (wild, bad) = ("InvalidMemoryAccess", "BadArgument");
    assert_eq!(
        codes,
        [wild, bad, wild, wild, wild, bad, wild, wild, wild, wild, wild, wild],
        "{:#?}",
        outcome.trace
    );
    assert_eq!(status(&outcome.exchanges[0].client), 200);
}

#[test]
fn nothing_but_logging_is_allowed_while_memory_is_allocated() {
    let text = |call: &str, import: &str| {
        format!(
            r#"(module {import}
            (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
            (memory (export "memory") 4)
            (func (export "proxy_abi_version_0_2_1"))
            (func (export "malloc") (param i32) (result i32) (drop {call}) (i32.const 4096))
            (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
              (call $pairs (i32.const 0) (i32.const 0) (i32.const 4))))"#
        )
    };
    let run =
        |text: &str| emulator::run(&Scenario::new().filter(module(text)).request(Request::get("/"))).unwrap();
    let logs = run(&text(
        "(call $log (i32.const 2) (i32.const 0) (i32.const 0))",
        r#"(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))"#,
    ));
    assert_eq!(status(&logs.exchanges[0].client), 200);
    let calls = run(&text("(call $done)", r#"(import "env" "proxy_done" (func $done (result i32)))"#));
    assert_eq!(status(&calls.exchanges[0].client), 503);
    assert!(calls.trace.iter().any(|l| l.contains("restricted_callback: proxy_done")), "{:#?}", calls.trace);
}

#[test]
fn an_allocator_that_returns_null_gives_6() {
    let outcome = emulator::run(
        &Scenario::new()
            .filter(module(
                r#"(module
            (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
            (memory (export "memory") 4)
            (func (export "proxy_abi_version_0_2_1"))
            (func (export "malloc") (param i32) (result i32) (i32.const 0))
            (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
              (drop (call $pairs (i32.const 0) (i32.const 0) (i32.const 4))) (i32.const 0)))"#,
            ))
            .request(Request::get("/")),
    )
    .unwrap();
    assert!(answers(&outcome.trace, "proxy_get_header_map_pairs")[0].starts_with("InvalidMemoryAccess"));
}

#[test]
fn host_calls_are_rejected_during_start() {
    let guest = Guest::new().on("_initialize", [call!("done")]);
    let refused = Emulator::new(&guest.scenario()).unwrap_err();
    assert!(refused.reason.contains("restricted_callback: proxy_done"), "{}", refused.reason);
    assert!(Emulator::new(&Guest::new().on("_initialize", [call!("log", 2, "hello")]).scenario()).is_ok());
}

#[test]
fn any_status_can_replace_any_call() {
    let guest = Guest::new().on(
        "request_headers",
        [call!("add_header_map_value", 0, "x", "1"), call!("get_header_map_value", 0, ":path", _, _)],
    );
    for status in Status::ALL {
        for name in ["proxy_add_header_map_value", "proxy_get_header_map_value"] {
            let scenario = guest.scenario().request(Request::get("/"));
            let emulator = Emulator::new(&scenario).unwrap().fault(name, Which::All, Effect::Answer(status));
            let outcome = emulator.run();
            assert_eq!(answers(&outcome.trace, name), [format!("{status:?}")]);
            let added = outcome.exchanges[0].upstream[0].headers.get("x").is_some();
            assert_eq!(added, name != "proxy_add_header_map_value", "a call with a fault has no effect");
        }
    }
    assert!(emulator::host_calls(AbiVersion::V0_2_1).len() >= 37);
}

#[test]
fn a_fault_affects_only_the_nth_call_and_may_trap() {
    let guest = Guest::new()
        .on("request_headers", [call!("log", 2, "a"), call!("log", 2, "b"), call!("log", 2, "c")]);
    let scenario = guest.scenario().request(Request::get("/"));
    let strike = |effect| Emulator::new(&scenario).unwrap().fault("proxy_log", Which::Nth(2), effect).run();
    let logged: Vec<_> =
        strike(Effect::Answer(Status::InternalFailure)).logs.into_iter().map(|l| l.text).collect();
    assert_eq!(logged, ["a", "c"]);
    assert_eq!(status(&strike(Effect::Trap).exchanges[0].client), 503);
}

#[test]
fn callbacks_may_have_unknown_tokens() {
    let guest = Guest::new().on(
        "http_call_response",
        [call!("get_header_map_value", 6, ":status", _, _), call!("get_buffer_bytes", 4, 0, 9, _, _)],
    );
    let mut emulator = guest.start();
    emulator.call_root(0, 0, "proxy_on_http_call_response", &[4242, 1, 1, 0]);
    let trace = emulator.trace();
    assert_eq!(answers(&trace, "proxy_get_header_map_value"), ["BadArgument"]);
    assert_eq!(answers(&trace, "proxy_get_buffer_bytes"), ["NotFound"]);
}

#[test]
fn a_cluster_name_that_parses_as_protobuf_crashes_envoy() {
    let outcome =
        Guest::new().on("request_headers", [call!("grpc_call", "users", "s", "m", "", "", 1000, _)]).get();
    assert_eq!(status(&outcome.exchanges[0].client), 503);
    assert!(outcome.trace.iter().any(|l| l.contains("Envoy aborts")), "{:#?}", outcome.trace);
}

#[test]
fn continuing_before_the_response_would_crash_envoy() {
    let guest = Guest::new().on_returning("request_headers", [call!("continue_stream", 1)], 1);
    let mut emulator = guest.start();
    let handle = emulator.request(0, &Request::get("/"));
    assert_eq!(emulator.finish_request(handle).client, ClientView::Reset);
    assert!(emulator.traps()[0].reason.starts_with("Envoy crashes"), "{:?}", emulator.traps());
}
