//! Tokens: what is verified each time, and what was seen before.
//!
//! Ours and Envoy's do the same: the token is verified and goes on with the request, and nothing is left for later
//! filters. That is not the default: with the defaults (`with results`) the token is removed, upon which Envoy chooses
//! the route anew as it does for any header that a Wasm filter changes, and who it is of is left in the filter state.
//!
//! What a proxy remembers of a token does not depend on what signed it. So the sets of many tokens are signed with
//! HMAC, which takes seconds to make rather than an hour.

use super::{Bound, Change, Row, calls, configured, native, packed};
use crate::requests::{AUDIENCE, ISSUER, Tokens};
use serde_json::{Value, json};
use tollgate_mint::{Signer, jwks};

const ONE: Tokens = Tokens { algorithm: "RS256", count: 1 };
const THOUSAND: Tokens = Tokens { algorithm: "HS256", count: 1_000 };
const MANY: Tokens = Tokens { algorithm: "HS256", count: 100_000 };

/// What a token that was seen before may cost more than a filter of ours that does nothing.
const SEEN_MICROS: f64 = 2.0;

/// What a token that was seen before takes of the host: whether it has expired, whose it is, that it was accepted, and that
/// it was known.
const CALLS: [&str; 4] = ["clock", "headers", "counter", "counter"];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        Row::new("jwt none", "the router alone, a token of 1 KB", Vec::new).bearer(ONE, "jwt none"),
        Row::new("jwt empty", "does nothing; ours", || vec![packed("fixture-empty")]).bearer(ONE, "jwt none"),
        Row::new("jwt callbacks", "does nothing, in both header callbacks; ours", || {
            vec![packed("fixture-callbacks")]
        })
        .bearer(ONE, "jwt none"),
        calls::row("jwt seen calls", "the host calls of `jwt seen`, and nothing else", &CALLS)
            .bearer(ONE, "jwt none"),
    ];
    for (ours, envoy, algorithm, bounds) in [
        ("jwt RS256 new", "jwt RS256 new envoy", "RS256", vec![Bound::TimesNative(1.0)]),
        ("jwt ES256 new", "jwt ES256 new envoy", "ES256", vec![Bound::TimesNative(1.0)]),
        ("jwt PS256 new", "jwt PS256 new envoy", "PS256", vec![]),
        ("jwt ES384 new", "jwt ES384 new envoy", "ES384", vec![]),
        ("jwt EdDSA new", "jwt EdDSA new envoy", "EdDSA", vec![]),
        ("jwt HS256 new", "jwt HS256 new envoy", "HS256", vec![]),
    ] {
        let tokens = Tokens { algorithm, count: 1 };
        let row = Row::new(ours, "verified each time: no cache", move || vec![filter(tokens, 0)]);
        let row = guarded(row.bearer(tokens, "jwt none").native(envoy));
        rows.push(bounds.into_iter().fold(row, Row::bound));
        let row = Row::new(envoy, "the same, by Envoy's jwt_authn", move || vec![envoy_filter(tokens, 0)]);
        rows.push(guarded(row.bearer(tokens, "jwt none")));
    }
    let row = Row::new("jwt seen", "the same token again and again", || vec![filter(ONE, 1_000)]);
    let row = row.bearer(ONE, "jwt none").native("jwt seen envoy");
    rows.push(guarded(row.bound(Bound::MicrosOver("jwt callbacks", SEEN_MICROS)).beside("jwt seen calls")));
    let row = Row::new(
        "jwt seen with results",
        "by default: token removed, principal and payload in the filter state",
        || {
            let config = config(ONE, json!({"forward": false}));
            vec![configured("tollgate-jwt-authn", config)]
        },
    );
    rows.push(guarded(row.bearer(ONE, "jwt none")));
    let row = Row::new("jwt seen envoy", "the same, by Envoy's jwt_authn", || vec![envoy_filter(ONE, 1_000)]);
    rows.push(guarded(row.bearer(ONE, "jwt none")));
    for (tokens, none, empty, callbacks, seen) in [
        (THOUSAND, "jwt 1k none", "jwt 1k empty", "jwt 1k callbacks", "jwt 1k seen"),
        (MANY, "jwt 100k none", "jwt 100k empty", "jwt 100k callbacks", "jwt 100k seen"),
    ] {
        rows.push(Row::new(none, "the router alone, tokens in turn", Vec::new).bearer(tokens, none));
        let row = Row::new(empty, "does nothing; ours", || vec![packed("fixture-empty")]);
        rows.push(row.bearer(tokens, none));
        let row = Row::new(callbacks, "does nothing, in both header callbacks; ours", || {
            vec![packed("fixture-callbacks")]
        });
        rows.push(row.bearer(tokens, none));
        let what = "tokens in turn, all seen before";
        let row = Row::new(seen, what, move || vec![filter(tokens, tokens.count as usize)]);
        rows.push(guarded(row.bearer(tokens, none).bound(Bound::MicrosOver(callbacks, SEEN_MICROS))));
    }
    rows
}

/// It lets in who has a token, and nobody else.
fn guarded(row: Row) -> Row {
    row.refuses("authorization", Change::Absent, 401).refuses("authorization", Change::Forged, 401)
}

fn filter(tokens: Tokens, cache: usize) -> Value {
    let more = json!({
        "jwt_cache_config": {"jwt_cache_size": cache},
        "filter_state": {"principal": false, "payload": false},
    });
    configured("tollgate-jwt-authn", with(config(tokens, json!({})), more))
}

fn envoy_filter(tokens: Tokens, cache: usize) -> Value {
    // A size of 0 is Envoy's default of 100.
    let cache = (cache > 0).then(|| json!({"jwt_cache_config": {"jwt_cache_size": cache}}));
    let all = json!({"rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}]});
    let config = with(config(tokens, cache.unwrap_or_default()), all);
    native("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", config)
}

/// What both filters read alike, with these fields of the provider besides.
fn config(tokens: Tokens, more: Value) -> Value {
    let provider = json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": {"inline_string": jwks(&[&Signer::new(tokens.algorithm, 0)])},
        "forward": true,
    });
    json!({
        "providers": {"bench": with(provider, more)},
        "rules": [{"requires": {"provider_name": "bench"}}],
    })
}

/// The members of both; those of the second one count.
fn with(mut base: Value, more: Value) -> Value {
    if let (Some(base), Value::Object(more)) = (base.as_object_mut(), more) {
        base.extend(more);
    }
    base
}
