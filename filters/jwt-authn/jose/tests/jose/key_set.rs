//! Sets of keys: candidates, skipped keys, and limits.

use crate::support::{LIMITS, jwk, pem, with};
use serde_json::{Value, json};
use tollgate_jose::{Algorithm, KeyError, KeySet, KeySetError, Limits};

fn set(keys: &[Value]) -> KeySet {
    let text = json!({"keys": keys}).to_string();
    let (set, skipped) = KeySet::from_jwks(text.as_bytes(), Limits { bytes: 1 << 26, keys: 10_000 }).unwrap();
    assert_eq!(skipped, []);
    set
}

fn ids(set: &KeySet, key_id: Option<&str>, algorithm: Algorithm) -> Vec<String> {
    set.candidates(key_id, algorithm).map(|key| key.id().unwrap_or("-").to_owned()).collect()
}

#[test]
fn a_token_names_its_key() {
    let named = |kind: &str, id: &str| with(jwk(kind), json!({"kid": id}));
    let set =
        set(&[named("RSA", "b"), jwk("RSA"), named("P-256", "b"), named("RSA", "a"), named("RSA", "b")]);
    // The keys with this `kid`, of which there may be several while keys rotate, and one without `kid`, which
    // matches any.
    assert_eq!(ids(&set, Some("b"), Algorithm::Rs256), ["b", "b", "-"]);
    assert_eq!(ids(&set, Some("a"), Algorithm::Ps512), ["a", "-"]);
    assert_eq!(ids(&set, Some("b"), Algorithm::Es256), ["b"]);
    assert_eq!(ids(&set, Some("a"), Algorithm::Es256), [""; 0]);
    assert_eq!(ids(&set, Some("c"), Algorithm::Rs256), ["-"]);
    assert_eq!(ids(&set, Some("B"), Algorithm::Rs256), ["-"]);
    assert_eq!(ids(&set, Some(""), Algorithm::Rs256), ["-"]);
    // A token without `kid` may match any key, in their order.
    assert_eq!(ids(&set, None, Algorithm::Rs256), ["b", "-", "a", "b"]);
    assert_eq!(ids(&set, None, Algorithm::Hs256), [""; 0]);
}

#[test]
fn an_empty_name_is_none() {
    let set = set(&[with(jwk("RSA"), json!({"kid": ""}))]);
    assert_eq!(ids(&set, Some("a"), Algorithm::Rs256), ["-"]);
}

#[test]
fn tries_all_keys_that_may_match() {
    let nameless = set(&vec![jwk("oct"); 40]);
    assert_eq!(nameless.candidates(Some("a"), Algorithm::Hs256).count(), 40);
    assert_eq!(nameless.candidates(None, Algorithm::Hs256).count(), 40);
    let of_one_name = set(&vec![with(jwk("oct"), json!({"kid": "a"})); 40]);
    assert_eq!(of_one_name.candidates(Some("a"), Algorithm::Hs256).count(), 40);
    assert_eq!(of_one_name.candidates(None, Algorithm::Hs256).count(), 40);
}

#[test]
fn names_a_skipped_key_in_one_short_line() {
    let long = "k".repeat(500);
    let keys = [
        json!({"kty": "AKP", "kid": "pq\n1"}),
        json!({"kty": "OKP", "crv": "X25519", "kid": ""}),
        json!({"kty": "EC", "crv": "P-256", "use": "enc", "kid": long}),
        json!({"kty": "oct", "k": "c2hvcnQ", "kid": 7}),
        jwk("oct"),
    ];
    let text = json!({"keys": keys}).to_string();
    let (_, skipped) = KeySet::from_jwks(text.as_bytes(), LIMITS).unwrap();
    let told: Vec<_> = skipped.iter().map(ToString::to_string).collect();
    assert_eq!(told[0], r"key 0 `pq\n1`: `AKP` is not supported");
    assert_eq!(told[1], "key 1: `X25519` is not supported");
    assert_eq!(told[2], format!("key 2 `{}..`: `use` does not permit verifying signatures", "k".repeat(64)));
    assert_eq!(told[3], "key 3: `kid` is missing or malformed");
}

#[test]
fn a_key_is_found_among_ten_thousand() {
    let keys: Vec<_> =
        (0..10_000).rev().map(|n| with(jwk("oct"), json!({"kid": format!("key {n}")}))).collect();
    let set = set(&keys);
    assert_eq!(set.len(), 10_000);
    for n in [0, 1, 9, 10, 4_999, 9_998, 9_999] {
        let id = format!("key {n}");
        assert_eq!(ids(&set, Some(&id), Algorithm::Hs256), [id]);
    }
    assert_eq!(ids(&set, Some("key 10000"), Algorithm::Hs256), [""; 0]);
}

#[test]
fn what_cannot_be_used_is_skipped_and_told() {
    let text = json!({"keys": [{"kty": "AKP"}, jwk("RSA"), null, with(jwk("RSA"), json!({"use": "enc"}))]});
    let (set, skipped) = KeySet::from_jwks(text.to_string().as_bytes(), LIMITS).unwrap();
    assert_eq!((set.len(), set.is_empty()), (1, false));
    let told: Vec<_> = skipped.into_iter().map(|skipped| (skipped.index, skipped.error)).collect();
    let expected = [
        (0, KeyError::Unsupported("AKP".into())),
        (2, KeyError::Member("kty")),
        (3, KeyError::NotForVerifying("use")),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_set_without_a_usable_key_is_an_error() {
    let error = |text: &str| KeySet::from_jwks(text.as_bytes(), LIMITS).unwrap_err();
    assert_eq!(error(r#"{"keys":[]}"#), KeySetError::NoUsableKey(None));
    let unsupported = KeyError::Unsupported("AKP".into());
    assert_eq!(error(r#"{"keys":[{"kty":"AKP"},{}]}"#), KeySetError::NoUsableKey(Some(unsupported)));
    let not_sets = [
        "",
        "null",
        "[]",
        "{}",
        "\"keys\"",
        "<html>",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"keys":"a"}"#,
        r#"{"Keys":[]}"#,
        r#"{"a":1}"#,
        r#"{"keys":[]"#,
        r#"{"keys":[]}{"keys":[]}"#,
        r#"{"keys":[],"keys":[]}"#,
    ];
    for text in not_sets {
        assert_eq!(error(text), KeySetError::NotAKeySet, "{text}");
    }
    // A key with a duplicate member invalidates the whole set, like a syntax error.
    let twice = jwk("RSA").to_string().replacen('{', r#"{"kty":"oct","#, 1);
    assert_eq!(error(&format!(r#"{{"keys":[{twice}]}}"#)), KeySetError::NotAKeySet);
}

#[test]
fn a_set_has_limits() {
    let text = json!({"keys": [jwk("RSA"), jwk("P-256")]}).to_string();
    let of =
        |bytes, keys| KeySet::from_jwks(text.as_bytes(), Limits { bytes, keys }).map(|(set, _)| set.len());
    assert_eq!(of(text.len(), 2), Ok(2));
    assert_eq!(of(text.len() - 1, 2), Err(KeySetError::TooLarge(text.len() - 1)));
    assert_eq!(of(text.len(), 1), Err(KeySetError::TooManyKeys(1)));
    let large = vec![b' '; 10 << 20];
    assert_eq!(KeySet::from_jwks(&large, LIMITS).unwrap_err(), KeySetError::TooLarge(LIMITS.bytes));
}

#[test]
fn a_single_key_is_a_set() {
    let (set, _) =
        KeySet::from_jwks(with(jwk("RSA"), json!({"kid": "a"})).to_string().as_bytes(), LIMITS).unwrap();
    assert_eq!(ids(&set, None, Algorithm::Rs256), ["a"]);
}

#[test]
fn certificates_by_name_are_a_set() {
    let text = json!({"one": pem("rsa2048.crt"), "two": pem("p256.crt"), "": pem("p384.crt"), "bad": "none"});
    let (set, skipped) = KeySet::from_jwks(text.to_string().as_bytes(), LIMITS).unwrap();
    assert_eq!(ids(&set, Some("one"), Algorithm::Rs256), ["one"]);
    assert_eq!(ids(&set, Some("two"), Algorithm::Es256), ["two"]);
    assert_eq!(ids(&set, Some("two"), Algorithm::Rs256), [""; 0]);
    assert_eq!(ids(&set, Some("any"), Algorithm::Es384), ["-"]);
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].error, KeyError::Pem("expected at least one block"));
    assert!(skipped[0].id.is_some());
    let private = json!({"one": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"});
    let error = KeySet::from_jwks(private.to_string().as_bytes(), LIMITS).unwrap_err();
    assert!(error.to_string().contains("a private key"), "{error}");
}
