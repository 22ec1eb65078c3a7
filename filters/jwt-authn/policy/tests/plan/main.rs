//! The configuration: plans of valid ones, and the errors of invalid ones.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod any;
mod defaults;
mod discovery;
mod envoy;
mod istio;
mod istio_crd;
mod keys;
mod providers;
mod resources;
mod rules;
mod whole;

use serde_json::{Value, json};
use tollgate_jwt_authn_policy::plan::{ConfigError, Plan};

/// RFC 8037 appendix A.2.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// The plan of a configuration, read as the SDK reads one. Without rules, tokens are optional.
fn plan(mut config: Value) -> Result<Plan, String> {
    let of_rules = ["rules", "jwtRules", "filter_state_rules"];
    if of_rules.iter().all(|name| config.get(name).is_none()) {
        config["rules"] = json!([{"requires": {"allow_missing": {}}}]);
    }
    plan_of(config)
}

/// The plan of exactly this configuration.
fn plan_of(config: Value) -> Result<Plan, String> {
    let config = tollgate_policy::config::read(&config).map_err(|error| error.to_string())?;
    let environment = |name: &str| (name == "KEYS").then(|| ED25519.to_owned());
    Plan::new(config, environment).map_err(|problem: ConfigError| problem.to_string())
}

/// The error of an invalid configuration.
fn refused(config: Value) -> String {
    plan(config).map(|plan| panic!("accepted: {plan:?}")).unwrap_err()
}

/// A provider with these fields, keys and an issuer.
fn provider(fields: Value) -> Value {
    let mut provider = json!({"issuer": "https://a.example", "local_jwks": {"inline_string": ED25519}});
    provider.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    provider
}

/// A configuration with the provider `auth0` and these other fields.
fn with(fields: Value) -> Value {
    let mut config = json!({"providers": {"auth0": provider(json!({}))}});
    config.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    config
}

/// The error of a provider with these fields, without the path of the provider.
fn provider_refused(fields: Value) -> String {
    let message = refused(json!({"providers": {"auth0": provider(fields)}}));
    message
        .strip_prefix("providers.auth0")
        .unwrap_or_else(|| panic!("{message}"))
        .trim_start_matches('.')
        .into()
}

/// The error of a rule, without its path.
fn rule_refused(rule: Value) -> String {
    let message = refused(with(json!({"rules": [rule]})));
    message.strip_prefix("rules[0].").unwrap_or_else(|| panic!("{message}")).into()
}
