//! The configuration: what is made of it, and what is refused with which words.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod any;
mod defaults;
mod envoy;
mod istio;
mod istio_crd;
mod keys;
mod providers;
mod rules;
mod whole;

use serde_json::{Value, json};
use tollgate_jwt_authn_policy::plan::{ConfigProblem, Plan};

/// RFC 8037 appendix A.2.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// A plan of a configuration, read as the SDK reads one.
fn plan(config: Value) -> Result<Plan, String> {
    let text = config.to_string();
    let mut json = serde_json::Deserializer::from_str(&text);
    let config = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| format!("{}: {}", error.path(), error.inner()))?;
    let environment = |name: &str| (name == "KEYS").then(|| ED25519.to_owned());
    Plan::new(config, environment).map_err(|problem: ConfigProblem| problem.to_string())
}

/// Why one is refused.
fn refused(config: Value) -> String {
    plan(config).map(|plan| panic!("accepted: {plan:?}")).unwrap_err()
}

/// A provider with these fields besides keys and issuer.
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

/// Why a provider with these fields is refused, without the place of the provider.
fn provider_refused(fields: Value) -> String {
    let message = refused(json!({"providers": {"auth0": provider(fields)}}));
    message
        .strip_prefix("providers.auth0")
        .unwrap_or_else(|| panic!("{message}"))
        .trim_start_matches('.')
        .into()
}

/// Why a rule is refused, without its place.
fn rule_refused(rule: Value) -> String {
    let message = refused(with(json!({"rules": [rule]})));
    message.strip_prefix("rules[0].").unwrap_or_else(|| panic!("{message}")).into()
}
