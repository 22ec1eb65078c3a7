//! Places of keys in the table.

use super::WAYS;
use core::hash::Hasher as _;
use siphasher::sip128::{Hasher128, SipHasher13};

/// Number of keys that are planned for a page, out of [`WAYS`].
///
/// Keys spread randomly over the pages. With an average of `m` keys per page, a page has `k` keys with the
/// probability `e^-m m^k / k!` (Poisson). The share of keys that find their page full is the sum of `(k - 16)
/// P(k)` over `k > 16`. By `m`:
///
/// | keys per page | 6 | 7 | 8 | 10 | 12 | 16 | 24 |
/// | --- | --- | --- | --- | --- | --- | --- | --- |
/// | share without room | 0.004 % | 0.02 % | 0.08 % | 0.5 % | 2 % | 10 % | 34 % |
///
/// This is for limits with one rate. With more rates, the entries of a key are in the same page. With two
/// rates, 0.8 % of the entries have no room at four keys per page, and 0.2 % at three keys per page.
pub const KEYS_PER_PAGE: u32 = WAYS as u32 / 2;

/// Returns the number of pages for `max_keys` keys that owe something at the same time. A key of a limit with
/// `n` rates counts as `n` keys. Each page takes [`PAGE_BYTES`](super::PAGE_BYTES), and about 360 bytes that
/// the host and its allocator need: 93 bytes per key.
pub fn pages_for(max_keys: u32) -> u32 {
    max_keys.div_ceil(KEYS_PER_PAGE).max(1)
}

/// Number of bits of a tag that identify the key. The bits above store the maximum lifetime of the entry.
const KEY_BITS: u32 = 58;
const KEY: u64 = (1 << KEY_BITS) - 1;

/// Stores in the top six bits of a tag, as a power of two, how far in the future the entry can expire. A page
/// can contain entries of other filters and configurations, so each entry carries its own bound. An expiry
/// beyond it was written before the clock was set back.
pub(super) fn with_max_lifetime(tag: u64, longest: u64) -> u64 {
    (tag & KEY) | (u64::from(u64::BITS - longest.leading_zeros()) << KEY_BITS)
}

/// Returns the bits of a tag that identify the key.
pub(super) fn key_bits(tag: u64) -> u64 {
    tag & KEY
}

/// Returns the maximum lifetime of the entry of a tag, in nanoseconds: at most twice the time that
/// [`with_max_lifetime`] has stored. `u64::MAX` if none is stored.
pub(super) fn max_lifetime(tag: u64) -> u64 {
    let bits = (tag >> KEY_BITS) as u32;
    u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(u64::MAX)
}

/// Place of a key of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index of the page.
    pub page: u32,
    /// Tag of the key. The entry of the limit's n-th rate has `tag + n`. Never 0.
    pub tag: u64,
}

/// Maps keys to places. All workers of an Envoy use the same mapping.
#[derive(Clone, Copy, Debug)]
pub struct Placer {
    seed: [u8; 16],
    pages: u32,
}

impl Placer {
    /// Returns the mapping for a table with a number of pages. `seed` is random and shared by all workers.
    pub fn new(seed: [u8; 16], pages: u32) -> Self {
        Self { seed, pages }
    }

    /// Begins to hash a key of a limit.
    pub fn key(&self, fingerprint: u64) -> KeyHasher {
        let mut hasher = SipHasher13::new_with_key(&self.seed);
        hasher.write_u64(fingerprint);
        KeyHasher { hasher, pages: self.pages }
    }
}

/// Hasher for a key.
#[derive(Clone, Debug)]
pub struct KeyHasher {
    hasher: SipHasher13,
    pages: u32,
}

impl KeyHasher {
    /// Adds a value. Its length is hashed, too, so that no two lists of values are equal.
    pub fn value(&mut self, value: &[u8]) {
        self.hasher.write_u64(value.len() as u64);
        self.hasher.write(value);
    }

    /// Returns the place of the key.
    pub fn place(&self) -> Place {
        let hash = self.hasher.finish128();
        // The high half of the product is as evenly spread as the hash, and needs no division.
        let page = (u128::from(hash.h2) * u128::from(self.pages)) >> 64;
        // Leaves room for the tags of the other rates.
        Place { page: page as u32, tag: (hash.h1 & KEY).clamp(1, KEY - WAYS as u64) }
    }
}
