//! Where keys are kept.

use super::WAYS;
use core::hash::Hasher as _;
use siphasher::sip128::{Hasher128, SipHasher13};

/// How many keys are meant for a page, of [`WAYS`].
///
/// Keys fall into pages as raindrops do: with `m` to a page on average, `k` come to one with Poisson's probability
/// `e^-m m^k / k!`. The share of them that finds its page full is the sum of `(k - 16) P(k)` over `k > 16`, by `m`:
///
/// | keys to a page | 6 | 7 | 8 | 10 | 12 | 16 | 24 |
/// | --- | --- | --- | --- | --- | --- | --- | --- |
/// | have no room | 0.004 % | 0.02 % | 0.08 % | 0.5 % | 2 % | 10 % | 34 % |
///
/// Those are keys of limits with one rate. With more they come in bunches: of keys with two rates each, four to a page,
/// 0.8 % of the entries have no room, and with three to a page 0.2 %.
pub const KEYS_PER_PAGE: u32 = WAYS as u32 / 2;

/// How many pages are made for so many keys that owe something at the same time, where a key of a limit with `n` rates is
/// `n`. Memory is pages times [`PAGE_BYTES`](super::PAGE_BYTES), and about 150 bytes that the host needs for each: 67 bytes
/// a key.
pub fn pages_for(max_keys: u32) -> u32 {
    max_keys.div_ceil(KEYS_PER_PAGE).max(1)
}

/// The bits of a tag that say whose it is. Those above say how far ahead what is kept by it may be.
const KEY_BITS: u32 = 58;
const KEY: u64 = (1 << KEY_BITS) - 1;

/// A tag, for what is never kept further ahead than so many nanoseconds. An entry says so by itself, since those of other
/// filters and configurations may be in the same page, which look ahead further.
#[inline]
pub(super) fn marked(tag: u64, longest: u64) -> u64 {
    (tag & KEY) | (u64::from(u64::BITS - longest.leading_zeros()) << KEY_BITS)
}

/// Without what says how far ahead it may be.
#[inline]
pub(super) fn unmarked(tag: u64) -> u64 {
    tag & KEY
}

/// How far ahead what is kept by a tag may be, in nanoseconds: at most twice what it was [marked] with. All times, if it was
/// not.
#[inline]
pub(super) fn horizon(tag: u64) -> u64 {
    let bits = (tag >> KEY_BITS) as u32;
    u64::MAX.checked_shr(u64::BITS - bits).unwrap_or(u64::MAX)
}

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
        // Room is left for the tags of the other rates.
        Place { page: page as u32, tag: (hash.h1 & KEY).clamp(1, KEY - WAYS as u64) }
    }
}
