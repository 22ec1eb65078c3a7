//! Hash table with a seeded hash. Entries of a bucket are chained through their slots. Unlike with open
//! addressing, no entry ever moves, so no request pays for earlier ones.

use core::hash::Hasher;
use foldhash::{SharedSeed, quality::FoldHasher};

/// No slot.
pub const NONE: u32 = u32::MAX;

/// Maximum number of entries. Slots have 32-bit numbers, and 128 MiB of buckets are enough.
pub const MAX_ENTRIES: usize = 1 << 25;

/// First slot of each bucket.
#[derive(Debug)]
pub struct Table {
    first: Box<[u32]>,
    seed: u64,
    shared: SharedSeed,
}

impl Table {
    /// Creates buckets for this number of entries.
    pub fn new(entries: usize, seed: [u8; 16]) -> Self {
        let [low, high] = [0, 8]
            .map(|at| seed.iter().skip(at).take(8).fold(0u64, |value, byte| value << 8 | u64::from(*byte)));
        let first = vec![NONE; entries.min(MAX_ENTRIES).next_power_of_two()];
        Self { first: first.into(), seed: low, shared: SharedSeed::from_u64(high) }
    }

    /// Hashes an issuer and all bytes of a name.
    pub fn hash(&self, issuer: u32, name: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared);
        hasher.write(name);
        hasher.write_u32(issuer);
        hasher.finish()
    }

    /// Hashes the end of a token. It belongs to the signature, and only verified tokens are cached, so only
    /// the owner of the key can choose these 12 bytes. Hashing the whole token would take as long as
    /// comparing it, and from 17 bytes on, the hash uses another, larger function.
    pub fn hash_of_token(&self, provider: u32, token: &[u8]) -> u64 {
        self.hash(provider, token.last_chunk::<16>().map_or(token, |end| end))
    }

    /// Returns the first slot of the bucket of a hash.
    pub fn first(&self, hash: u64) -> u32 {
        self.first.get(self.bucket(hash)).copied().unwrap_or(NONE)
    }

    /// Sets the first slot of the bucket of a hash.
    pub fn set_first(&mut self, hash: u64, slot: u32) {
        let bucket = self.bucket(hash);
        if let Some(first) = self.first.get_mut(bucket) {
            *first = slot;
        }
    }

    /// Puts a slot at the front of its bucket. Returns the previous first slot.
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

    /// Memory in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.first)
    }

    fn bucket(&self, hash: u64) -> usize {
        hash as usize & (self.first.len() - 1)
    }
}

/// Whether two tokens are equal. Compares pieces of 64 bytes, because `==` is wasi-libc's `memcmp`, which
/// compares byte by byte and takes many times as long.
///
/// Stopping at the first difference reveals nothing, because only tokens with the same seeded hash are
/// compared.
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
