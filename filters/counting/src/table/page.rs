//! Pages as bytes.
//!
//! An entry consists of three little-endian words: a tag, and the two words of a state. Any bytes are a valid
//! page, because anything may have written the shared memory. A page of another length has the entries that
//! fit.

#[cfg(test)]
use super::place::key_bits;
use super::place::max_lifetime;
use crate::rate::State;
use core::cmp::Ordering;
use tollgate_types::UnixNanos;

/// Number of entries in a page.
pub const WAYS: usize = 16;

const WORDS: usize = 3;

/// Size of an entry in bytes. An unused entry is all zeros.
pub const ENTRY_BYTES: usize = WORDS * size_of::<u64>();

/// Size of a page in bytes. An empty page is all zeros.
pub const PAGE_BYTES: usize = WAYS * ENTRY_BYTES;

/// Entry for one rate of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Tag of the key and the rate; 0 if the entry is unused.
    pub tag: u64,
    /// State of the rate.
    pub state: State,
}

/// Bytes of an entry. Each word is read with one unaligned load, and needs no bounds check.
type Slot = [[u8; 8]; WORDS];

impl Entry {
    fn read(&[tag, full_at, rest]: &Slot) -> Self {
        let [tag, full_at, rest] = [tag, full_at, rest].map(u64::from_le_bytes);
        Self { tag, state: State { full_at, rest } }
    }

    fn write(self, slot: &mut Slot) {
        *slot = [self.tag, self.state.full_at, self.state.rest].map(u64::to_le_bytes);
    }

    /// Returns whether the entry has no effect any more.
    fn is_free(&self, now: UnixNanos) -> bool {
        // If the clock was set back, the entry may be further in the future than it could be.
        let owed = self.state.full_at.saturating_sub(now.0);
        self.tag == 0 || owed == 0 || owed > max_lifetime(self.tag)
    }

    /// Returns whether the entry is cheaper to lose than another one: whether it owes less. Windows end for
    /// all their keys at once, so their counts decide: `rest` is the count of one window, or of two as
    /// halves.
    fn is_cheaper(&self, than: &Self) -> bool {
        let taken = |State { rest, .. }| (rest >> 32) + (rest & 0xffff_ffff);
        match self.state.full_at.cmp(&than.state.full_at) {
            Ordering::Less => true,
            Ordering::Equal => taken(self.state) < taken(than.state),
            Ordering::Greater => false,
        }
    }
}

/// A page in place.
#[derive(Debug)]
pub struct Page<'a>(pub &'a mut [u8]);

impl Page<'_> {
    /// Returns the state for a tag, regardless of its lifetime bits.
    #[cfg(test)]
    pub fn find(&self, tag: u64) -> Option<State> {
        let is_it = |entry: &Entry| key_bits(entry.tag) == key_bits(tag);
        self.entries().find(is_it).map(|entry| entry.state)
    }

    /// Returns all used entries.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        slots(self.0).iter().map(Entry::read).filter(|entry| entry.tag != 0)
    }

    /// Passes the state for a tag to `change`, and stores the state that it returns. `None` if there is no
    /// such entry.
    pub(super) fn update<R>(&mut self, tag: u64, change: impl FnOnce(State) -> (State, R)) -> Option<R> {
        let slot = slots_mut(self.0).iter_mut().find(|slot| tag_of(slot) == tag)?;
        let (state, result) = change(Entry::read(slot).state);
        Entry { tag, state }.write(slot);
        Some(result)
    }

    /// Writes an entry. Replaces the entry of the same tag, or else the cheapest one that is not `spared`.
    /// Returns what an evicted entry still owes `now`, in nanoseconds.
    pub fn write(&mut self, entry: Entry, now: UnixNanos, spared: impl Fn(u64) -> bool) -> Option<u64> {
        match self.update(entry.tag, |_| (entry.state, ())) {
            Some(()) => None,
            None => self.insert(entry, now, spared),
        }
    }

    /// Writes an entry whose tag is not in the page.
    pub(super) fn insert(&mut self, new: Entry, now: UnixNanos, spared: impl Fn(u64) -> bool) -> Option<u64> {
        let mut cheapest: Option<(Entry, &mut Slot)> = None;
        for slot in slots_mut(self.0) {
            let entry = Entry::read(slot);
            if entry.tag != 0 && spared(entry.tag) {
                continue;
            }
            if entry.is_free(now) {
                new.write(slot);
                return None;
            }
            if cheapest.as_ref().is_none_or(|(cheapest, _)| entry.is_cheaper(cheapest)) {
                cheapest = Some((entry, slot));
            }
        }
        let (lost, slot) = cheapest?;
        new.write(slot);
        Some(lost.state.full_at.saturating_sub(now.0))
    }
}

/// Returns the number of entries that fit into a page.
pub(super) fn ways(page: &[u8]) -> usize {
    slots(page).len()
}

pub(super) fn find(page: &[u8], tag: u64) -> Option<State> {
    slots(page).iter().find(|slot| tag_of(slot) == tag).map(|slot| Entry::read(slot).state)
}

fn tag_of(&[tag, ..]: &Slot) -> u64 {
    u64::from_le_bytes(tag)
}

fn slots(page: &[u8]) -> &[Slot] {
    let slots = page.as_chunks().0.as_chunks().0;
    slots.get(..WAYS).unwrap_or(slots)
}

fn slots_mut(page: &mut [u8]) -> &mut [Slot] {
    let slots = page.as_chunks_mut().0.as_chunks_mut().0;
    let ways = slots.len().min(WAYS);
    slots.get_mut(..ways).unwrap_or_default()
}
