//! Tests with an evaluator of their own, which is small and slow.

mod any;
mod crd;
mod errors;
mod evaluator;
mod matches;
mod policies;

use super::{Compiled, Istio};
use evaluator::{decide, request};
use serde_json::{Value, json};
use tollgate_policy::ConfigError;

/// Reads YAML.
fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Compiles a configuration.
fn compile(config: &Value) -> Result<Compiled, ConfigError> {
    tollgate_policy::config::read::<Istio>(config)?.stages()
}

/// Returns a policy `default/a` with one rule.
fn policy(action: &str, rule: &Value) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "a"},
        "spec": {"action": action, "rules": [rule]},
    })
}

/// Returns the decision of one policy with one rule.
fn decision_of_rule(action: &str, rule: &str, attributes: &str) -> String {
    let config = json!({"policies": [policy(action, &yaml(rule))], "trust_domains": ["td", "old-td"]});
    let compiled = compile(&config).unwrap_or_else(|error| panic!("{rule}: {error}"));
    assert_eq!(compiled.warnings, [""; 0], "{rule}");
    decide(&compiled.stages, &request(attributes))
}
