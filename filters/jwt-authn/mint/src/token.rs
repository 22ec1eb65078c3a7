//! The three parts of a token.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

/// As RFC 7515 section 2 has it: without padding.
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What is signed: both parts in base64url, joined by a dot.
pub fn signing_input(header: &[u8], payload: &[u8]) -> String {
    format!("{}.{}", base64url(header), base64url(payload))
}

/// A token with any signature, or with none.
pub fn unsigned(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let input = signing_input(header.to_string().as_bytes(), claims.to_string().as_bytes());
    format!("{input}.{}", base64url(signature))
}
