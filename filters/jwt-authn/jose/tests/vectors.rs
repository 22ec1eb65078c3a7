//! Verifies every signature of `tollgate-mint`. The filter's tests compare the results with other libraries
//! and the host.

#![allow(clippy::unwrap_used, reason = "tests; clippy relaxes this only inside test functions")]

use serde_json::{Value, json};
use std::path::Path;
use tollgate_jose::{Algorithm, Key, KeySet, Limits, host, verify};
use tollgate_mint::{Signer, vectors};

const LIMITS: Limits = Limits { bytes: 10_000, keys: 1 };

fn with_key<T>(jwk: &Value, algorithm: Algorithm, then: impl FnOnce(&Key) -> T) -> T {
    let (keys, skipped) = KeySet::from_jwks(json!({ "keys": [jwk] }).to_string().as_bytes(), LIMITS).unwrap();
    assert_eq!(skipped, []);
    then(keys.candidates(None, algorithm).next().unwrap())
}

#[test]
fn a_signature_is_accepted_if_it_is_right() {
    for vector in vectors() {
        let algorithm = vector.algorithm.parse().unwrap();
        let verdict =
            with_key(&vector.jwk, algorithm, |key| verify(key, algorithm, &vector.input, &vector.signature));
        assert_eq!(verdict, vector.right, "{}", vector.name);
    }
}

#[test]
fn no_key_verifies_by_an_algorithm_of_another_family() {
    for signer in ["HS512", "RS256", "ES256", "ES384", "ES512", "EdDSA"].map(|name| Signer::new(name, 0)) {
        let own: Algorithm = signer.algorithm().parse().unwrap();
        let mut jwk = signer.public_jwk();
        jwk.as_object_mut().unwrap().remove("alg");
        let signature = signer.sign_input(b"input");
        with_key(&jwk, own, |key| {
            for other in Algorithm::ALL.iter().filter(|other| !key.permits(**other)) {
                assert!(!verify(key, *other, b"input", &signature), "{own} {other}");
                assert_eq!(host::arguments(key, *other, b"input", &signature), None, "{own} {other}");
            }
            assert!(verify(key, own, b"input", &signature), "{own}");
        });
    }
}

#[test]
fn the_host_is_asked_about_pkcs1_and_ecdsa_alone() {
    for algorithm in Algorithm::ALL {
        let signer = Signer::new(algorithm.name(), 0);
        let args = with_key(&signer.public_jwk(), *algorithm, |key| {
            host::arguments(key, *algorithm, b"input", &signer.sign_input(b"input"))
        });
        let name = algorithm.name();
        assert_eq!(args.is_some(), name.starts_with("RS") || name.starts_with("ES"), "{name}");
    }
}

/// `UPDATE_PROBE=1` regenerates them.
#[test]
fn the_host_is_probed_with_what_the_mint_signs() {
    for (name, file) in [("RS256", "rs256.args"), ("ES256", "es256.args")] {
        let signer = Signer::new(name, 0);
        let algorithm = name.parse().unwrap();
        let args = with_key(&signer.public_jwk(), algorithm, |key| {
            host::arguments(key, algorithm, b"probe", &signer.sign_input(b"probe")).unwrap()
        });
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/host").join(file);
        if std::env::var_os("UPDATE_PROBE").is_some() {
            std::fs::write(&path, &args).unwrap();
        }
        assert!(
            std::fs::read(&path).unwrap() == args,
            "{file} is out of date: run the test again with UPDATE_PROBE=1"
        );
    }
}
