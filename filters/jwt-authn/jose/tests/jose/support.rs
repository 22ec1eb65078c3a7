//! Keys and tokens for tests.

use serde_json::{Value, json};
use tollgate_jose::{KeyError, KeySet, Limits, base64url};

pub const LIMITS: Limits = Limits { bytes: 1 << 20, keys: 100 };

/// A file of `testdata/pem`.
pub fn pem(name: &str) -> String {
    let path = format!("{}/testdata/pem/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The bytes of a file of `testdata/pem`, as standard base64.
pub fn base64(name: &str) -> String {
    pem(name).lines().filter(|line| !line.starts_with('-')).collect()
}

/// A public key of an RFC, by its kind.
pub fn jwk(kind: &str) -> Value {
    let key = |from: &str| {
        let vectors: Value = serde_json::from_str(include_str!("../../testdata/rfc.json")).unwrap();
        let keys = vectors["keys"].as_array().unwrap();
        let found = keys.iter().find(|key| key["from"] == from);
        found.unwrap_or_else(|| panic!("no key of {from}"))["jwk"].clone()
    };
    let mut jwk = match kind {
        "RSA" => key("RFC 7520 3.3"),
        "P-256" => {
            json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
        }
        "P-521" => key("RFC 7520 3.1"),
        "Ed25519" => key("RFC 8037 A.2"),
        "oct" => key("RFC 7517 A.3, second"),
        other => panic!("no key {other}"),
    };
    for name in ["kid", "use", "alg"] {
        jwk.as_object_mut().unwrap().remove(name);
    }
    jwk
}

/// A JWK with replaced members; `null` removes one.
pub fn with(mut jwk: Value, members: Value) -> Value {
    let object = jwk.as_object_mut().unwrap();
    for (name, value) in members.as_object().unwrap() {
        if value.is_null() {
            object.remove(name)
        } else {
            object.insert(name.clone(), value.clone())
        };
    }
    jwk
}

/// The only key of a JWKS, or its error.
pub fn read(jwk: &Value) -> Result<KeySet, KeyError> {
    let text = json!({"keys": [jwk, with(self::jwk("oct"), json!({"kid": "another"}))]}).to_string();
    let (set, mut skipped) = KeySet::from_jwks(text.as_bytes(), LIMITS).expect("one key is good");
    match skipped.pop() {
        Some(skipped) => {
            assert_eq!((skipped.index, set.len()), (0, 1));
            Err(skipped.error)
        }
        None => Ok(KeySet::from_jwks(json!({"keys": [jwk]}).to_string().as_bytes(), LIMITS).unwrap().0),
    }
}

/// The error message of a JWK.
#[track_caller]
pub fn refused(jwk: &Value) -> String {
    match read(jwk) {
        Err(error) => error.to_string(),
        Ok(set) => panic!("{jwk} was read: {set:?}"),
    }
}

/// Names of the algorithms of the only key of a set.
pub fn algorithms(set: &KeySet) -> Vec<&'static str> {
    let all = tollgate_jose::Algorithm::ALL.iter();
    all.filter(|algorithm| set.candidates(None, **algorithm).count() == 1).map(|a| a.name()).collect()
}

/// A token with this header and payload, and a signature of three bytes.
pub fn token(header: &str, payload: &str) -> String {
    format!("{}.{}.AAAA", base64url::encode(header.as_bytes()), base64url::encode(payload.as_bytes()))
}
