//! Verification of signatures.

use crate::{Algorithm, Key};

/// Verifies signatures: in this crate, or by the host with this crate as a fallback.
pub trait Verifier {
    /// Whether `signature` is a valid signature of `input` by the key. Returns `false` if the key does not
    /// permit the algorithm.
    fn verify(&mut self, key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool;
}

/// Verifies signatures in Wasm.
#[derive(Clone, Copy, Debug, Default)]
pub struct InWasm;

impl Verifier for InWasm {
    fn verify(&mut self, key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
        verify(key, algorithm, input, signature)
    }
}

/// Whether `signature` is a valid signature of `input` by the key. Returns `false` if the key does not permit
/// the algorithm.
pub fn verify(key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
    key.permits(algorithm) && key.material.verify(algorithm, input, signature)
}
