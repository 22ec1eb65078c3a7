//! Canonical base64url without padding (RFC 7515 section 2, RFC 4648 section 3.5).
//!
//! Each sequence of bytes has exactly one accepted text. Padding, the other alphabet, white space and
//! non-zero trailing bits are rejected. Otherwise one signed token would have several texts, and a list or a
//! cache of texts would miss it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Decodes a text. Returns `None` unless [`encode`] produces the same text.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes bytes.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes canonical base64 with padding in the standard alphabet, which `x5c` and PEM use.
pub(crate) fn decode_standard(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
