//! HMAC (RFC 7518 section 3.2).

use super::hash::with_hash;
use crate::signature::Hash;
use hmac::{Hmac, KeyInit, Mac};

/// Verifies in constant time. The signature must be the whole HMAC.
pub fn verify(secret: &[u8], hash: Hash, input: &[u8], signature: &[u8]) -> bool {
    with_hash!(hash, H => {
        let Ok(mut mac) = Hmac::<H>::new_from_slice(secret) else { return false };
        mac.update(input);
        mac.verify_slice(signature).is_ok()
    })
}
