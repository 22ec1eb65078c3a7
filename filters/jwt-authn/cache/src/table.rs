//! Buckets, by a seeded hash. Entries of a bucket are chained through their slots: unlike in an open table nothing is
//! ever moved, neither when it fills nor when entries go, so no request pays for those before it.

use core::hash::Hasher;
use foldhash::{SharedSeed, quality::FoldHasher};

/// No slot.
pub const NONE: u32 = u32::MAX;

/// The most entries: slots are numbered with 32 bits, and 128 MiB of buckets are enough.
pub const MOST: usize = 1 << 25;

/// Which slot is the first of each bucket.
#[derive(Debug)]
pub struct Table {
    first: Box<[u32]>,
    seed: u64,
    shared: SharedSeed,
}

impl Table {
    /// Buckets for so many entries.
    pub fn new(entries: usize, seed: [u8; 16]) -> Self {
        let [low, high] = [0, 8]
            .map(|at| seed.iter().skip(at).take(8).fold(0u64, |value, byte| value << 8 | u64::from(*byte)));
        let first = vec![NONE; entries.min(MOST).next_power_of_two()];
        Self { first: first.into(), seed: low, shared: SharedSeed::from_u64(high) }
    }

    /// Of all bytes of a name that belongs to this issuer.
    pub fn hash(&self, issuer: u32, name: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared);
        hasher.write(name);
        hasher.write_u32(issuer);
        hasher.finish()
    }

    /// Of the end of a token, which is of its signature: 12 bytes that nobody can choose who has not the key, and only
    /// tokens that were verified are here. To hash all of it takes as long as to compare all of it, and from 17
    /// characters on the hash is another one, in more and colder code.
    pub fn hash_of_token(&self, provider: u32, token: &[u8]) -> u64 {
        self.hash(provider, token.last_chunk::<16>().map_or(token, |end| end))
    }

    /// The first slot of the hash's bucket.
    pub fn first(&self, hash: u64) -> u32 {
        self.first.get(self.bucket(hash)).copied().unwrap_or(NONE)
    }

    /// Makes a slot the first of the hash's bucket.
    pub fn set_first(&mut self, hash: u64, slot: u32) {
        let bucket = self.bucket(hash);
        if let Some(first) = self.first.get_mut(bucket) {
            *first = slot;
        }
    }

    /// Puts a slot in front of its bucket; what was there before.
    #[must_use]
    pub fn push(&mut self, hash: u64, slot: u32) -> u32 {
        let before = self.first(hash);
        self.set_first(hash, slot);
        before
    }

    /// Empties all buckets.
    pub fn clear(&mut self) {
        self.first.fill(NONE);
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.first)
    }

    fn bucket(&self, hash: u64) -> usize {
        hash as usize & (self.first.len() - 1)
    }
}

/// Whether two tokens are the same, in pieces of 64 bytes: `==` is wasi-libc's `memcmp`, which goes byte by byte and
/// takes many times as long.
///
/// That it stops at the first difference tells nothing: only tokens of the same seeded hash get here.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<64>(), b.as_chunks::<64>());
    let differ = |a: &[u8; 64], b: &[u8; 64]| {
        let words = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
        words.fold(0, |bits, (a, b)| bits | (u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b))) != 0
    };
    a.len() == b.len()
        && !a.iter().zip(b).any(|(a, b)| differ(a, b))
        && a_rest.len() == b_rest.len()
        && a_rest.iter().zip(b_rest).fold(0, |bits, (a, b)| bits | (a ^ b)) == 0
}
