//! What every test of the SDK begins with.

use serde_json::{Value, json};
use tollgate_host_test::{Filter, Request, Scenario, Wasm};

/// A proxy with the filter.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(Filter::new(Wasm::package("fixture-everything")).config(config))
}

/// A proxy with the filter, and a request for each thing that it shall do.
pub fn doing(what: &[&str]) -> Scenario {
    what.iter().fold(with(json!({})), |scenario, what| scenario.request(request(what)))
}

/// A request that asks for something.
pub fn request(what: &str) -> Request {
    Request::get("/").header("x-do", what)
}
