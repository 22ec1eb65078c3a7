//! Callbacks during the life of a VM: start, configuration, threads, time, queues, end.

use crate::call;
use crate::guest::{Arg, Guest, answers, wasi};
use std::time::Duration;
use tollgate_host_test::emulator::{self, Emulator};
use tollgate_host_test::{Configuration, Filter, Request, Scenario, Wasm};

const MS: Duration = Duration::from_millis(1);

fn count(trace: &[String], call: &str) -> usize {
    answers(trace, call).len()
}

#[test]
fn every_thread_and_the_canary_are_configured() {
    let guest =
        Guest::new().on("configure", [call!("define_metric", 0, "n", _), call!("increment_metric", 4, 1i64)]);
    let emulator = Emulator::new(&guest.scenario().settings(|s| s.workers = 3)).unwrap();
    assert_eq!(emulator.metric("n"), Some(5));
}

#[test]
fn a_rejected_configuration_prevents_the_start() {
    let guest = Guest::new().on_returning("configure", [call!("log", 5, "no good")], 0);
    let refused = Emulator::new(&guest.scenario()).unwrap_err();
    assert!(refused.reason.contains("guest"), "{}", refused.reason);
    assert_eq!(refused.logs[0].text, "no good");
    let starts = Guest::new().on_returning("vm_start", [], 0);
    assert!(Emulator::new(&starts.scenario()).is_err());
}

#[test]
fn the_configuration_is_readable_only_while_configuring() {
    let read = || [call!("get_buffer_bytes", 7, 0, (-1), _, _), call!("get_buffer_bytes", 6, 0, (-1), _, _)];
    let guest = Guest::new().on("configure", read()).on("tick", read());
    let mut scenario = Scenario::new().filter(guest.filter().config_text("plugin"));
    scenario.filters[0].vm_configuration = b"vm".to_vec();
    let mut emulator = Emulator::new(&scenario).unwrap();
    emulator.call_root(0, 0, "proxy_on_tick", &[]);
    let read = answers(&emulator.trace(), "proxy_get_buffer_bytes");
    assert_eq!(read[..2], ["Ok \"plugin\"", "Ok \"vm\""]);
    assert_eq!(read[read.len() - 2..], ["NotFound", "Ok \"vm\""]);
}

#[test]
fn a_struct_is_delivered_as_protobuf() {
    let guest = Guest::new().on("configure", [call!("get_buffer_bytes", 7, 0, (-1), _, _)]);
    let filter = guest.filter().config_struct(serde_json::json!({"a": true, "b": "x"}));
    let emulator = Emulator::new(&Scenario::new().filter(filter)).unwrap();
    let read = answers(&emulator.trace(), "proxy_get_buffer_bytes");
    assert_eq!(read[0], r#"Ok "\n\x07\n\x01a\x12\x02 \x01\n\x08\n\x01b\x12\x03\x1a\x01x""#);
}

#[test]
fn an_update_replaces_the_root_context() {
    let guest = Guest::new().on("done", [call!("log", 2, "done")]).on("delete", [call!("log", 2, "deleted")]);
    let mut emulator = guest.start();
    emulator.reconfigure(0, &Configuration::Text(b"{}".to_vec())).unwrap();
    let told: Vec<_> = emulator.logs().iter().map(|l| l.text.as_str()).collect();
    assert_eq!(told, ["done", "deleted", "done", "deleted"]);
}

#[test]
fn a_root_context_may_delay_its_deletion() {
    let guest = Guest::new()
        .on_returning("done", [], 0)
        .on("tick", [call!("done")])
        .on("configure", [call!("set_tick_period_milliseconds", 10)])
        .on("delete", [call!("log", 2, "deleted")]);
    let mut emulator = guest.start();
    emulator.shut_down();
    assert!(emulator.logs().is_empty());
    emulator.advance(10 * MS);
    assert_eq!(emulator.logs().len(), 2, "on the main thread and on the worker");
}

#[test]
fn ticks_follow_virtual_time_and_stop_at_zero() {
    let guest = Guest::new()
        .on("configure", [call!("set_tick_period_milliseconds", 100)])
        .on("tick", [call!("log", 2, "tick")]);
    let mut emulator = guest.start();
    emulator.advance(99 * MS);
    assert_eq!(emulator.logs().len(), 0);
    emulator.advance(201 * MS);
    assert_eq!(emulator.logs().len(), 6, "three on each of two threads");
    let stops = Guest::new()
        .on("configure", [call!("set_tick_period_milliseconds", 100)])
        .on("tick", [call!("log", 2, "tick"), call!("set_tick_period_milliseconds", 0)]);
    let mut emulator = stops.start();
    emulator.advance(1000 * MS);
    assert_eq!(emulator.logs().len(), 2);
}

#[test]
fn linger_advances_time_after_the_last_request() {
    let guest = Guest::new()
        .on("configure", [call!("set_tick_period_milliseconds", 1000)])
        .on("tick", [call!("log", 2, "tick")]);
    let scenario =
        guest.scenario().request(Request::get("/")).settings(|s| s.linger = Duration::from_secs(2));
    assert_eq!(emulator::run(&scenario).unwrap().logs.len(), 4);
}

#[test]
fn a_queue_notifies_the_thread_that_registered_last() {
    let guest = Guest::new()
        .on("configure", [call!("register_shared_queue", "q", _)])
        .on("request_headers", [call!("enqueue_shared_queue", 1, "item")])
        .on("queue_ready", [call!("dequeue_shared_queue", 1, _, _), call!("dequeue_shared_queue", 1, _, _)]);
    let scenario = guest.scenario().settings(|s| s.workers = 2);
    let mut emulator = Emulator::new(&scenario).unwrap();
    let handle = emulator.request(0, &Request::get("/"));
    emulator.finish_request(handle);
    let lines: Vec<_> = emulator.trace().into_iter().filter(|l| l.contains("dequeue")).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("[2#1]") && lines[0].ends_with("Ok \"item\""), "{lines:?}");
    assert!(lines[1].ends_with("Empty"), "{lines:?}");
}

#[test]
fn threads_share_data_but_not_memory() {
    let guest = Guest::new().on(
        "request_headers",
        [call!("get_shared_data", "k", _, _, _), call!("set_shared_data", "k", "v", 0)],
    );
    let scenario =
        guest.scenario().settings(|s| s.workers = 2).request(Request::get("/")).request(Request::get("/"));
    let outcome = emulator::run(&scenario).unwrap();
    let read = answers(&outcome.trace, "proxy_get_shared_data");
    assert_eq!(read[0], "NotFound");
    assert!(read[1].starts_with("Ok \"v\""), "{read:?}");
    let threads: Vec<_> = outcome.trace.iter().filter_map(|l| l.split('#').next()).collect();
    assert_eq!(threads, ["[1", "[1", "[2", "[2"]);
}

#[test]
fn vm_ids_are_namespaces() {
    let guest = Guest::new().on(
        "request_headers",
        [call!("get_shared_data", "k", _, _, _), call!("set_shared_data", "k", "v", 0)],
    );
    let run = |id: &str| {
        let mut other = guest.filter();
        other.vm_id = id.into();
        let scenario = Scenario::new().filter(guest.filter()).filter(other).request(Request::get("/"));
        answers(&emulator::run(&scenario).unwrap().trace, "proxy_get_shared_data")[1].clone()
    };
    assert_eq!(run("else"), "NotFound");
    assert!(run("").starts_with("Ok"));
}

#[test]
fn streams_leak_nothing() {
    let guest = Guest::new().on("request_headers", []);
    let mut emulator = guest.start();
    let handles: Vec<_> = (0..10).map(|_| emulator.request(0, &Request::post("/", "abc"))).collect();
    for handle in handles {
        emulator.finish_request(handle);
    }
    assert_eq!(emulator.open_streams(), 0);
}

#[test]
fn a_disconnecting_client_ends_its_stream() {
    let guest = Guest::new().on_returning("request_headers", [], 1).on("log", [call!("log", 2, "over")]);
    let mut emulator = guest.start();
    let handle = emulator.request(0, &Request::get("/"));
    assert_eq!((emulator.open_streams(), emulator.exchange(handle).is_some()), (1, false));
    emulator.hang_up(handle);
    assert_eq!((emulator.open_streams(), emulator.logs().len()), (0, 1));
}

#[test]
fn an_endless_pause_times_out_the_client_after_20_seconds() {
    let outcome = Guest::new().on_returning("request_headers", [], 1).get();
    assert_eq!(outcome.exchanges[0].client, tollgate_host_test::ClientView::Hang);
    assert!(outcome.exchanges[0].upstream.is_empty());
}

#[test]
fn wasi_calls_behave_as_in_envoy() {
    let i = Arg::I;
    let guest = Guest::new().on(
        "configure",
        [
            wasi("fd_write", vec![i(3), i(0), i(0), Arg::Out]),
            wasi("fd_write", vec![i(1), i(4_000_000_000), i(1), Arg::Out]),
            wasi("fd_read", vec![i(0), i(0), i(0), Arg::Out]),
            wasi("fd_prestat_get", vec![i(3), Arg::Out]),
            wasi("fd_fdstat_get", vec![i(1), Arg::Out]),
            wasi("clock_time_get", vec![i(0), Arg::L(0), Arg::Out]),
            wasi("clock_time_get", vec![i(2), Arg::L(0), Arg::Out]),
            wasi("random_get", vec![i(1024), i(65_537)]),
            wasi("random_get", vec![i(1024), i(32)]),
            wasi("args_sizes_get", vec![Arg::Out, Arg::Out]),
            wasi("environ_sizes_get", vec![Arg::Out, Arg::Out]),
            wasi("environ_get", vec![i(256), i(512)]),
            wasi("sock_shutdown", vec![i(0), i(0)]),
            wasi("sched_yield", vec![]),
            wasi("path_open", vec![i(3), i(0), Arg::from("/x"), i(0), Arg::L(0), Arg::L(0), i(0), Arg::Out]),
        ],
    );
    let mut filter = guest.filter();
    filter.environment = vec![("NAME".into(), "value".into())];
    let emulator = Emulator::new(&Scenario::new().filter(filter)).unwrap();
    let trace = emulator.trace();
    let codes: Vec<_> = trace[..15].iter().map(|l| l.rsplit_once(" -> ").unwrap().1).collect();
    let time = 1_767_225_600_000_000_000_u64;
    let time = format!("0 {time}");
    let expected =
        ["8", "21", "52", "8", "0", time.as_str(), "58", "28", "0", "0 0 0", "0 1 11", "0", "58", "0", "44"];
    assert_eq!(codes, expected, "{:#?}", &trace[..15]);
}

#[test]
fn standard_output_is_logged_without_its_line_end() {
    let guest = Guest::new().on(
        "configure",
        [
            crate::guest::wat(
                r#"(i32.store (i32.const 256) (i32.const 300)) (i32.store (i32.const 260) (i32.const 3))
            (i32.store (i32.const 300) (i32.const 0x000a6968))"#,
            ),
            wasi("fd_write", vec![Arg::I(2), Arg::I(256), Arg::I(1), Arg::Out]),
        ],
    );
    let emulator = guest.start();
    assert_eq!(emulator.logs()[0].text, "hi");
    assert_eq!(emulator.logs()[0].level, tollgate_host_test::LogLevel::Error);
}

#[test]
fn missing_headers_are_empty_in_the_oldest_abi() {
    let outcome = Guest::new()
        .marker("proxy_abi_version_0_1_0")
        .on("request_headers", [call!("get_header_map_value", 0, "nope", _, _), call!("clear_route_cache")])
        .get();
    assert_eq!(answers(&outcome.trace, "proxy_get_header_map_value"), ["Ok \"\""]);
    assert_eq!(count(&outcome.trace, "proxy_clear_route_cache"), 1);
}

#[test]
fn a_filter_of_the_stock_sdk_runs() {
    let filter = Filter::new(Wasm::package("fixture-stock-empty"));
    let scenario = Scenario::new().filter(filter).request(Request::post("/", "abc").trailer("t", "v"));
    let outcome = emulator::run(&scenario).unwrap();
    let exchange = &outcome.exchanges[0];
    assert_eq!(exchange.details, "via_upstream", "{:#?}", outcome.trace);
    assert_eq!(exchange.upstream[0].body, b"abc");
    assert!(!outcome.trace.iter().any(|line| line.contains("trapped")), "{:#?}", outcome.trace);
}

#[test]
fn runs_are_deterministic() {
    let guest = Guest::new().on(
        "request_headers",
        [wasi("random_get", vec![Arg::I(1024), Arg::I(16)]), call!("get_header_map_pairs", 0, _, _)],
    );
    let run = || emulator::run(&guest.scenario().request(Request::get("/"))).unwrap().trace;
    assert_eq!(run(), run());
}

#[test]
fn emulators_run_in_parallel() {
    let guest = Guest::new()
        .on("request_headers", [call!("define_metric", 0, "n", _), call!("increment_metric", 4, 1i64)]);
    let scenario = guest.scenario().request(Request::get("/"));
    let counts: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..8).map(|_| scope.spawn(|| emulator::run(&scenario).unwrap().metrics)).collect();
        runs.into_iter().map(|run| run.join().unwrap()["n"]).collect()
    });
    assert_eq!(counts, [1; 8]);
}
