//! The configuration: what is made of it, and what is refused with which words.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod any;
mod envoy;
mod fingerprint;
mod keys;
mod limits;
mod needs;
mod rates;
mod rules;
mod service;
mod whole;

use serde_json::{Value, json};
use tollgate_rate_limit_policy::Plan;
use tollgate_rate_limit_policy::plan::{ConfigProblem, Limit};

/// A plan of a configuration, read as the SDK reads one.
fn plan(config: Value) -> Result<Plan, String> {
    let config = tollgate_policy::read(&config).map_err(|error| error.to_string())?;
    Plan::new(config).map_err(|problem: ConfigProblem| problem.to_string())
}

/// The same of YAML, as an operator writes it.
fn yaml(text: &str) -> Plan {
    plan(serde_saphyr::from_str(text).unwrap()).unwrap()
}

/// Why one is refused.
fn refused(config: Value) -> String {
    plan(config).map(|plan| panic!("accepted: {plan:?}")).unwrap_err()
}

/// A rate that is like any other.
fn rate() -> Value {
    json!({"token_bucket": {"max_tokens": 10, "fill_interval": "1s"}})
}

/// A limit `a` with a rate and these other fields.
fn limit(fields: Value) -> Value {
    let mut limit = json!({"rates": [rate()]});
    limit.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"limits": {"a": limit}})
}

fn planned(fields: Value) -> Limit {
    plan(limit(fields)).unwrap().limits.remove(0)
}

/// Why such a limit is refused, without its place.
fn limit_refused(fields: Value) -> String {
    let message = refused(limit(fields));
    let rest = message.strip_prefix("limits.a").unwrap_or_else(|| panic!("{message}"));
    rest.trim_start_matches('.').into()
}
