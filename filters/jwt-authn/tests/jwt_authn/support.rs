//! What every scenario of this filter begins with.

use serde_json::{Value, json};
use tollgate_host_test::{Filter, Request, Scenario, Wasm};
use tollgate_mint::{Signer, jwks};

/// Who issues the tokens of [`token`].
pub const ISSUER: &str = "https://issuer.test";
/// Who issues those of [`other_token`].
pub const OTHER_ISSUER: &str = "https://other.test";

/// A proxy with the filter, configured so.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(filter().config(config))
}

/// The filter without a configuration.
pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-jwt-authn"))
}

/// The provider whose tokens [`token`] makes, with these fields besides.
pub fn provider(more: Value) -> Value {
    merged(json!({"issuer": ISSUER, "local_jwks": {"inline_string": jwks(&[&Signer::rs256()])}}), more)
}

/// The provider whose tokens [`other_token`] makes, with these fields besides.
pub fn other_provider(more: Value) -> Value {
    merged(json!({"issuer": OTHER_ISSUER, "local_jwks": {"inline_string": jwks(&[&Signer::es256()])}}), more)
}

/// All requests need a token of the provider with these fields; and this is configured besides.
pub fn requiring(fields: Value, more: Value) -> Value {
    let config = json!({
        "providers": {"main": provider(fields)},
        "rules": [{"requires": {"provider_name": "main"}}],
    });
    merged(config, more)
}

/// The members of both; those of the second one count.
pub fn merged(mut base: Value, more: Value) -> Value {
    if let (Some(base), Value::Object(more)) = (base.as_object_mut(), more) {
        base.extend(more);
    }
    base
}

/// A valid token with these claims besides `iss`, `sub` and `exp`.
pub fn token(claims: Value) -> String {
    let all = json!({"iss": ISSUER, "sub": "alice", "exp": 4_000_000_000_u64});
    Signer::rs256().token(&merged(all, claims))
}

/// The same, of another provider.
pub fn other_token(claims: Value) -> String {
    let all = json!({"iss": OTHER_ISSUER, "sub": "bob", "exp": 4_000_000_000_u64});
    Signer::es256().token(&merged(all, claims))
}

/// A token that is valid but for its signature.
pub fn forged_token() -> String {
    let (token, other) = (token(json!({})), token(json!({"sub": "mallory"})));
    let signature = |token: &str| token.rfind('.').expect("a token");
    format!("{}{}", &other[..signature(&other)], &token[signature(&token)..])
}

/// A request with a token where clients usually put it.
pub fn bearing(token: &str) -> Request {
    Request::get("/").header("authorization", format!("Bearer {token}"))
}

/// The full name of a counter.
pub fn counter(name: &str) -> String {
    format!("jwt_authn.{name}")
}
