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

use tollgate_counting::table::PAGE_BYTES;
use tollgate_policy::UnixNanos;

/// Number of slots of a window.
pub const SLOTS: usize = 16;

/// Size of a record in bytes: the number of the newest slot, and two counts for each slot.
const RECORD: usize = size_of::<u64>() * (1 + SLOTS);
const _: () = assert!(RECORD <= PAGE_BYTES);

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

#[derive(Clone, Copy, Default)]
struct Slot {
    requests: u32,
    retries: u32,
}

struct Window {
    newest: u64,
    /// The slot with the number `n` is at `n % SLOTS`.
    slots: [Slot; SLOTS],
}

impl Budget {
    /// Returns a budget for a window of `interval` nanoseconds.
    pub fn new(per_million: u32, retries_per_second: u32, interval: u64) -> Self {
        let floor = u128::from(retries_per_second) * u128::from(interval) / 1_000_000_000;
        let floor = u32::try_from(floor).unwrap_or(u32::MAX);
        Self { per_million, floor, slot: (interval / SLOTS as u64).max(1) }
    }

    /// Counts `requests`, and reserves up to `wanted` retries.
    pub fn reserve(&self, page: &mut [u8], now: UnixNanos, requests: u32, wanted: u32) -> Reserved {
        let mut window = Window::read(page);
        window.advance(now.0 / self.slot);
        let slot = window.newest;
        let newest = window.slot(slot);
        newest.requests = newest.requests.saturating_add(requests);
        let (requests, retries) = window.sums();
        let earned = u64::try_from(u128::from(requests) * u128::from(self.per_million) / u128::from(MILLION));
        let allowed = earned.unwrap_or(u64::MAX).saturating_add(self.floor.into());
        let retries = u32::try_from(allowed.saturating_sub(retries)).unwrap_or(u32::MAX).min(wanted);
        let newest = window.slot(slot);
        newest.retries = newest.retries.saturating_add(retries);
        window.write(page);
        Reserved { retries, slot }
    }

    /// Gives back `unused` of the reserved retries. Returns whether the record changed.
    pub fn refund(&self, page: &mut [u8], reserved: Reserved, unused: u32) -> bool {
        let mut window = Window::read(page);
        let is_counted = window.newest.checked_sub(reserved.slot).is_some_and(|age| age < SLOTS as u64);
        let unused = unused.min(reserved.retries);
        if !is_counted || unused == 0 {
            return false;
        }
        let slot = window.slot(reserved.slot);
        slot.retries = slot.retries.saturating_sub(unused);
        window.write(page);
        true
    }
}

impl Window {
    fn read(page: &[u8]) -> Self {
        let mut words = page
            .chunks_exact(size_of::<u64>())
            .map(|word| word.try_into().map(u64::from_le_bytes).unwrap_or_default());
        let newest = words.next().unwrap_or_default();
        let mut slots = [Slot::default(); SLOTS];
        for (slot, word) in slots.iter_mut().zip(words) {
            *slot = Slot { requests: (word >> 32) as u32, retries: word as u32 };
        }
        Self { newest, slots }
    }

    fn write(&self, page: &mut [u8]) {
        let slots = self.slots.iter().map(|slot| u64::from(slot.requests) << 32 | u64::from(slot.retries));
        let words = [self.newest].into_iter().chain(slots);
        for (bytes, word) in page.chunks_exact_mut(size_of::<u64>()).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
    }

    /// Begins the slot of the current time, and clears those that are no longer in the window. A worker that
    /// read the clock earlier counts in the newest slot. A record from the future was written before the
    /// clock was set back, and is ignored.
    fn advance(&mut self, now: u64) {
        if now.abs_diff(self.newest) >= SLOTS as u64 {
            *self = Self { newest: now, slots: [Slot::default(); SLOTS] };
        }
        while self.newest < now {
            self.newest += 1;
            *self.slot(self.newest) = Slot::default();
        }
    }

    #[allow(clippy::indexing_slicing, reason = "the remainder is less than the length")]
    fn slot(&mut self, number: u64) -> &mut Slot {
        &mut self.slots[(number % SLOTS as u64) as usize]
    }

    fn sums(&self) -> (u64, u64) {
        let sum = |count: fn(&Slot) -> u32| self.slots.iter().map(|slot| u64::from(count(slot))).sum();
        (sum(|slot| slot.requests), sum(|slot| slot.retries))
    }
}
