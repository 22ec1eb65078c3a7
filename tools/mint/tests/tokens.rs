//! Tokens and keys have the correct form and are the same in each run.

#![allow(clippy::unwrap_used, reason = "tests; clippy relaxes this only inside test functions")]

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tollgate_mint::{Signer, jwks, signing_input, unsigned};

const ALL: [(&str, usize); 13] = [
    ("HS256", 32),
    ("HS384", 48),
    ("HS512", 64),
    ("RS256", 256),
    ("RS384", 256),
    ("RS512", 256),
    ("PS256", 256),
    ("PS384", 256),
    ("PS512", 256),
    ("ES256", 64),
    ("ES384", 96),
    ("ES512", 132),
    ("EdDSA", 64),
];

fn decoded(part: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()
}

#[test]
fn a_signature_has_the_length_of_its_algorithm() {
    let claims = json!({ "iss": "https://issuer.test", "exp": 1 });
    for (name, length) in ALL {
        let signer = Signer::new(name, 0);
        let token = signer.token(&claims);
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            panic!("{token}")
        };
        let header: Value = serde_json::from_slice(&decoded(header)).unwrap();
        assert_eq!(header, json!({ "alg": name, "kid": signer.kid().unwrap(), "typ": "JWT" }));
        assert_eq!(serde_json::from_slice::<Value>(&decoded(payload)).unwrap(), claims);
        assert_eq!(decoded(signature).len(), length, "{name}");
    }
}

#[test]
fn signatures_depend_only_on_key_and_input() {
    for (name, _) in ALL {
        let once = Signer::new(name, 0).sign_input(b"input");
        assert_eq!(once, Signer::new(name, 0).sign_input(b"input"), "{name}");
        assert_ne!(once, Signer::new(name, 0).sign_input(b"other"), "{name}");
        assert_ne!(once, Signer::new(name, 1).sign_input(b"input"), "{name}");
    }
}

#[test]
fn a_signature_goes_with_the_public_key_that_is_told() {
    use rsa::pkcs8::DecodePublicKey;
    use rsa::signature::Verifier;
    let es256 = Signer::es256();
    let key = p256::ecdsa::VerifyingKey::from_public_key_pem(&es256.public_pem()).unwrap();
    let signature = p256::ecdsa::Signature::from_slice(&es256.sign_input(b"input")).unwrap();
    key.verify(b"input", &signature).unwrap();
    let point = key.to_sec1_point(false);
    assert_eq!(decoded(es256.public_jwk()["x"].as_str().unwrap()), point.x().unwrap().as_slice());

    let rs256 = Signer::rs256();
    let key = rsa::RsaPublicKey::from_public_key_pem(&rs256.public_pem()).unwrap();
    let key = rsa::pkcs1v15::VerifyingKey::<sha2::Sha256>::new(key);
    let signature = rs256.sign_input(b"input");
    key.verify(b"input", &signature.as_slice().try_into().unwrap()).unwrap();
}

#[test]
fn a_certificate_holds_the_key_it_is_for() {
    for signer in [Signer::rs256(), Signer::new("RS256", 1), Signer::es256(), Signer::new("ES256", 1)] {
        let certificate = BASE64_STANDARD.decode(signer.x5c()).unwrap();
        let pem = signer.public_pem();
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let spki = BASE64_STANDARD.decode(base64).unwrap();
        assert!(certificate.windows(spki.len()).any(|window| window == spki), "{:?}", signer.kid());
    }
}

#[test]
fn a_key_set_has_each_key_with_its_id_and_nothing_private() {
    let signers = [Signer::rs256(), Signer::es256().with_kid("other"), Signer::ed_dsa().without_kid()];
    let set: Value = serde_json::from_str(&jwks(&signers.each_ref())).unwrap();
    let ids: Vec<_> = set["keys"].as_array().unwrap().iter().map(|key| key.get("kid")).collect();
    assert_eq!(ids, [Some(&json!("rsa2048-0")), Some(&json!("other")), None]);
    for key in set["keys"].as_array().unwrap() {
        assert!(["d", "p", "q", "dp", "dq", "qi"].iter().all(|private| key.get(private).is_none()), "{key}");
    }
}

#[test]
fn a_token_may_be_signed_by_nobody() {
    let token = unsigned(&json!({ "alg": "none" }), &json!({ "sub": "me" }), b"");
    assert_eq!(token, format!("{}.", signing_input(br#"{"alg":"none"}"#, br#"{"sub":"me"}"#)));
}
