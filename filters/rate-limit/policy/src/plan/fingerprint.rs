//! Whether what is kept still means the same.

use core::hash::{Hash, Hasher as _};
use siphasher::sip::SipHasher13;

/// A hash that is the same in all workers and after each start. Not secret: tags are made of it with a secret one.
#[derive(Clone)]
pub(super) struct Fingerprint(SipHasher13);

impl Fingerprint {
    /// Of a limit: its names, and by what it tells keys apart.
    #[inline(never)]
    pub(super) fn new(domain: &str, limit: &str, key: &[impl Hash]) -> Self {
        let mut hasher = SipHasher13::new();
        domain.hash(&mut hasher);
        limit.hash(&mut hasher);
        key.hash(&mut hasher);
        Self(hasher)
    }

    /// And of these numbers.
    #[inline(never)]
    pub(super) fn numbers(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.0.write(&number.to_le_bytes());
        }
    }

    pub(super) fn finish(&self) -> u64 {
        self.0.finish()
    }
}
