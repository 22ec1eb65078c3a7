//! Keys of cache entries.

use super::Descriptor;
use core::hash::Hasher;
use siphasher::sip128::{Hasher128, SipHasher13};

/// Key of a cache entry: a 128-bit hash of descriptors. Its seed is unknown to clients, so they cannot search
/// for collisions. Among ten thousand descriptors, a random collision has a probability of about 10^-30.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u64, u64);

/// Computes keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    seed: [u8; 16],
}

impl Keys {
    pub fn new(seed: [u8; 16]) -> Self {
        Self { seed }
    }

    /// Returns the key of a descriptor, regardless of its hits.
    pub fn descriptor(&self, descriptor: &Descriptor) -> Key {
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        for (key, value) in &descriptor.entries {
            for text in [key, value] {
                // With the lengths, no two lists of texts are equal.
                hasher.write_u64(text.len() as u64);
                hasher.write(text.as_bytes());
            }
        }
        Key::of(&hasher)
    }

    /// Returns the key of all descriptors of a request, in their order. For a single descriptor, it is the
    /// key of that one.
    pub fn request(&self, keys: &[Key]) -> Key {
        if let [key] = keys {
            return *key;
        }
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        // No text has this length.
        hasher.write_u64(u64::MAX);
        for key in keys {
            hasher.write_u64(key.0);
            hasher.write_u64(key.1);
        }
        Key::of(&hasher)
    }
}

impl Key {
    fn of(hasher: &SipHasher13) -> Self {
        let hash = hasher.finish128();
        Self(hash.h1, hash.h2)
    }
}

impl core::hash::Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}
