//! Injected faults, and seeds.

use crate::call;
use crate::guest::{Arg, Guest, answers, wasi, wat};
use tollgate_host_test::emulator::state::Status;
use tollgate_host_test::emulator::{Effect, Emulator, Fault, Shortage, Which};
use tollgate_host_test::{ClientView, Outcome, Request, Scenario};

fn run(scenario: &Scenario, plan: impl IntoIterator<Item = Fault>) -> (Outcome, Vec<String>) {
    let mut emulator = Emulator::builder(scenario).faults(plan).start().unwrap();
    for request in &scenario.requests {
        let handle = emulator.request(0, request);
        emulator.advance(std::time::Duration::ZERO);
        assert!(emulator.exchange(handle).is_some());
    }
    let traps = emulator.traps().iter().map(|trap| trap.reason.clone()).collect();
    (emulator.drain(), traps)
}

fn statuses(outcome: &Outcome) -> Vec<u16> {
    let status = |exchange: &tollgate_host_test::Exchange| match &exchange.client {
        ClientView::Response(response) => response.status,
        _ => 0,
    };
    outcome.exchanges.iter().map(status).collect()
}

#[test]
fn traps_in_the_nth_callback_after_n_instructions() {
    let loop_ = wat(
        "(loop $l (global.set $top (i32.sub (global.get $top) (i32.const 1))) (br_if $l (global.get $top)))
        (global.set $top (i32.const 1048576))",
    );
    let guest =
        Guest::new().on("request_headers", [call!("log", 2, "before"), loop_, call!("log", 2, "after")]);
    let scenario = guest.scenario().request(Request::get("/")).request(Request::get("/"));
    let name = "proxy_on_request_headers".to_owned();
    let (outcome, traps) = run(&scenario, [Fault::Callback { name, which: Which::Nth(2), after: 1_000 }]);
    assert_eq!(statuses(&outcome), [200, 503]);
    assert_eq!(traps, ["trapped by an injected fault after 1000 instructions"]);
    let logged: Vec<_> = outcome.logs.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(logged, ["before", "after", "before"]);
}

#[test]
fn a_module_can_trap_at_start() {
    let guest = Guest::new().on("_initialize", [wat("(loop $l (br_if $l (i32.const 0)))")]);
    let fault = Fault::Callback { name: "_initialize".into(), which: Which::Nth(1), after: 0 };
    let refused = Emulator::builder(&guest.scenario()).faults([fault]).start().unwrap_err();
    assert!(refused.reason.contains("Function: _initialize failed"), "{}", refused.reason);
}

#[test]
fn a_vm_started_alone_does_not_affect_the_emulator() {
    let loop_ = wat("(loop $l (br_if $l (i32.const 0)))");
    let guest = Guest::new().on("_initialize", [call!("log", 2, "started"), loop_]).on("request_headers", []);
    let mut emulator = Emulator::new(&guest.scenario()).unwrap();
    let before = (emulator.logs().len(), emulator.trace().len());
    assert!(emulator.start_alone(0).is_ok());
    assert_eq!((emulator.logs().len(), emulator.trace().len()), (before.0 + 1, before.1 + 1));
    let handle = emulator.request(0, &Request::get("/"));
    assert!(matches!(emulator.finish_request(handle).client, ClientView::Response(r) if r.status == 200));

    let name = "_initialize".to_owned();
    let fault = Fault::Callback { name, which: Which::Nth(5), after: 0 };
    let mut emulator = Emulator::builder(&guest.scenario()).faults([fault]).start().unwrap();
    let refused = emulator.start_alone(0).unwrap_err();
    assert!(refused.reason.contains("Function: _initialize failed"), "{}", refused.reason);
    assert!(emulator.start_alone(0).is_ok(), "only the fifth VM traps");
}

#[test]
fn the_nth_allocation_fails_or_traps() {
    let get = || call!("get_header_map_value", 0, ":path", _, _);
    let scenario =
        Guest::new().on("request_headers", [get(), get(), get()]).scenario().request(Request::get("/"));
    let fails = |effect| run(&scenario, [Fault::Allocation { which: Which::Nth(2), effect }]);
    let (null, traps) = fails(Shortage::Null);
    let given = answers(&null.trace, "proxy_get_header_map_value");
    assert_eq!(given, ["Ok \"/\"", "InvalidMemoryAccess \"/\"", "Ok \"/\""]);
    assert_eq!((statuses(&null), traps.len()), (vec![200], 0));
    let (trapped, traps) = fails(Shortage::Trap);
    assert_eq!(answers(&trapped.trace, "proxy_get_header_map_value").len(), 3, "it goes on until it returns");
    assert_eq!((statuses(&trapped), traps), (vec![503], vec!["the allocator failed: injected fault".into()]));
}

#[test]
fn wasi_calls_return_the_injected_status() {
    let random = || wasi("random_get", vec![Arg::I(128), Arg::I(8)]);
    let guest = Guest::new().on("request_headers", [random(), random(), random()]);
    let scenario = guest.scenario().request(Request::get("/"));
    let fault = |which, effect| Fault::Call { name: "random_get".into(), which, effect };
    let (outcome, _) = run(&scenario, [fault(Which::From(2), Effect::Number(52))]);
    assert_eq!(answers(&outcome.trace, "random_get"), ["0", "52", "52"]);
    // If two faults apply to the same call, the first one decides.
    let status = Effect::Answer(Status::InternalFailure);
    let (outcome, _) = run(&scenario, [fault(Which::Nth(1), Effect::Number(7)), fault(Which::All, status)]);
    assert_eq!(answers(&outcome.trace, "random_get"), ["7", "10", "10"]);
}

#[test]
fn random_numbers_depend_on_the_seed() {
    let tell = wat("(drop (call $proxy_log (i32.const 2) (i32.const 128) (i32.const 16)))");
    let random = wasi("random_get", vec![Arg::I(128), Arg::I(16)]);
    let guest = Guest::new().on("request_headers", [random, call!("log", 2, "x"), tell]);
    let given = |seed: Option<u64>| {
        let builder = Emulator::builder(&guest.scenario());
        let mut emulator =
            seed.map_or(Emulator::builder(&guest.scenario()), |s| builder.seed(s)).start().unwrap();
        let handle = emulator.request(0, &Request::get("/"));
        let id = emulator.finish_request(handle).upstream[0].headers.get("x-request-id").unwrap().to_vec();
        (emulator.logs()[1].text.clone(), id)
    };
    assert_eq!(given(None), given(None));
    assert_eq!(given(Some(1)), given(Some(1)));
    let (default, other) = (given(None), given(Some(1)));
    assert!(default.0 != other.0 && default.1 != other.1, "{default:?} {other:?}");
}
