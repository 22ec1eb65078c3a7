//! Instructions of a request that the router may retry, beside those of a module that makes the same host
//! calls. Unlike times, they are the same in every run.

use crate::support::{filter, status};
use serde_json::json;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{Filter, Request, Scenario, Upstream, Wasm};

/// Returns the instructions of all callbacks of a request that succeeds at once, and its host calls, sorted.
fn of_a_request(filter: Filter) -> (u64, Vec<String>) {
    let upstream = Upstream::answers("upstream", vec![status(200)]);
    let scenario = Scenario::new().filter(filter).upstream(upstream);
    let mut emulator = Emulator::builder(&scenario).metered().start().expect("it loads");
    // The fields of the rows of the benchmarks.
    let request = Request::get("/orders/7")
        .header("accept", "application/json")
        .header("accept-encoding", "gzip, deflate, br")
        .header("authorization", "Bearer 0123456789abcdef0123456789abcdef")
        .header("user-agent", "order-service/2.4.1")
        .header("x-request-id", "3f2b8c1e-7d4a-4e5b-9c6f-1a2b3c4d5e6f")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .header("x-api-key", "demo");
    for _ in 0..3 {
        emulator.request(0, &request);
    }
    let sum = |emulator: &Emulator| emulator.costs().values().map(|cost| cost.sum).sum::<u64>();
    let (before, seen) = (sum(&emulator), emulator.calls().len());
    emulator.request(0, &request);
    let mut calls: Vec<_> = emulator.calls()[seen..].iter().map(|call| call.name.to_string()).collect();
    calls.sort();
    (sum(&emulator) - before, calls)
}

#[test]
fn steering_costs_little_more_than_its_host_calls() {
    let rules = json!({"rules": [{"retry_on": "5xx,reset,unavailable", "num_retries": 2}]});
    let (steering, calls) = of_a_request(filter().config(rules));
    // The row `retry calls` of the benchmarks.
    let bare =
        json!({"calls": ["clock", "headers", "page", "edit", "edit", "edit", "counter", "attempts", "page"]});
    let (bare, same) = of_a_request(Filter::new(Wasm::package("fixture-calls")).config(bare));
    assert_eq!(calls, same);
    println!("{steering} instructions, {bare} for the host calls");
    assert!(steering < 11_500 && steering < bare + 5_900, "{steering} instructions, {bare} for the calls");
}
