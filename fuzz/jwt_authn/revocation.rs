//! Parses any bytes as a revocation list. A rejected list changes nothing. An accepted list revokes the same
//! tokens as a simple reading of its JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tollgate_jwt_authn_policy::config::Revocation;
use tollgate_jwt_authn_policy::revocation::Revocations;
use tollgate_policy::UnixNanos;

const NOW: UnixNanos = UnixNanos(1_750_000_000_000_000_000);
const BEFORE: &str = r#"{"tokens": [{"iss": "i", "jti": "before"}]}"#;

fuzz_target!(|text: &[u8]| {
    let mut revocations = Revocations::from_config(&Revocation::default(), 60, [7; 16]);
    revocations.set_list(BEFORE.as_bytes(), NOW).expect("a valid list");
    let generation = revocations.generation();
    if let Err(error) = revocations.set_list(text, NOW) {
        assert!(!error.to_string().contains('\n'), "{error}");
        assert_eq!((revocations.generation(), revocations.len()), (generation, 1));
        return assert!(revocations.is_revoked("i", Some("before"), None, None));
    }
    let list: Value = serde_json::from_slice(text).expect("a list that is taken is JSON");
    let entries = |name: &str| list[name].as_array().map_or(&[][..], Vec::as_slice);
    let text_of = |entry: &Value, name: &str| entry[name].as_str().expect("a text").to_owned();
    let mut count = 0;
    for token in entries("tokens") {
        if token["exp"].as_f64().is_some_and(|exp| exp < 1_750_000_000.0 - 60.0) {
            continue;
        }
        count += 1;
        assert!(revocations.is_revoked(&text_of(token, "iss"), Some(&text_of(token, "jti")), None, None));
    }
    for subject in entries("subjects") {
        count += 1;
        let (iss, sub) = (text_of(subject, "iss"), text_of(subject, "sub"));
        let before = subject["issued_before"].as_u64().expect("a number");
        assert!(revocations.is_revoked(&iss, None, Some(&sub), None));
        assert!(before == 0 || revocations.is_revoked(&iss, None, Some(&sub), Some(before - 1)));
    }
    assert_eq!(revocations.len(), count);
});
