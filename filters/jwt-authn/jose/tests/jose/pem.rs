//! Public keys and certificates in PEM.

use crate::support::{algorithms, base64, pem};
use tollgate_jose::{KeySet, KeySetError};

#[track_caller]
fn refused(text: &str) -> String {
    match KeySet::from_pem(text) {
        Err(KeySetError::NoUsableKey(Some(error))) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_kind_of_block_is_a_key() {
    let rsa = "RS256 RS384 RS512 PS256 PS384 PS512";
    let cases = [
        ("rsa2048.pub", rsa),
        ("rsa3072.pub", rsa),
        ("rsa2048.pkcs1", rsa),
        ("rsa2048.crt", rsa),
        ("p256.pub", "ES256"),
        ("p256.compressed", "ES256"),
        ("p256.crt", "ES256"),
        ("p384.pub", "ES384"),
        ("p521.pub", "ES512"),
        ("ed25519.pub", "EdDSA"),
        ("ed25519.crt", "EdDSA"),
    ];
    for (name, expected) in cases {
        let set = KeySet::from_pem(&pem(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(algorithms(&set).join(" "), expected, "{name}");
    }
}

#[test]
fn several_are_read_with_what_is_around_them() {
    let text = format!("subject=/CN=a\n\n{}# next\n{}trailer", pem("p256.crt"), pem("rsa2048.pub"));
    let set = KeySet::from_pem(&text).unwrap();
    assert_eq!(set.len(), 2);
    assert_eq!(KeySet::from_pem(&text.replace('\n', "\r\n")).unwrap().len(), 2);
    assert_eq!(KeySet::from_pem(&text.replace('\n', "\n    ")).unwrap().len(), 2);
}

#[test]
fn lines_are_of_any_length() {
    let body = base64("rsa2048.pub");
    let wrapped = |width: usize| {
        let lines: Vec<_> =
            body.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"))
    };
    for width in [1, 3, 64, 76, 10_000] {
        assert_eq!(KeySet::from_pem(&wrapped(width)).unwrap().len(), 1, "{width}");
    }
}

#[test]
fn what_is_not_a_public_key_is_refused() {
    let why = "invalid PEM of public keys: it contains a private key, which must stay with its signer";
    let private = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for label in
        ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY"]
    {
        let block = private.replace("PRIVATE KEY", label);
        assert_eq!(refused(&block), why);
        assert_eq!(refused(&(pem("p256.pub") + &block)), why);
    }
    let other = "invalid PEM of public keys: unknown label of a block, expected `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`";
    for label in ["EC PARAMETERS", "CERTIFICATE REQUEST", "public key", "SSH2 PUBLIC KEY", ""] {
        assert_eq!(refused(&private.replace("PRIVATE KEY", label)), other, "{label}");
    }
}

#[test]
fn what_is_malformed_is_refused() {
    let key = pem("p256.pub");
    let (begin, end) = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----");
    let pem = |why: &str| format!("invalid PEM of public keys: {why}");
    assert_eq!(refused(""), pem("expected at least one block"));
    assert_eq!(refused("AAAA"), pem("expected at least one block"));
    assert_eq!(refused(&key.replace(begin, "")), pem("expected at least one block"));
    assert_eq!(refused(&key.replace(end, "")), pem("a block has no END line"));
    assert_eq!(
        refused(&key.replace(end, "-----END CERTIFICATE-----")),
        pem("BEGIN and END of a block have different labels")
    );
    assert_eq!(refused(&format!("{begin}\n{key}")), pem("a block is not valid base64"));
    assert_eq!(refused(&key.replace(end, &format!("=\n{end}"))), pem("a block is not valid base64"));
    assert_eq!(
        refused(&key.replace(begin, &format!("{begin}\nProc-Type: 4"))),
        pem("a block is not valid base64")
    );
    let not_der = "invalid key: not a SubjectPublicKeyInfo in DER";
    assert_eq!(refused(&format!("{begin}\n{end}")), not_der);
    assert_eq!(refused(&format!("{begin}\nAAAA\n{end}")), not_der);
    assert_eq!(refused(&format!("{begin}\n{}\n{end}", base64("rsa2048.pkcs1"))), not_der);
    assert_eq!(refused(&format!("{begin}\n{}\n{end}", base64("p256.crt"))), not_der);
}

#[test]
fn a_key_that_is_weak_or_not_offered_is_refused() {
    let weak = "too weak: RSA modulus has less than 2048 bits";
    assert_eq!(refused(&pem("rsa1024.pub")), weak);
    assert_eq!(refused(&pem("rsa1024.crt")), weak);
    assert_eq!(refused(&pem("secp256k1.pub")), "`1.3.132.0.10` is not supported");
    assert_eq!(refused(&pem("x25519.pub")), "`1.3.101.110` is not supported");
    assert_eq!(refused(&pem("rsapss.pub")), "`1.2.840.113549.1.1.10` is not supported");
    assert_eq!(refused(&pem("p256.explicit")), "invalid key: malformed SubjectPublicKeyInfo");
}
