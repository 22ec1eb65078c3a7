//! Whether what is kept still means the same.

use core::hash::{Hash, Hasher};
use siphasher::sip::SipHasher13;

/// A hash that is the same in all workers and after each start. Not secret: tags are made of it with a secret one.
#[derive(Clone)]
pub(super) struct Fingerprint(SipHasher13);

impl Fingerprint {
    /// Of a limit: its names, and by what it tells keys apart.
    #[inline(never)]
    pub(super) fn new(domain: &str, limit: &str, key: &[impl Hash]) -> Self {
        let mut fingerprint = Self(SipHasher13::new());
        domain.hash(&mut fingerprint);
        limit.hash(&mut fingerprint);
        key.hash(&mut fingerprint);
        fingerprint
    }

    /// And of these numbers.
    #[inline(never)]
    pub(super) fn numbers(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.write_u64(*number);
        }
    }
}

/// Tests on a host have to see what there is in Wasm, where lengths have half as many bytes.
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
