//! base64 of what is passed on (RFC 4648). What is read is `tollgate_jose::base64url`'s.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

/// base64 with padding, as Envoy writes claims that are no text.
pub(super) fn standard(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    STANDARD.encode(bytes).into_bytes()
}

/// base64url, with padding if asked for.
pub(super) fn url(bytes: &[u8], padded: bool) -> Vec<u8> {
    let engine = if padded { URL_SAFE } else { URL_SAFE_NO_PAD };
    engine.encode(bytes).into_bytes()
}
