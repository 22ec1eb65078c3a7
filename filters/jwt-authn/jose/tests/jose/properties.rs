//! Properties of parsers for any text.

use crate::support::{LIMITS, jwk, pem};
use proptest::prelude::*;
use serde_json::Value;
use tollgate_jose::{Json, Jws, KeySet, base64url};

/// Any JSON of a token, without floats, because not every float is written as it was parsed.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn token(alg: &str, key_id: &str, payload: &[u8], signature: &[u8]) -> String {
    let header = serde_json::json!({"alg": alg, "kid": key_id}).to_string();
    let [header, payload, signature] = [header.as_bytes(), payload, signature].map(base64url::encode);
    format!("{header}.{payload}.{signature}")
}

/// The meaning of a token. Two texts never have the same meaning.
fn said(jws: &Jws<'_>) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let header = jws.signing_input.split(|byte| *byte == b'.').next().unwrap();
    (base64url::decode(header).unwrap(), jws.payload.clone(), jws.signature.clone())
}

proptest! {
    #[test]
    fn base64url_has_one_text_for_bytes(bytes: Vec<u8>) {
        prop_assert_eq!(base64url::decode(base64url::encode(&bytes).as_bytes()), Some(bytes));
    }

    #[test]
    fn base64url_has_one_reading_of_a_text(text in "[A-Za-z0-9_=+/ -]{0,12}") {
        if let Some(bytes) = base64url::decode(text.as_bytes()) {
            prop_assert_eq!(base64url::encode(&bytes), text);
        }
    }

    #[test]
    fn json_is_read_as_it_is_written(value in json()) {
        let text = value.to_string();
        let read = Json::parse(text.as_bytes()).expect("it is strict JSON");
        prop_assert_eq!(serde_json::from_str::<Value>(&read.to_string()).unwrap(), value);
        prop_assert_eq!(Json::parse(read.to_string().as_bytes()), Some(read));
    }

    #[test]
    fn json_that_is_read_is_json(text in r#"[\[\]{}:,"ab01.e\\u -]{0,24}"#) {
        // Accepted texts have the same value for a lenient parser.
        if let Some(read) = Json::parse(text.as_bytes()) {
            let lenient: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&read.to_string()).unwrap(), lenient);
        }
    }

    #[test]
    fn a_token_is_read_as_it_is_written(key_id in "[ -~]{1,40}", payload: Vec<u8>, signature in prop::collection::vec(any::<u8>(), 1..80)) {
        let text = token("ES256", &key_id, &payload, &signature);
        let jws = Jws::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(jws.header.key_id.as_deref(), Some(key_id.as_str()));
        prop_assert_eq!((&jws.payload, &jws.signature), (&payload, &signature));
    }

    #[test]
    fn another_text_is_another_token(
        payload: Vec<u8>,
        signature in prop::collection::vec(any::<u8>(), 1..80),
        place: prop::sample::Index,
        byte: u8,
        edit in 0..3,
    ) {
        let text = token("RS256", "a", &payload, &signature).into_bytes();
        let mut other = text.clone();
        let place = place.index(text.len());
        match edit {
            0 => other[place] = byte,
            1 => other.insert(place, byte),
            _ => { other.remove(place); }
        }
        prop_assume!(other != text);
        if let Ok(read) = Jws::parse(&other) {
            prop_assert_ne!(said(&read), said(&Jws::parse(&text).unwrap()));
        }
    }

    #[test]
    fn nothing_panics(bytes: Vec<u8>, text: String) {
        let _ = (Jws::parse(&bytes), Jws::parse(text.as_bytes()), Json::parse(&bytes));
        let _ = (KeySet::from_jwks(&bytes, LIMITS), KeySet::from_pem(&text));
    }

    #[test]
    fn no_spoilt_key_set_panics(
        kind in prop::sample::select(vec!["RSA", "P-256", "P-521", "Ed25519", "oct"]),
        place: prop::sample::Index,
        byte in 0x20..0x7f_u8,
    ) {
        let mut text = serde_json::json!({"keys": [jwk(kind)]}).to_string().into_bytes();
        let place = place.index(text.len());
        text[place] = byte;
        if let Ok((set, skipped)) = KeySet::from_jwks(&text, LIMITS) {
            prop_assert_eq!((set.len(), skipped.len()), (1, 0));
        }
    }

    #[test]
    fn no_spoilt_pem_panics(
        name in prop::sample::select(vec!["rsa2048.pub", "rsa2048.pkcs1", "p256.crt", "p521.pub", "ed25519.crt"]),
        place: prop::sample::Index,
        byte in 0x20..0x7f_u8,
    ) {
        let mut text = pem(name).into_bytes();
        let place = place.index(text.len());
        text[place] = byte;
        let read = KeySet::from_pem(std::str::from_utf8(&text).unwrap());
        prop_assert!(read.map_or(0, |set| set.len()) <= 1);
    }
}
