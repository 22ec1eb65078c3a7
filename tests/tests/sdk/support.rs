//! Scenarios and requests for the tests of the SDK.

use serde_json::{Value, json};
use tollgate_host_test::{Filter, Request, Scenario, Wasm};

/// A proxy with the filter.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(Filter::new(Wasm::package("fixture-everything")).config(config))
}

/// A proxy with the filter, and one request for each action in `what`.
pub fn doing(what: &[&str]) -> Scenario {
    what.iter().fold(with(json!({})), |scenario, what| scenario.request(request(what)))
}

/// A request that asks the filter for an action.
pub fn request(what: &str) -> Request {
    Request::get("/").header("x-do", what)
}
