//! Costs of this workspace's filters, in instructions of a request without a body. With the pinned compiler,
//! they are the same on every machine. The bounds are the measured costs plus 10 %. A change that increases a
//! bound must explain why.

use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{Filter, Request, Response, Scenario, Upstream, Wasm};

/// Returns the instructions of the hundredth request, because the first ones grow buffers that later ones
/// reuse.
fn cost(package: &str, config: serde_json::Value) -> u64 {
    let filter = Filter::new(Wasm::package(package)).config(config);
    let scenario = Scenario::new().filter(filter).upstream(Upstream::replies("upstream", Response::new(200)));
    let mut emulator = Emulator::builder(&scenario).metered().start().unwrap();
    let request = |emulator: &mut Emulator| {
        let before: u64 = of_streams(emulator);
        let handle = emulator.request(0, &Request::get("/a/b").header("x-user", "u1"));
        emulator.finish_request(handle);
        of_streams(emulator) - before
    };
    (0..99).for_each(|_| {
        request(&mut emulator);
    });
    request(&mut emulator)
}

fn of_streams(emulator: &Emulator) -> u64 {
    emulator
        .spent()
        .filter(|spent| spent.thread == 1 && spent.context > 1)
        .map(|spent| spent.instructions)
        .sum()
}

#[track_caller]
fn check(package: &str, config: serde_json::Value, max: u64) {
    let cost = cost(package, config);
    assert!(cost <= max, "`{package}` executes {cost} instructions per request, expected at most {max}");
    assert!(
        cost * 2 > max,
        "`{package}` executes {cost} instructions per request: the bound of {max} is too high"
    );
}

#[test]
fn a_filter_that_does_nothing() {
    assert_eq!(cost("fixture-empty", serde_json::json!({})), 0, "it exports no stream callbacks");
}

#[test]
fn a_filter_that_reads_a_header() {
    check("tollgate-example-hello", serde_json::json!({"header": "x-user", "allowed": ["u1"]}), 2_300);
}

#[test]
fn a_filter_that_adds_a_trace_context() {
    check("tollgate-telemetry-headers", serde_json::json!({"trace_context": {}}), 12_100);
}
