//! Signatures verified here.
//!
//! What is a signature is told narrowly, so that the host and this code cannot differ in it and nobody can write the same
//! signature in two ways that both pass:
//!
//! - RSA: exactly as long as the modulus and below it (RFC 8017 section 8.2.2). PSS: MGF1 and salt by the hash of the
//!   algorithm and as long as it (RFC 7518 section 3.5); no other salt, though others could be told apart.
//! - ECDSA: `r` and `s` of exactly the order's length, each above zero and below the order (RFC 7518 section 3.4). A high
//!   `s` passes: the RFC does not forbid it, half of all signers write it, and Envoy takes it. So who has a token can
//!   write its other signature: a token's bytes do not identify it, `jti` does.
//! - Ed25519: `verify_strict`. No point of small order, no `S` of its order or above, one encoding of `R`.
//! - HMAC: the whole of it, compared in constant time.

#[cfg(any(feature = "p256", feature = "p384", feature = "p521"))]
mod ecdsa;
#[cfg(any(feature = "rsa", feature = "hmac"))]
mod hash;
#[cfg(feature = "hmac")]
mod hmac;
#[cfg(feature = "rsa")]
mod rsa;

use crate::{Algorithm, Material};

/// Whether `signature` is that of `input` by the key, which takes the algorithm.
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
