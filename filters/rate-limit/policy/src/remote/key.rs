//! What descriptors are known by.

use super::Descriptor;
use core::hash::{BuildHasherDefault, Hasher};
use siphasher::sip128::{Hasher128, SipHasher13};

/// What descriptors are known by: 128 bits of a hash with a key that no client knows, in place of the texts. Nobody can look
/// for two that are alike, and chance does not come upon them: among ten thousand, once in 10^30 times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u64, u64);

/// Makes keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    seed: [u8; 16],
}

impl Keys {
    pub fn new(seed: [u8; 16]) -> Self {
        Self { seed }
    }

    /// Of one descriptor, whatever its hits.
    pub fn descriptor(&self, descriptor: &Descriptor) -> Key {
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        for (key, value) in &descriptor.entries {
            for text in [key, value] {
                // With the length no two lists of texts read alike.
                hasher.write_u64(text.len() as u64);
                hasher.write(text.as_bytes());
            }
        }
        Key::of(&hasher)
    }

    /// Of all descriptors of a request, in their order; of one alone it is its own.
    pub fn request(&self, keys: &[Key]) -> Key {
        if let [key] = keys {
            return *key;
        }
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        // No length of a text is that.
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

/// For a map by [`Key`], or by a tag of the table, which are hashes already.
#[derive(Debug, Default)]
pub(crate) struct Hashed(u64);

pub(crate) type BuildHashed = BuildHasherDefault<Hashed>;

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
