//! Examples of RFC 7515, 7517, 7519, 7520 and 8037.

use crate::support::read;
use serde_json::Value;
use tollgate_jose::{Jws, KeySet, Limits, verify};

fn vectors(of: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(include_str!("../../testdata/rfc.json")).unwrap();
    vectors[of].as_array().unwrap().clone()
}

#[test]
fn a_signed_token_verifies_by_its_key() {
    let tokens = vectors("tokens");
    assert_eq!(tokens.len(), 10);
    for vector in tokens {
        let from = &vector["from"];
        let jwk = vector["jwk"].to_string();
        let (keys, _) = KeySet::from_jwks(jwk.as_bytes(), Limits { bytes: 4096, keys: 1 })
            .unwrap_or_else(|error| panic!("{from}: {error}"));
        let token = vector["token"].as_str().unwrap();
        let jws = Jws::parse(token.as_bytes()).unwrap_or_else(|error| panic!("{from}: {error:?}"));
        assert_eq!(jws.signing_input, token.rsplit_once('.').unwrap().0.as_bytes());
        let mut candidates = keys.candidates(jws.header.key_id.as_deref(), jws.header.algorithm);
        let key = candidates.next().unwrap_or_else(|| panic!("{from}: no key"));
        let signed = |input: &[u8]| verify(key, jws.header.algorithm, input, &jws.signature);
        assert!(signed(jws.signing_input), "{from}");
        assert!(!signed(token.as_bytes()), "{from}");
    }
}

#[test]
fn the_claims_of_rfc_7519_section_3_1_are_read() {
    let token = vectors("tokens")[0]["token"].as_str().unwrap().to_owned();
    let jws = Jws::parse(token.as_bytes()).unwrap();
    assert_eq!(jws.header.typ.as_deref(), Some("JWT"));
    let claims = jws.claims().unwrap();
    assert_eq!(claims.get("iss").and_then(|iss| iss.as_str()), Some("joe"));
    assert_eq!(claims.get("exp").and_then(|exp| exp.as_i64()), Some(1_300_819_380));
    assert_eq!(claims.get("http://example.com/is_root").and_then(|root| root.as_bool()), Some(true));
}

#[test]
fn a_token_without_a_signature_or_encrypted_is_refused() {
    for vector in vectors("refused") {
        let error = Jws::parse(vector["token"].as_str().unwrap().as_bytes()).unwrap_err();
        assert_eq!(format!("{error:?}"), vector["refused"], "{}", vector["from"]);
    }
}

#[test]
fn a_public_signing_key_is_read_and_no_other() {
    let keys = vectors("keys");
    assert_eq!(keys.len(), 15);
    for vector in keys {
        let error = read(&vector["jwk"]).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), vector["refused"].as_str(), "{}", vector["from"]);
    }
}
