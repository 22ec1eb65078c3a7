//! Parses any bytes as PEM, and as the DER in a block of each kind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_jose::{Algorithm, KeySet, base64url};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = KeySet::from_pem(text);
    }
    let mut base64 = base64url::encode(bytes).replace('-', "+").replace('_', "/");
    base64.push_str("=".repeat((4 - base64.len() % 4) % 4).as_str());
    for label in ["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"] {
        let text = format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----");
        let Ok(set) = KeySet::from_pem(&text) else { continue };
        let mut keys = Algorithm::ALL.iter().flat_map(|algorithm| set.candidates(None, *algorithm));
        // The encoding for the host is parsed as the same key.
        if let Some(spki) = keys.find_map(|key| key.spki()) {
            let again = base64url::encode(spki).replace('-', "+").replace('_', "/");
            let padding = "=".repeat((4 - again.len() % 4) % 4);
            let text = format!("-----BEGIN PUBLIC KEY-----\n{again}{padding}\n-----END PUBLIC KEY-----");
            let set = KeySet::from_pem(&text).expect("it was written here");
            let mut keys = Algorithm::ALL.iter().flat_map(|algorithm| set.candidates(None, *algorithm));
            assert_eq!(keys.find_map(|key| key.spki()), Some(spki));
        }
    }
});
