//! Who verifies signatures.

use crate::{Algorithm, Key};

/// Something that verifies signatures: the code below, or the host with it as what to fall back to.
pub trait Verifier {
    /// Whether `signature` is that of `input` by the key. `false` too for an algorithm that the key does not permit.
    fn verify(&mut self, key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool;
}

/// Verifies in Wasm.
#[derive(Clone, Copy, Debug, Default)]
pub struct InWasm;

impl Verifier for InWasm {
    fn verify(&mut self, key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
        verify(key, algorithm, input, signature)
    }
}

/// Whether `signature` is that of `input` by the key. `false` too for an algorithm that the key does not permit.
pub fn verify(key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
    key.permits(algorithm) && key.material.verify(algorithm, input, signature)
}
