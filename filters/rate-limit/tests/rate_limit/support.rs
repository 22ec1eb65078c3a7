//! Common parts of the scenarios.

use serde_json::{Value, json};
use tollgate_host_test::{Filter, Request, Scenario, Wasm};

/// The module for all scenarios that compare filters apart with filters in one module. Each module takes
/// about a minute to build.
pub const MODULE: [&str; 4] =
    ["tollgate-jwt-authn", "tollgate-rate-limit", "tollgate-rate-limit", "tollgate-example-hello"];

/// A proxy with the filter, configured so.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(filter().config(config))
}

/// A proxy with the filter and one limit, named `one`.
pub fn with_limit(limit: Value) -> Scenario {
    with(json!({"limits": {"one": limit}}))
}

/// The filter without a configuration.
pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-rate-limit"))
}

/// A bucket that does not refill noticeably while a test runs.
pub fn bucket(max_tokens: u64) -> Value {
    json!({"token_bucket": {"max_tokens": max_tokens, "fill_interval": "1h"}})
}

/// Adds requests to the end of a scenario.
pub fn sending(scenario: Scenario, requests: impl IntoIterator<Item = Request>) -> Scenario {
    requests.into_iter().fold(scenario, Scenario::request)
}

/// Repeats a request.
pub fn times(request: &Request, count: usize) -> Vec<Request> {
    vec![request.clone(); count]
}

/// The full name of a counter of the limit `one`.
pub fn of_one(event: &str) -> String {
    format!("rate_limit.limit.one.{event}")
}
