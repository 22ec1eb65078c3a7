//! A page as bytes.
//!
//! An entry is three little-endian words: a tag, and the two of a state. Any bytes are a page: what is shared may have been
//! written by anything, and a page of another length than ours has the entries that fit.

use super::place::horizon;
#[cfg(test)]
use super::place::unmarked;
use crate::rate::State;
use core::cmp::Ordering;
use tollgate_policy::UnixNanos;

/// Entries of a page.
pub const WAYS: usize = 16;

const WORDS: usize = 3;

/// Bytes of an entry. All zeros is nobody's.
pub const ENTRY_BYTES: usize = WORDS * size_of::<u64>();

/// Bytes of a page. All zeros is one without entries.
pub const PAGE_BYTES: usize = WAYS * ENTRY_BYTES;

/// What is kept of one rate of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is; 0 for nobody's.
    pub tag: u64,
    /// What is kept.
    pub state: State,
}

/// Where an entry is, as it is written: words of bytes are read with one unaligned load each, and need no bounds.
type Slot = [[u8; 8]; WORDS];

impl Entry {
    #[inline]
    fn read(&[tag, full_at, rest]: &Slot) -> Self {
        let [tag, full_at, rest] = [tag, full_at, rest].map(u64::from_le_bytes);
        Self { tag, state: State { full_at, rest } }
    }

    #[inline]
    fn write(self, slot: &mut Slot) {
        *slot = [self.tag, self.state.full_at, self.state.rest].map(u64::to_le_bytes);
    }

    /// Whether nobody would notice if it were gone.
    #[inline]
    fn is_free(&self, now: UnixNanos) -> bool {
        // A clock that was set back since may have left it further ahead than it could be.
        let owed = self.state.full_at.saturating_sub(now.0);
        self.tag == 0 || owed == 0 || owed > horizon(self.tag)
    }

    /// Whether it is cheaper to lose than another: it is nearer to owing nothing. Windows end for all their keys at once,
    /// and are told apart by what was taken in them: `rest` is the count of one, or of two as halves.
    #[inline]
    fn is_cheaper(&self, than: &Self) -> bool {
        let taken = |State { rest, .. }| (rest >> 32) + (rest & 0xffff_ffff);
        match self.state.full_at.cmp(&than.state.full_at) {
            Ordering::Less => true,
            Ordering::Equal => taken(self.state) < taken(than.state),
            Ordering::Greater => false,
        }
    }
}

/// A page, where it is.
#[derive(Debug)]
pub struct Page<'a>(pub &'a mut [u8]);

impl Page<'_> {
    /// What is kept for a tag, whatever it is marked with.
    #[cfg(test)]
    pub fn find(&self, tag: u64) -> Option<State> {
        let is_it = |entry: &Entry| unmarked(entry.tag) == unmarked(tag);
        self.entries().find(is_it).map(|entry| entry.state)
    }

    /// All entries that are somebody's.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        slots(self.0).iter().map(Entry::read).filter(|entry| entry.tag != 0)
    }

    /// Offers what is kept for a tag to `change`, and keeps what it returns. `None` if there is nothing kept.
    #[inline]
    pub(super) fn update<R>(&mut self, tag: u64, change: impl FnOnce(State) -> (State, R)) -> Option<R> {
        let slot = slots_mut(self.0).iter_mut().find(|slot| tag_of(slot) == tag)?;
        let (state, result) = change(Entry::read(slot).state);
        Entry { tag, state }.write(slot);
        Some(result)
    }

    /// Writes an entry, over the one of the same tag if there is one, else over the one that is the cheapest to lose of
    /// those that are not `spared`. What the latter still owes `now`, in nanoseconds, is said.
    pub fn write(&mut self, entry: Entry, now: UnixNanos, spared: impl Fn(u64) -> bool) -> Option<u64> {
        match self.update(entry.tag, |_| (entry.state, ())) {
            Some(()) => None,
            None => self.insert(entry, now, spared),
        }
    }

    /// Writes an entry that is not there yet.
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

/// How many entries there is room for.
#[inline]
pub(super) fn ways(page: &[u8]) -> usize {
    slots(page).len()
}

#[inline]
pub(super) fn find(page: &[u8], tag: u64) -> Option<State> {
    slots(page).iter().find(|slot| tag_of(slot) == tag).map(|slot| Entry::read(slot).state)
}

#[inline]
fn tag_of(&[tag, ..]: &Slot) -> u64 {
    u64::from_le_bytes(tag)
}

#[inline]
fn slots(page: &[u8]) -> &[Slot] {
    let slots = page.as_chunks().0.as_chunks().0;
    slots.get(..WAYS).unwrap_or(slots)
}

#[inline]
fn slots_mut(page: &mut [u8]) -> &mut [Slot] {
    let slots = page.as_chunks_mut().0.as_chunks_mut().0;
    let ways = slots.len().min(WAYS);
    slots.get_mut(..ways).unwrap_or_default()
}
