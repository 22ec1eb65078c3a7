//! Parses any bytes as a token, and as a header and claims without base64url. Accepted texts are canonical,
//! and have the same meaning for a lenient parser.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_jose::{Json, Jws, base64url};

fuzz_target!(|bytes: &[u8]| {
    spelled_once(bytes);
    // Parses the same bytes as the three parts of a token.
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n').map(base64url::encode);
    let mut part = || parts.next().unwrap_or_default();
    spelled_once(format!("{}.{}.{}", part(), part(), part()).as_bytes());
    json(bytes);
});

fn spelled_once(token: &[u8]) {
    let Ok(jws) = Jws::parse(token) else { return };
    let header = jws.signing_input.split(|byte| *byte == b'.').next().unwrap_or_default();
    let header = base64url::decode(header).expect("it was read");
    let again = [&header, &jws.payload, &jws.signature].map(|part| base64url::encode(part)).join(".");
    assert_eq!(again.as_bytes(), token);
    json(&header);
    json(&jws.payload);
    if let Ok(claims) = jws.claims() {
        assert!(claims.as_object().is_some());
    }
}

fn json(bytes: &[u8]) {
    let Some(read) = Json::parse(bytes) else { return };
    let lenient: serde_json::Value = serde_json::from_slice(bytes).expect("a stricter parser read it");
    let written: serde_json::Value = serde_json::from_str(&read.to_string()).expect("it is JSON");
    assert_eq!(written, lenient);
    assert_eq!(Json::parse(read.to_string().as_bytes()), Some(read));
}
