//! Where keys are kept.

use core::hash::Hasher as _;
use siphasher::sip128::{Hasher128, SipHasher13};

/// Where a key of a limit is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which page.
    pub page: u32,
    /// What the entries of the key are known by; that of the limit's n-th rate is `tag + n`. Never 0.
    pub tag: u64,
}

/// Says where keys are kept. All workers of an Envoy have the same one.
#[derive(Clone, Copy, Debug)]
pub struct Placer {
    seed: [u8; 16],
    pages: u32,
}

impl Placer {
    /// For a table of so many pages. `seed` is random and shared by all workers.
    pub fn new(seed: [u8; 16], pages: u32) -> Self {
        Self { seed, pages }
    }

    /// Begins the key of a limit.
    pub fn key(&self, fingerprint: u64) -> KeyHasher {
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        hasher.write_u64(fingerprint);
        KeyHasher { hasher, pages: self.pages }
    }
}

/// A key, as far as it was said.
#[derive(Clone, Debug)]
pub struct KeyHasher {
    hasher: SipHasher13,
    pages: u32,
}

impl KeyHasher {
    /// One more value. Its length is part of it, so that no two lists of values read alike.
    pub fn value(&mut self, value: &[u8]) {
        self.hasher.write_u64(value.len() as u64);
        self.hasher.write(value);
    }

    /// The place of what was said.
    pub fn place(&self) -> Place {
        let hash = self.hasher.finish128();
        // The high half of a product is as evenly spread as its factor, and costs no division.
        let page = (u128::from(hash.h2) * u128::from(self.pages)) >> 64;
        Place { page: page as u32, tag: hash.h1.max(1) }
    }
}
