//! Helpers that all scenarios of this filter use.

use serde_json::{Value, json};
use tollgate_host_test::{Filter, Request, Scenario, Wasm};

/// The filter without a configuration.
pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-fault"))
}

/// A proxy with the filter and this configuration.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(filter().config(config))
}

/// A proxy with one rule, named `r`, with these fields.
pub fn with_rule(fields: Value) -> Scenario {
    with(json!({"rules": [rule("r", fields)]}))
}

/// A rule.
pub fn rule(name: &str, mut fields: Value) -> Value {
    fields["name"] = name.into();
    fields
}

/// Sends requests for these paths.
pub fn get(scenario: Scenario, paths: &[&str]) -> Scenario {
    paths.iter().fold(scenario, |scenario, path| scenario.request(Request::get(path)))
}

/// Name of the counter of an event.
pub fn counter(event: &str) -> String {
    format!("fault.{event}")
}
