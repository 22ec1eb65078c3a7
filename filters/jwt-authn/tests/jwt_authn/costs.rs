//! Costs of a request in instructions, which are stable, unlike times.

use crate::support::{requiring, token, with};
use serde_json::{Value, json};
use tollgate_host_test::Request;
use tollgate_host_test::emulator::Emulator;

/// Instructions of `proxy_on_request_headers` of the second request with the same token of about 1 KB.
fn of_a_seen_token(fields: Value, more: Value) -> u64 {
    let scenario = with(requiring(fields, more));
    let mut emulator = Emulator::builder(&scenario).metered().start().expect("it loads");
    let token = token(json!({"pad": "x".repeat(400)}));
    let request = || {
        Request::get("/orders/7")
            .header("authorization", format!("Bearer {token}"))
            .header("accept", "application/json")
            .header("accept-encoding", "gzip, deflate, br")
            .header("user-agent", "order-service/2.4.1")
            .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    };
    for _ in 0..3 {
        emulator.request(0, &request());
    }
    let before = emulator.costs()["proxy_on_request_headers"].sum;
    emulator.request(0, &request());
    emulator.costs()["proxy_on_request_headers"].sum - before
}

/// A cached token is not parsed or verified again: a signature in Wasm would take hundreds of times as much.
#[test]
fn a_token_seen_before_costs_little() {
    let nothing = json!({"filter_state": {"principal": false, "payload": false}});
    let verified = of_a_seen_token(json!({"forward": true}), nothing);
    let usual = of_a_seen_token(json!({}), json!({}));
    assert!(verified < 8_500, "{verified} instructions");
    assert!(usual < 12_200, "{usual} instructions, with the token removed and results in the filter state");
}

#[test]
fn what_it_costs_does_not_depend_on_the_size_of_the_cache() {
    let alone = of_a_seen_token(json!({}), json!({"jwt_cache_config": {"jwt_cache_size": 1}}));
    let among_many = of_a_seen_token(json!({}), json!({"jwt_cache_config": {"jwt_cache_size": 100_000}}));
    assert!(among_many < alone + alone / 10, "{among_many} instructions, and {alone} in the least cache");
}
