//! Encodes base64 (RFC 4648). `tollgate_jose::base64url` decodes it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

/// Encodes base64 with padding, as Envoy does for claims that are not texts.
pub(super) fn standard(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    STANDARD.encode(bytes).into_bytes()
}

/// Encodes base64url, optionally with padding.
pub(super) fn url(bytes: &[u8], padded: bool) -> Vec<u8> {
    let engine = if padded { URL_SAFE } else { URL_SAFE_NO_PAD };
    engine.encode(bytes).into_bytes()
}
