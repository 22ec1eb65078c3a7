//! Common parts of the scenarios.

use serde_json::{Value, json};
use tollgate_host_test::{Filter, Request, Scenario, Wasm};
use tollgate_mint::{Signer, jwks};

/// Issuer of the tokens of [`token`].
pub const ISSUER: &str = "https://issuer.test";
/// Issuer of the tokens of [`other_token`].
pub const OTHER_ISSUER: &str = "https://other.test";

/// A proxy with the filter and this configuration.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(filter().config(config))
}

/// The filter without a configuration.
pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-jwt-authn"))
}

/// The provider of [`token`], with these additional fields.
pub fn provider(more: Value) -> Value {
    merged(json!({"issuer": ISSUER, "local_jwks": {"inline_string": jwks(&[&Signer::rs256()])}}), more)
}

/// The provider of [`other_token`], with these additional fields.
pub fn other_provider(more: Value) -> Value {
    merged(json!({"issuer": OTHER_ISSUER, "local_jwks": {"inline_string": jwks(&[&Signer::es256()])}}), more)
}

/// A configuration in which all requests need a token of the provider with these fields, with additional
/// fields.
pub fn requiring(fields: Value, more: Value) -> Value {
    let config = json!({
        "providers": {"main": provider(fields)},
        "rules": [{"requires": {"provider_name": "main"}}],
    });
    merged(config, more)
}

/// The members of both; those of the second take precedence.
pub fn merged(mut base: Value, more: Value) -> Value {
    if let (Some(base), Value::Object(more)) = (base.as_object_mut(), more) {
        base.extend(more);
    }
    base
}

/// A valid token with `iss`, `sub`, `exp` and these claims.
pub fn token(claims: Value) -> String {
    let all = json!({"iss": ISSUER, "sub": "alice", "exp": 4_000_000_000_u64});
    Signer::rs256().token(&merged(all, claims))
}

/// A valid token of the other provider.
pub fn other_token(claims: Value) -> String {
    let all = json!({"iss": OTHER_ISSUER, "sub": "bob", "exp": 4_000_000_000_u64});
    Signer::es256().token(&merged(all, claims))
}

/// A token with an invalid signature.
pub fn forged_token() -> String {
    let (token, other) = (token(json!({})), token(json!({"sub": "mallory"})));
    let signature = |token: &str| token.rfind('.').expect("a token");
    format!("{}{}", &other[..signature(&other)], &token[signature(&token)..])
}

/// A request with a token in `Authorization`.
pub fn bearing(token: &str) -> Request {
    Request::get("/").header("authorization", format!("Bearer {token}"))
}

/// The full name of a counter.
pub fn counter(name: &str) -> String {
    format!("jwt_authn.{name}")
}
