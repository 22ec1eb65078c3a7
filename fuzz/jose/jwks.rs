//! Parses any bytes as a key set. Its keys stay within the limits and can be found.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_jose::{Algorithm, KeySet, Limits};

fuzz_target!(|bytes: &[u8]| {
    let Ok((set, skipped)) = KeySet::from_jwks(bytes, Limits { bytes: 1 << 16, keys: 64 }) else { return };
    assert!(!set.is_empty() && skipped.len() < 64);
    for skipped in &skipped {
        assert!(!skipped.error.to_string().is_empty());
    }
    for algorithm in Algorithm::ALL {
        for key in set.candidates(None, *algorithm) {
            assert!(key.permits(*algorithm));
            // A token with the `kid` of the key finds a key with this `kid`.
            let found = set.candidates(key.id(), *algorithm).next().expect("the key itself");
            assert!(key.id().is_none() || found.id() == key.id());
            assert!(!tollgate_jose::verify(key, *algorithm, b"not signed", &[0; 64]));
        }
    }
});
