//! Rows of jwt-authn: tokens that are verified each time, and cached tokens.
//!
//! Both filters do the same: they verify the token and forward it with the request, and set nothing for later
//! filters. That is not the default of jwt-authn. With the defaults (`with results`), it removes the token
//! and stores the principal and the payload in the filter state. Envoy then selects the route again, as after
//! any header change by a Wasm filter.
//!
//! The cost of a cached token does not depend on its algorithm. So large sets of tokens are signed with HMAC,
//! which takes seconds instead of an hour.

use super::{CALLBACKS, Change, EMPTY, Row, Target, calls, configured, native, packed};
use crate::requests::{AUDIENCE, ISSUER, Tokens};
use serde_json::{Value, json};
use tollgate_mint::{Signer, jwks};

pub(super) const ONE: Tokens = Tokens { algorithm: "RS256", count: 1 };
const THOUSAND: Tokens = Tokens { algorithm: "HS256", count: 1_000 };
const MANY: Tokens = Tokens { algorithm: "HS256", count: 100_000 };

/// Target for a cached token, in microseconds more than an empty filter with the same callbacks.
const CACHED_MICROS: f64 = 2.0;

/// Host calls for a cached token: the time for its expiry, the headers that contain it, and the counters of
/// accepted tokens and of cache hits.
const CALLS: [&str; 4] = ["clock", "headers", "counter", "counter"];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        Row::new("jwt none", "no filter, a token of 1 KB", Vec::new).bearer(ONE, "jwt none"),
        Row::new("jwt empty", EMPTY, || vec![packed("fixture-empty")]).bearer(ONE, "jwt none"),
        Row::new("jwt callbacks", CALLBACKS, || vec![packed("fixture-callbacks")]).bearer(ONE, "jwt none"),
        calls::row("jwt cached calls", "only the host calls of `jwt cached`", &CALLS).bearer(ONE, "jwt none"),
    ];
    for (ours, envoy, algorithm, targets) in [
        ("jwt RS256 uncached", "jwt RS256 uncached envoy", "RS256", vec![Target::TimesNative(1.0)]),
        ("jwt ES256 uncached", "jwt ES256 uncached envoy", "ES256", vec![Target::TimesNative(1.0)]),
        ("jwt PS256 uncached", "jwt PS256 uncached envoy", "PS256", vec![]),
        ("jwt ES384 uncached", "jwt ES384 uncached envoy", "ES384", vec![]),
        ("jwt EdDSA uncached", "jwt EdDSA uncached envoy", "EdDSA", vec![]),
        ("jwt HS256 uncached", "jwt HS256 uncached envoy", "HS256", vec![]),
    ] {
        let tokens = Tokens { algorithm, count: 1 };
        let row = Row::new(ours, "verifies the token each time, no cache", move || vec![filter(tokens, 0)]);
        let row = requires_token(row.bearer(tokens, "jwt none").native(envoy));
        rows.push(targets.into_iter().fold(row, Row::target));
        let row = Row::new(envoy, "the same, with Envoy's jwt_authn", move || vec![envoy_filter(tokens, 0)]);
        rows.push(requires_token(row.bearer(tokens, "jwt none")));
    }
    let row = Row::new("jwt cached", "the same token in every request, cached", || vec![filter(ONE, 1_000)]);
    let row = row.bearer(ONE, "jwt none").native("jwt cached envoy");
    rows.push(requires_token(
        row.target(Target::MicrosOver("jwt callbacks", CACHED_MICROS)).compared_with("jwt cached calls"),
    ));
    let row = Row::new(
        "jwt cached with results",
        "defaults: removes the token, stores principal and payload in the filter state",
        || {
            let config = config(ONE, json!({"forward": false}));
            vec![configured("tollgate-jwt-authn", config)]
        },
    );
    rows.push(requires_token(row.bearer(ONE, "jwt none")));
    let row =
        Row::new("jwt cached envoy", "the same, with Envoy's jwt_authn", || vec![envoy_filter(ONE, 1_000)]);
    rows.push(requires_token(row.bearer(ONE, "jwt none")));
    for (tokens, none, empty, callbacks, cached) in [
        (THOUSAND, "jwt 1k none", "jwt 1k empty", "jwt 1k callbacks", "jwt 1k cached"),
        (MANY, "jwt 100k none", "jwt 100k empty", "jwt 100k callbacks", "jwt 100k cached"),
    ] {
        rows.push(Row::new(none, "no filter, tokens round-robin", Vec::new).bearer(tokens, none));
        let row = Row::new(empty, EMPTY, || vec![packed("fixture-empty")]);
        rows.push(row.bearer(tokens, none));
        let row = Row::new(callbacks, CALLBACKS, || vec![packed("fixture-callbacks")]);
        rows.push(row.bearer(tokens, none));
        let description = "tokens round-robin, all cached";
        let row = Row::new(cached, description, move || vec![filter(tokens, tokens.count as usize)]);
        rows.push(requires_token(
            row.bearer(tokens, none).target(Target::MicrosOver(callbacks, CACHED_MICROS)),
        ));
    }
    rows
}

/// Expects 401 without a valid token.
fn requires_token(row: Row) -> Row {
    row.rejects("authorization", Change::Absent, 401).rejects("authorization", Change::Forged, 401)
}

fn filter(tokens: Tokens, cache: usize) -> Value {
    configured("tollgate-jwt-authn", with_cache(tokens, cache))
}

/// The configuration of `jwt cached`.
pub(super) fn cached() -> Value {
    with_cache(ONE, 1_000)
}

fn with_cache(tokens: Tokens, cache: usize) -> Value {
    let more = json!({
        "jwt_cache_config": {"jwt_cache_size": cache},
        "filter_state": {"principal": false, "payload": false},
    });
    merge(config(tokens, json!({})), more)
}

fn envoy_filter(tokens: Tokens, cache: usize) -> Value {
    // A size of 0 is Envoy's default of 100.
    let cache = (cache > 0).then(|| json!({"jwt_cache_config": {"jwt_cache_size": cache}}));
    let all = json!({"rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}]});
    let config = merge(config(tokens, cache.unwrap_or_default()), all);
    native("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", config)
}

/// Configuration that both filters accept. `more` adds fields to the provider.
fn config(tokens: Tokens, more: Value) -> Value {
    let provider = json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": {"inline_string": jwks(&[&Signer::new(tokens.algorithm, 0)])},
        "forward": true,
    });
    json!({
        "providers": {"bench": merge(provider, more)},
        "rules": [{"requires": {"provider_name": "bench"}}],
    })
}

/// Merges two objects. Members of the second take precedence.
fn merge(mut base: Value, more: Value) -> Value {
    if let (Some(base), Value::Object(more)) = (base.as_object_mut(), more) {
        base.extend(more);
    }
    base
}
