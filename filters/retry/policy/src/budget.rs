//! The retry budget: a ratio of retries to requests in a sliding window, with a floor.
//!
//! A request reserves all the retries that it may cause before it is sent, and gives back those that were not
//! needed. Therefore no order of workers and responses exceeds the budget. At each grant, the retries of the
//! window are at most `floor + ratio * requests`. Windows that end with the last grant, with the last grant
//! before that window, and so on, cover all retries and do not overlap. Therefore an upstream that fails
//! always receives at most `1 + ratio` times the requests, and the floor for each window.
//!
//! The window is divided into [`SLOTS`] slots. Its counts are one record, which changes in one atomic step.
//! Any bytes are a valid record, because other programs may write the shared memory.

use tollgate_policy::UnixNanos;

/// Number of slots of a window.
pub const SLOTS: usize = 16;

/// Number of 64-bit words of a record: the number of the newest slot, the counts of all slots together, and
/// those of each slot.
pub const WORDS: usize = 2 + SLOTS;

/// Parts in one.
const MILLION: u64 = 1_000_000;

/// A retry budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Retries per million requests.
    pub per_million: u32,
    /// Retries of a window that are always allowed.
    pub floor: u32,
    /// Length of a slot in nanoseconds; at least 1.
    pub slot: u64,
}

/// Retries that were reserved. Give the unused ones back with [`Budget::refund`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserved {
    /// Number of retries.
    pub retries: u32,
    /// Number of the slot in which they count.
    pub slot: u64,
}

/// Requests and retries.
#[derive(Clone, Copy, Default)]
struct Counts {
    requests: u32,
    retries: u32,
}

/// A record, in the bytes of its page. The totals are those of all slots. They are counted again in each new
/// slot, so that bytes of another program do not stay.
struct Window<'a> {
    newest: &'a mut Word,
    totals: &'a mut Word,
    /// The slot with the number `n` is at `n % SLOTS`.
    slots: &'a mut [Word; SLOTS],
}

type Word = [u8; 8];

impl Budget {
    /// Returns a budget for a window of `interval` nanoseconds.
    pub fn new(per_million: u32, retries_per_second: u32, interval: u64) -> Self {
        let floor = u128::from(retries_per_second) * u128::from(interval) / 1_000_000_000;
        let floor = u32::try_from(floor).unwrap_or(u32::MAX);
        Self { per_million, floor, slot: (interval / SLOTS as u64).max(1) }
    }

    /// Counts `requests`, and reserves up to `wanted` retries.
    pub fn reserve(&self, page: &mut [u8], now: UnixNanos, requests: u32, wanted: u32) -> Reserved {
        let Some(mut window) = Window::new(page) else { return Reserved::default() };
        let slot = window.advance(now.0 / self.slot);
        let totals = Counts::read(window.totals);
        let requested = totals.requests.saturating_add(requests);
        let earned = u64::from(requested) * u64::from(self.per_million) / MILLION;
        let allowed = earned.saturating_add(self.floor.into());
        let left = allowed.saturating_sub(totals.retries.into());
        let retries = u32::try_from(left).unwrap_or(u32::MAX).min(wanted);
        for counts in [window.totals, slot_of(window.slots, slot)] {
            let Counts { requests: before, retries: granted } = Counts::read(counts);
            let requests = before.saturating_add(requests);
            Counts { requests, retries: granted.saturating_add(retries) }.write(counts);
        }
        Reserved { retries, slot }
    }

    /// Gives back `unused` of the reserved retries. Returns whether the record changed.
    pub fn refund(&self, page: &mut [u8], reserved: Reserved, unused: u32) -> bool {
        let Some(window) = Window::new(page) else { return false };
        let newest = u64::from_le_bytes(*window.newest);
        let is_counted = newest.checked_sub(reserved.slot).is_some_and(|age| age < SLOTS as u64);
        let slot = slot_of(window.slots, reserved.slot);
        // A slot that was cleared since then has none of them.
        let unused = unused.min(reserved.retries).min(Counts::read(slot).retries);
        if !is_counted || unused == 0 {
            return false;
        }
        for counts in [window.totals, slot] {
            let Counts { requests, retries } = Counts::read(counts);
            Counts { requests, retries: retries.saturating_sub(unused) }.write(counts);
        }
        true
    }
}

impl Counts {
    fn read(word: &Word) -> Self {
        let word = u64::from_le_bytes(*word);
        Self { requests: (word >> 32) as u32, retries: word as u32 }
    }

    fn write(self, word: &mut Word) {
        *word = (u64::from(self.requests) << 32 | u64::from(self.retries)).to_le_bytes();
    }
}

impl<'a> Window<'a> {
    fn new(page: &'a mut [u8]) -> Option<Self> {
        let (newest, words) = page.as_chunks_mut().0.split_first_mut()?;
        let (totals, slots) = words.split_first_mut()?;
        Some(Self { newest, totals, slots: slots.first_chunk_mut()? })
    }

    /// Begins the slot of the current time, and clears those that are no longer in the window. Returns the
    /// newest slot, in which a worker counts that read the clock earlier. A record from the future was
    /// written before the clock was set back, and is ignored.
    fn advance(&mut self, now: u64) -> u64 {
        let mut newest = u64::from_le_bytes(*self.newest);
        if now == newest {
            return now;
        }
        if now.abs_diff(newest) >= SLOTS as u64 {
            *self.slots = Default::default();
            newest = now;
        }
        while newest < now {
            newest += 1;
            *slot_of(self.slots, newest) = Word::default();
        }
        *self.newest = newest.to_le_bytes();
        let mut totals = Counts::default();
        for slot in self.slots.iter().map(Counts::read) {
            totals.requests = totals.requests.saturating_add(slot.requests);
            totals.retries = totals.retries.saturating_add(slot.retries);
        }
        totals.write(self.totals);
        newest
    }
}

#[allow(clippy::indexing_slicing, reason = "the remainder is less than the length")]
fn slot_of(slots: &mut [Word; SLOTS], number: u64) -> &mut Word {
    &mut slots[(number % SLOTS as u64) as usize]
}
