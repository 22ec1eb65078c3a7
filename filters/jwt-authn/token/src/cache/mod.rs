//! Cache of verified tokens.
//!
//! Verifying a signature takes tens of microseconds; a lookup here takes a fifth of a microsecond. A cached
//! token is trusted as if it had just been verified. So the hash only selects a bucket: **the whole token is
//! compared**, and also the provider whose keys verified it. The hash is seeded, so that a client cannot
//! prepare tokens that share one bucket.
//!
//! The cache is bounded by entries and by bytes. It evicts by SIEVE (Zhang et al., NSDI 2024): the oldest
//! entry without a hit since the hand last passed it. A flood of tokens that are sent once does not evict
//! tokens that are sent repeatedly, and a hit writes one flag and no links.
//!
//! All operations take constant time, except for walking a bucket, which has about one entry.

mod list;
pub mod table;
#[cfg(test)]
mod tests;

use list::{Links, List};
use table::{Table, same};
use tollgate_policy::UnixNanos;

/// Bounds of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Maximum number of entries; 0 for no cache.
    pub entries: usize,
    /// Maximum number of bytes: tokens, values as reported to [`TokenCache::insert`], and the cache's own
    /// part of each entry.
    pub bytes: usize,
    /// Maximum length of a token in bytes. Longer ones are not cached.
    pub token_bytes: usize,
}

impl Bounds {
    /// Returns the bounds for this number of tokens, each with at most `token_bytes`. On average, an entry
    /// may weigh as much as the longest token.
    pub fn new(entries: usize, token_bytes: usize) -> Self {
        let entry = token_bytes.max(LEAST_ENTRY_BYTES);
        Self { entries, bytes: entries.saturating_mul(entry), token_bytes }
    }
}

/// Minimum bytes per entry, so that entries fit even if `token_bytes` is very small.
const LEAST_ENTRY_BYTES: usize = 1024;

/// Maximum number of entries that the hand passes before it evicts an entry in any case. So no insertion has
/// to wait for a full round.
const MAX_PASSED: usize = 64;

/// Verified tokens, by provider and text.
#[derive(Debug)]
pub struct TokenCache<V> {
    bounds: Bounds,
    table: Table,
    slots: Vec<Option<Entry<V>>>,
    free: Vec<u32>,
    order: List,
    bytes: usize,
}

#[derive(Debug)]
struct Entry<V> {
    hash: u64,
    provider: u32,
    /// Next entry of its bucket.
    next: u32,
    links: Links,
    /// Whether the entry had a hit since the hand passed.
    visited: bool,
    expires: Option<UnixNanos>,
    token: Box<[u8]>,
    value_bytes: usize,
    value: V,
}

impl<V> Entry<V> {
    fn bytes(&self) -> usize {
        bytes_of::<V>(self.token.len(), self.value_bytes)
    }

    fn is_over(&self, now: UnixNanos) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

fn bytes_of<V>(token: usize, value: usize) -> usize {
    size_of::<Option<Entry<V>>>().saturating_add(token).saturating_add(value)
}

impl<V> TokenCache<V> {
    /// Creates an empty cache. `seed` is random and different for each VM.
    pub fn new(bounds: Bounds, seed: [u8; 16]) -> Self {
        let most = bounds.entries.min(bounds.bytes / bytes_of::<V>(0, 0)).min(table::MAX_ENTRIES);
        let bounds = Bounds { entries: most, ..bounds };
        Self {
            bounds,
            table: Table::new(most, seed),
            slots: Vec::new(),
            free: Vec::new(),
            order: List::default(),
            bytes: 0,
        }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether the cache is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of bytes, counted as in [`Bounds::bytes`].
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the value of a token. Removes an expired entry instead of returning it.
    pub fn get(&mut self, provider: u32, token: &[u8], now: UnixNanos) -> Option<&V> {
        // A token that is too long cannot be cached, so it need not be hashed.
        if token.len() > self.bounds.token_bytes || self.is_empty() {
            return None;
        }
        let hash = self.table.hash_of_token(provider, token);
        let slot = self.find(hash, provider, token)?;
        if self.entry(slot)?.is_over(now) {
            self.take(slot);
            return None;
        }
        let entry = self.entry_mut(slot)?;
        entry.visited = true;
        Some(&entry.value)
    }

    /// Caches the value of a verified token, and replaces the previous one. `value_bytes` is the number of
    /// bytes that the value has allocated. The entry expires at `expires`. Returns `false` if the value is
    /// not cached: it has expired, its token is too long, or it exceeds the bounds of the whole cache.
    pub fn insert(
        &mut self,
        provider: u32,
        token: &[u8],
        value: V,
        value_bytes: usize,
        expires: Option<UnixNanos>,
        now: UnixNanos,
    ) -> bool {
        self.remove(provider, token);
        let bytes = bytes_of::<V>(token.len(), value_bytes);
        let fits =
            self.bounds.entries > 0 && token.len() <= self.bounds.token_bytes && bytes <= self.bounds.bytes;
        if !fits || expires.is_some_and(|expires| expires <= now) {
            return false;
        }
        while self.len() >= self.bounds.entries || self.bytes > self.bounds.bytes - bytes {
            if self.evict(now).is_none() {
                return false;
            }
        }
        let Some(slot) = self.free.pop().or_else(|| u32::try_from(self.slots.len()).ok()) else {
            return false;
        };
        let hash = self.table.hash_of_token(provider, token);
        let next = self.table.push(hash, slot);
        let entry = Some(Entry {
            hash,
            provider,
            next,
            links: Links::default(),
            visited: false,
            expires,
            token: token.into(),
            value_bytes,
            value,
        });
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = entry,
            None => self.slots.push(entry),
        }
        self.bytes += bytes;
        self.order.push(&mut self.slots, slot);
        true
    }

    /// Removes a token and returns its value.
    pub fn remove(&mut self, provider: u32, token: &[u8]) -> Option<V> {
        if token.len() > self.bounds.token_bytes || self.is_empty() {
            return None;
        }
        let slot = self.find(self.table.hash_of_token(provider, token), provider, token)?;
        self.take(slot)
    }

    /// Removes all entries and frees their memory.
    pub fn clear(&mut self) {
        self.table.clear();
        self.slots = Vec::new();
        self.free = Vec::new();
        self.order = List::default();
        self.bytes = 0;
    }

    fn entry(&self, slot: u32) -> Option<&Entry<V>> {
        self.slots.get(slot as usize)?.as_ref()
    }

    fn entry_mut(&mut self, slot: u32) -> Option<&mut Entry<V>> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    fn find(&self, hash: u64, provider: u32, token: &[u8]) -> Option<u32> {
        let mut slot = self.table.first(hash);
        while let Some(entry) = self.entry(slot) {
            if entry.hash == hash && entry.provider == provider && same(&entry.token, token) {
                return Some(slot);
            }
            slot = entry.next;
        }
        None
    }

    /// Evicts one entry: the first, starting at the hand, that had no hit since the hand last passed it, or
    /// that has expired.
    fn evict(&mut self, now: UnixNanos) -> Option<V> {
        let mut slot = self.order.hand()?;
        for _ in 0..MAX_PASSED {
            let entry = self.entry_mut(slot)?;
            if !entry.visited || entry.is_over(now) {
                break;
            }
            entry.visited = false;
            slot = self.order.after(&self.slots, slot)?;
        }
        self.order.set_hand(slot);
        self.take(slot)
    }

    fn take(&mut self, slot: u32) -> Option<V> {
        let (hash, next) = self.entry(slot).map(|entry| (entry.hash, entry.next))?;
        self.order.unlink(&mut self.slots, slot);
        match self.before(hash, slot).and_then(|before| self.entry_mut(before)) {
            Some(before) => before.next = next,
            None => self.table.set_first(hash, next),
        }
        let entry = self.slots.get_mut(slot as usize)?.take()?;
        self.bytes -= entry.bytes();
        self.free.push(slot);
        Some(entry.value)
    }

    /// Returns the entry before this one in its bucket.
    fn before(&self, hash: u64, slot: u32) -> Option<u32> {
        let mut before = self.table.first(hash);
        loop {
            let next = self.entry(before)?.next;
            if next == slot {
                return Some(before);
            }
            before = next;
        }
    }
}
