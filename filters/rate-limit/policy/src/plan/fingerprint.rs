//! Fingerprints, which tell whether stored entries still have the same meaning.

use core::hash::{Hash, Hasher};
use siphasher::sip::SipHasher13;

/// A hash that is the same in all workers and after each start. It is not secret: tags combine it with a
/// secret hash.
#[derive(Clone)]
pub(super) struct Fingerprint(SipHasher13);

impl Fingerprint {
    /// Begins with the names of a limit and the actions of its key.
    #[inline(never)]
    pub(super) fn new(domain: &str, limit: &str, key: &[impl Hash]) -> Self {
        let mut fingerprint = Self(SipHasher13::new());
        domain.hash(&mut fingerprint);
        limit.hash(&mut fingerprint);
        key.hash(&mut fingerprint);
        fingerprint
    }

    /// Adds numbers.
    #[inline(never)]
    pub(super) fn numbers(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.write_u64(*number);
        }
    }
}

/// Widens `usize` to 64 bits, so that tests on a 64-bit machine see the same hashes as 32-bit Wasm.
impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn write_u64(&mut self, number: u64) {
        self.0.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }
}
