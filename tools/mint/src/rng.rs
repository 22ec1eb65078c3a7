//! Pseudo-random bytes, which depend only on the seed.

use rsa::rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// Generator that returns SHA-256 of a seed and a counter.
pub struct Seeded {
    seed: [u8; 32],
    drawn: u64,
}

impl Seeded {
    /// Creates a generator. Its bytes depend only on `seed`.
    pub fn new(seed: &[u8]) -> Self {
        Self { seed: Sha256::digest(seed).into(), drawn: 0 }
    }
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        for chunk in into.chunks_mut(32) {
            self.drawn += 1;
            let block =
                Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_le_bytes()).finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
        Ok(())
    }
}

// `rsa` requires this trait. The bytes are not secret, and a salt need not be.
impl TryCryptoRng for Seeded {}
