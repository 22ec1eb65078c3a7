//! Tokens that were verified, and what is known of each.
//!
//! A signature costs tens of microseconds and a look here a fifth of one. What is found is trusted as if it had been
//! verified just now, so a hash only says where to look: **the whole token is compared**, and the provider too, whose
//! keys it was verified with. The hash is seeded, so that nobody can prepare tokens that all lie in one place.
//!
//! It is bounded by entries and by bytes. What goes first is what SIEVE says (Zhang et al., NSDI 2024): the oldest
//! entry that was not asked for since the hand last passed it. A flood of tokens that come once passes through without
//! driving out those that come again, and a hit writes one flag and no links.
//!
//! Everything takes constant time, but for entries that share a bucket, of which there is about one.

mod list;
pub mod table;
#[cfg(test)]
mod tests;

use list::{Links, List};
use table::{Table, same};
use tollgate_policy::UnixNanos;

/// What a cache may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Entries. 0 for no cache.
    pub entries: usize,
    /// Bytes: tokens, what [`TokenCache::insert`] is told of values, and the cache's own part of each entry.
    pub bytes: usize,
    /// Bytes of one token. Longer ones are not kept.
    pub token_bytes: usize,
}

impl Bounds {
    /// For so many tokens of no more bytes. An entry may weigh as much as the longest token, taken over all of them.
    pub fn of(entries: usize, token_bytes: usize) -> Self {
        let entry = token_bytes.max(LEAST_ENTRY_BYTES);
        Self { entries, bytes: entries.saturating_mul(entry), token_bytes }
    }
}

/// With a limit on tokens of a few bytes there is room for an entry all the same.
const LEAST_ENTRY_BYTES: usize = 1024;

/// How many entries the hand passes before it takes the one it is at, asked for or not: no insertion has to wait
/// until it has been all around.
const PATIENCE: usize = 64;

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
    /// The next entry of its bucket.
    next: u32,
    links: Links,
    /// Asked for since the hand passed.
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
    /// An empty cache. `seed` is random, and different for each VM.
    pub fn new(bounds: Bounds, seed: [u8; 16]) -> Self {
        let most = bounds.entries.min(bounds.bytes / bytes_of::<V>(0, 0)).min(table::MOST);
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

    /// Entries.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes, as [`Bounds::bytes`] counts them.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What is known of a token. An entry that is over is removed rather than found.
    pub fn get(&mut self, provider: u32, token: &[u8], now: UnixNanos) -> Option<&V> {
        // What was never kept need not be hashed, however long a client makes it.
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

    /// Keeps what is known of a token that was verified, in place of what was known before. `value_bytes` is what the
    /// value has allocated; `expires` is when the entry is over whatever the value says. `false` if it is not kept:
    /// over already, too long a token, or more than the whole cache may weigh.
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

    /// Forgets a token; what was known of it.
    pub fn remove(&mut self, provider: u32, token: &[u8]) -> Option<V> {
        if token.len() > self.bounds.token_bytes || self.is_empty() {
            return None;
        }
        let slot = self.find(self.table.hash_of_token(provider, token), provider, token)?;
        self.take(slot)
    }

    /// Forgets all of them, and frees what they took.
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

    /// Makes room by one entry: the first from the hand on that nobody asked for since it last came by, or that is
    /// over.
    fn evict(&mut self, now: UnixNanos) -> Option<V> {
        let mut slot = self.order.hand()?;
        for _ in 0..PATIENCE {
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

    /// The entry before this one in its bucket.
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
