//! Instructions per request, which vary less than times.

use crate::support::with;
use serde_json::{Value, json};
use tollgate_host_test::Request;
use tollgate_host_test::emulator::Emulator;

/// Instructions of `proxy_on_request_headers` of a request that is let through, whose page is remembered.
fn of_a_request(key: Value) -> u64 {
    let bucket =
        json!({"max_tokens": 1_000_000_000, "tokens_per_fill": 1_000_000_000, "fill_interval": "1s"});
    let scenario = with(json!({
        "limits": {"client": {"key": [key], "rates": [{"token_bucket": bucket}]}},
        "response": {"rate_limit_headers": false, "retry_after": false},
    }));
    let mut emulator = Emulator::builder(&scenario).metered().start().expect("it loads");
    let request = Request::get("/orders/7")
        .header("accept", "application/json")
        .header("accept-encoding", "gzip, deflate, br")
        .header("user-agent", "order-service/2.4.1")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .header("x-api-key", "demo");
    for _ in 0..3 {
        emulator.request(0, &request);
    }
    let before = emulator.costs()["proxy_on_request_headers"].sum;
    emulator.request(0, &request);
    emulator.costs()["proxy_on_request_headers"].sum - before
}

#[test]
fn a_limit_costs_little() {
    let by_address = of_a_request(json!({"remote_address": {}}));
    let by_header = of_a_request(json!({"request_headers": {"header_name": "x-api-key"}}));
    assert!(by_address < 6_330, "{by_address} instructions, by address");
    assert!(by_header < 8_050, "{by_header} instructions, by a header");
}
