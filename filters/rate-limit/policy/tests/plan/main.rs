//! Tests of the configuration: resolved plans and error messages.

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
use tollgate_rate_limit_policy::model::Limit;
use tollgate_rate_limit_policy::plan::ConfigError;

/// Resolves a configuration, which is read as the SDK reads it.
fn plan(config: Value) -> Result<Plan, String> {
    let config = tollgate_policy::config::read(&config).map_err(|error| error.to_string())?;
    Plan::new(config).map_err(|problem: ConfigError| problem.to_string())
}

/// Resolves a configuration in YAML, as an operator writes it.
fn yaml(text: &str) -> Plan {
    plan(serde_saphyr::from_str(text).unwrap()).unwrap()
}

/// Returns the error of a configuration.
fn refused(config: Value) -> String {
    plan(config).map(|plan| panic!("accepted: {plan:?}")).unwrap_err()
}

/// Returns an ordinary rate.
fn rate() -> Value {
    json!({"token_bucket": {"max_tokens": 10, "fill_interval": "1s"}})
}

/// Returns a configuration with a limit `a` that has a rate and these fields.
fn limit(fields: Value) -> Value {
    let mut limit = json!({"rates": [rate()]});
    limit.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"limits": {"a": limit}})
}

fn planned(fields: Value) -> Limit {
    plan(limit(fields)).unwrap().limits.remove(0)
}

/// Returns the error of such a limit, without its path.
fn limit_refused(fields: Value) -> String {
    let message = refused(limit(fields));
    let rest = message.strip_prefix("limits.a").unwrap_or_else(|| panic!("{message}"));
    rest.trim_start_matches('.').into()
}
