//! Maps with keys that the host assigns.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by context id or token. The host assigns consecutive numbers. No peer can choose them, so the hash
/// needs no seed.
pub type IdMap<T> = HashMap<u32, T, BuildHasherDefault<IdHasher>>;

/// Distributes consecutive numbers over the table with the golden ratio (Knuth, TAOCP vol. 3 section 6.4).
#[derive(Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32((*byte).into());
        }
    }

    fn write_u32(&mut self, id: u32) {
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
