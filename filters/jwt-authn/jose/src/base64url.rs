//! base64url without padding, canonical only (RFC 7515 section 2, RFC 4648 section 3.5).
//!
//! What is decoded has one spelling: padding, the other alphabet, white space, and bits at the end that mean nothing are
//! refused. Else one signed token would have many texts, and a list of texts, or a cache by text, would not know it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// The bytes; `None` if the text is not the one that [`encode`] makes of them.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The text.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of padded base64 in the standard alphabet, which `x5c` and PEM are written in; canonical too.
pub(crate) fn decode_standard(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
