//! base64url without padding, canonical only (RFC 7515 section 2, RFC 4648 section 3.5).
//!
//! What is decoded has one spelling: padding, the other alphabet, white space, and bits at the end that mean nothing are
//! refused. Else one signed token would have many texts, and a list of texts, or a cache by text, would not know it.

use base64ct::{Base64UrlUnpadded, Encoding};

/// The bytes; `None` if the text is not the one that [`encode`] makes of them.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() / 4 * 3 + 2];
    let length = Base64UrlUnpadded::decode(text, &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

/// The text.
pub fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
