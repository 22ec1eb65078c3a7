//! Details of tokens and keys: fractions, `null` and padding, keys of other kinds, and paths of claims.

use super::examples::{FIRST, by, first, single, token};
use crate::attacks::{bearer, wall_clock as now};
use serde_json::{Value, json};
use tollgate_host_test::Request;
use tollgate_mint::Signer;

/// A token with exactly this payload.
fn raw(payload: &str) -> Request {
    bearer("/", first().sign_raw(first().header().to_string().as_bytes(), payload.as_bytes()))
}

#[test]
fn fractions_and_nulls_of_claims_are_read_as_by_envoy() {
    let claims = |rest: &str| raw(&format!(r#"{{"iss": "{FIRST}", "aud": "shop", {rest}}}"#));
    let soon = now() + 600;
    let mut requests = vec![
        claims(&format!(r#""exp": {soon}.9"#)),
        claims(&format!(r#""exp": {soon}.0, "nbf": 0.5, "iat": 1.5e9"#)),
        claims(r#""exp": 4.1e9"#),
        claims(r#""exp": 1.5"#),
        claims(r#""exp": -0.5"#),
        claims(&format!(r#""exp": {soon}, "nbf": {}.5"#, now() - 1)),
        claims(&format!(r#""exp": {soon}, "x": null"#)),
    ];
    for name in ["exp", "nbf", "iat", "sub", "jti"] {
        requests.push(claims(&format!(r#""{name}": null"#)));
    }
    for payload in [r#"{"iss": null, "aud": "shop"}"#, &format!(r#"{{"iss": "{FIRST}", "aud": null}}"#)] {
        requests.push(raw(payload));
    }
    single(json!({}), requests).agrees(&[]);
}

/// In keys, `null` counts as absent, and padding is ignored.
#[test]
fn keys_are_read_as_by_envoy() {
    let key = first().public_jwk();
    let with = |name: &str, value: Value| {
        let mut key = key.clone();
        key[name] = value;
        key
    };
    let padded = |name: &str| {
        let text = key[name].as_str().unwrap().to_owned();
        let padding = "=".repeat((4 - text.len() % 4) % 4);
        with(name, (text + &padding).into())
    };
    let others = [
        json!({"kty": "AKP", "alg": "ML-DSA-65", "kid": "pq", "use": "sig", "pub": "AA"}),
        json!({"kty": "OKP", "crv": "X25519", "kid": "dh", "x": "AA"}),
        json!({"kty": "EC", "crv": "secp256k1", "kid": "k", "x": "AA", "y": "AA"}),
    ];
    let mut sets = vec![vec![padded("n")], vec![with("use", Value::Null)], vec![with("alg", Value::Null)]];
    sets.push(vec![with("kid", Value::Null)]);
    for other in others {
        sets.extend([vec![other.clone(), key.clone()], vec![key.clone(), other]]);
    }
    for keys in sets {
        let local = json!({ "inline_string": json!({ "keys": keys }).to_string() });
        single(json!({ "local_jwks": local }), vec![bearer("/", token(json!({}))), bearer("/", "x")])
            .agrees(&[]);
    }
}

#[test]
fn all_keys_are_tried_for_a_token_without_kid() {
    let signers: Vec<_> = (0..40).map(|n| Signer::new("EdDSA", n % 2).with_kid(&format!("k{n}"))).collect();
    let keys: Vec<_> = signers.iter().map(|signer| signer.public_jwk()).collect();
    // Only the last key is the other one.
    let mut last = vec![keys[0].clone(); 39];
    last.push(keys[1].clone());
    let local = json!({ "inline_string": json!({ "keys": last }).to_string() });
    let one = |signer: &Signer| bearer("/", by(&signer.clone().without_kid(), FIRST, json!({})));
    single(json!({ "local_jwks": local }), vec![one(&signers[0]), one(&signers[1])]).agrees(&[]);
}

#[test]
fn a_claim_path_is_that_of_envoy() {
    let output = |path: Value| json!({ "header_name": "x-claim", "claim_path": path });
    let request = || {
        let claims = json!({ "https://a.test/tenant": "t1", "a": { "b.c": "deep", "b": { "c": "other" } } });
        vec![bearer("/", token(claims)), bearer("/", token(json!({}))).header("x-claim", "forged")]
    };
    for path in [
        json!([{ "key": "https://a.test/tenant" }]),
        json!([{ "key": "a" }, { "key": "b.c" }]),
        json!([{ "key": "a" }, { "key": "b" }, { "key": "c" }]),
        json!([{ "key": "a" }, { "key": "none" }]),
    ] {
        single(json!({ "claim_to_headers": [output(path)] }), request()).agrees(&[]);
    }
}
