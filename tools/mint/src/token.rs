//! Parts of a token.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

/// Encodes base64url without padding (RFC 7515 section 2).
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns the signed text: both parts in base64url, joined by a dot.
pub fn signing_input(header: &[u8], payload: &[u8]) -> String {
    format!("{}.{}", base64url(header), base64url(payload))
}

/// Returns a token with any signature, or without one.
pub fn unsigned(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let input = signing_input(header.to_string().as_bytes(), claims.to_string().as_bytes());
    format!("{input}.{}", base64url(signature))
}
