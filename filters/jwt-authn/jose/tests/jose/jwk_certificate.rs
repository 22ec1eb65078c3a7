//! Keys with a certificate (RFC 7517 sections 4.7 and 4.9).

use crate::support::{algorithms, base64, pem, read, refused, with};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tollgate_jose::{Algorithm, KeySet, base64url};

fn spki(set: &KeySet) -> Vec<u8> {
    let key = Algorithm::ALL.iter().find_map(|algorithm| set.candidates(None, *algorithm).next()).unwrap();
    key.spki().unwrap().to_vec()
}

fn digest(certificate: &str) -> String {
    let url = certificate.trim_end_matches('=').replace('+', "-").replace('/', "_");
    base64url::encode(&Sha256::digest(base64url::decode(url.as_bytes()).unwrap()))
}

/// The members of the key in the certificate of P-256.
fn p256() -> Value {
    let spki = spki(&KeySet::from_pem(&pem("p256.pub")).unwrap());
    let (x, y) = spki[spki.len() - 64..].split_at(32);
    json!({"kty": "EC", "crv": "P-256", "x": base64url::encode(x), "y": base64url::encode(y)})
}

#[test]
fn a_key_without_numbers_is_that_of_its_certificate() {
    let cases = [
        ("RSA", "rsa2048", "RS256 RS384 RS512 PS256 PS384 PS512"),
        ("EC", "p256", "ES256"),
        ("EC", "p256.v1", "ES256"),
        ("EC", "p384", "ES384"),
        ("EC", "p521", "ES512"),
        ("OKP", "ed25519", "EdDSA"),
    ];
    for (kty, name, expected) in cases {
        let jwk = json!({"kty": kty, "x5c": [base64(&format!("{name}.crt")), "the rest is not read"]});
        let set = read(&jwk).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(algorithms(&set).join(" "), expected, "{name}");
        if kty != "OKP" {
            let public = pem(&format!("{}.pub", name.trim_end_matches(".v1")));
            assert_eq!(spki(&set), spki(&KeySet::from_pem(&public).unwrap()), "{name}");
        }
    }
    let narrowed = json!({"kty": "RSA", "alg": "PS256", "x5c": [base64("rsa2048.crt")]});
    assert_eq!(algorithms(&read(&narrowed).unwrap()), ["PS256"]);
}

#[test]
fn a_certificate_is_of_the_key() {
    let crt = base64("p256.crt");
    assert!(read(&with(p256(), json!({"x5c": [crt.clone()]}))).is_ok());
    let of_another = "invalid key: `x5c` contains a different key than the JWK";
    assert_eq!(refused(&with(p256(), json!({"x5c": [base64("p384.crt")]}))), of_another);
    assert_eq!(refused(&with(p256(), json!({"x5c": [base64("ed25519.crt")]}))), of_another);
    let of_another_kind = "invalid key: `x5c` contains a key that does not match `kty` or `crv`";
    assert_eq!(refused(&json!({"kty": "RSA", "x5c": [crt.clone()]})), of_another_kind);
    assert_eq!(refused(&json!({"kty": "EC", "crv": "P-384", "x5c": [crt.clone()]})), of_another_kind);
    assert_eq!(refused(&json!({"kty": "EC", "x": "AAAA", "x5c": [crt]})), "`crv` is missing or malformed");
}

#[test]
fn a_weak_or_private_key_is_refused_with_a_certificate_too() {
    let weak = json!({"kty": "RSA", "x5c": [base64("rsa1024.crt")]});
    assert_eq!(refused(&weak), "too weak: RSA modulus has less than 2048 bits");
    let private = json!({"kty": "RSA", "d": "AAAA", "x5c": [base64("rsa2048.crt")]});
    assert_eq!(refused(&private), "`d` belongs to a private key, which has leaked; replace the key");
}

#[test]
fn a_certificate_is_well_formed() {
    let crt = base64("p256.crt");
    for x5c in [json!([]), json!(crt), json!([1]), json!(["-"]), json!([format!("{crt}\n")])] {
        let why = "`x5c` is missing or malformed";
        assert_eq!(refused(&with(p256(), json!({"x5c": x5c}))), why);
    }
    let url = crt.trim_end_matches('=').replace('+', "-").replace('/', "_");
    let der = base64url::decode(url.as_bytes()).unwrap();
    let standard = |der: &[u8]| {
        let text = base64url::encode(der).replace('-', "+").replace('_', "/");
        let padding = (4 - text.len() % 4) % 4;
        format!("{text}{}", "=".repeat(padding))
    };
    let malformed = "invalid key: not an X.509 certificate in DER";
    for cut in [0, 1, 2, 10, der.len() / 2, der.len() - 1] {
        assert_eq!(refused(&with(p256(), json!({"x5c": [standard(&der[..cut])]}))), malformed, "{cut}");
    }
    assert_eq!(refused(&with(p256(), json!({"x5c": [standard(&[&der[..], &[0]].concat())]}))), malformed);
}

#[test]
fn a_thumbprint_is_of_the_certificate() {
    let crt = base64("p256.crt");
    let with_thumbprint = |of: Value| with(p256(), json!({"x5c": [crt.clone()], "x5t#S256": of}));
    assert!(read(&with_thumbprint(json!(digest(&crt)))).is_ok());
    let other = digest(&base64("p384.crt"));
    let why = "invalid key: `x5t#S256` does not match `x5c`";
    assert_eq!(refused(&with_thumbprint(json!(other))), why);
    assert_eq!(refused(&with_thumbprint(json!(""))), why);
    assert_eq!(refused(&with_thumbprint(json!(1))), "`x5t#S256` is missing or malformed");
    // Without a certificate, the thumbprint is ignored.
    assert!(read(&with(p256(), json!({"x5t#S256": other}))).is_ok());
    // The SHA-1 thumbprint is ignored.
    assert!(read(&with(p256(), json!({"x5c": [crt.clone()], "x5t": "AAAA"}))).is_ok());
}
