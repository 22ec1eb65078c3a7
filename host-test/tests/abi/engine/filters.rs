//! What filters of this workspace cost: instructions of a request without a body, the same on every machine with
//! the compiler that is pinned. The bounds are what was measured and a tenth; whoever makes one dearer says why.

use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{Filter, Request, Response, Scenario, Upstream, Wasm};

/// Instructions of the hundredth request: the first ones grow what later ones find grown.
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
fn check(package: &str, config: serde_json::Value, most: u64) {
    let cost = cost(package, config);
    assert!(cost <= most, "`{package}` carries out {cost} instructions for a request, more than {most}");
    assert!(
        cost * 2 > most,
        "`{package}` carries out {cost} instructions for a request: {most} says nothing"
    );
}

#[test]
fn a_filter_that_does_nothing() {
    assert_eq!(cost("fixture-empty", serde_json::json!({})), 0, "it exports no callback of streams");
}

#[test]
fn a_filter_that_looks_at_a_header() {
    check("tollgate-example-hello", serde_json::json!({"header": "x-user", "allowed": ["u1"]}), 2_300);
}

#[test]
fn a_filter_that_makes_a_trace_context() {
    check("tollgate-telemetry-headers", serde_json::json!({"trace_context": {}}), 12_100);
}
