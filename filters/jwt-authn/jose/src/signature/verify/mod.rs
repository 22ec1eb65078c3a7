//! Verification of signatures.
//!
//! The rules are strict, so that the host and this code always agree, and no signature has two accepted
//! encodings (except as noted for ECDSA):
//!
//! - RSA: exactly as long as the modulus, and below it (RFC 8017 section 8.2.2). PSS: MGF1 with the hash of
//!   the algorithm, and a salt of the same length (RFC 7518 section 3.5); other salt lengths are rejected.
//! - ECDSA: `r` and `s` of exactly the order's length, each above zero and below the order (RFC 7518 section
//!   3.4). A high `s` is accepted: the RFC does not forbid it, half of all signatures have one, and Envoy
//!   accepts it. So the owner of a token can write a second signature for it: the bytes of a token do not
//!   identify it, `jti` does.
//! - Ed25519: `verify_strict`. Rejects points of small order and `S` at or above the order; accepts one
//!   encoding of `R`.
//! - HMAC: the whole HMAC, compared in constant time.

#[cfg(any(feature = "p256", feature = "p384", feature = "p521"))]
mod ecdsa;
#[cfg(any(feature = "rsa", feature = "hmac"))]
mod hash;
#[cfg(feature = "hmac")]
mod hmac;
#[cfg(feature = "rsa")]
mod rsa;

use crate::signature::{Algorithm, Material};

/// Whether `signature` is a valid signature of `input`. The key must take the algorithm.
pub(crate) fn verify(key: &Material, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
    match key {
        #[cfg(feature = "rsa")]
        Material::Rsa { key, .. } => rsa::verify(key, algorithm, input, signature),
        #[cfg(feature = "p256")]
        Material::P256 { key, .. } => ecdsa::p256(key, input, signature),
        #[cfg(feature = "p384")]
        Material::P384 { key, .. } => ecdsa::p384(key, input, signature),
        #[cfg(feature = "p521")]
        Material::P521 { key, .. } => ecdsa::p521(key, input, signature),
        #[cfg(feature = "ed25519")]
        Material::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_strict(input, &signature).is_ok()),
        #[cfg(feature = "hmac")]
        Material::Secret(secret) => hmac::verify(secret, algorithm.hash(), input, signature),
        #[cfg(not(feature = "hmac"))]
        Material::Secret(_) => false,
    }
}
