//! The arithmetic of one rate for one key.
//!
//! Pure functions from a stored state, the time and a cost to the next state. They accept any state, because
//! it comes from shared memory that others write.
//!
//! The clock may be set back. A stored time in the future is used as it is, up to what the rate can owe, plus
//! `SKEW`. A state further in the future was written before the clock was set back. It is ignored;
//! otherwise, its key would stay blocked until the clock has caught up.

mod calendar;
mod fixed_window;
mod meter;
mod sliding_window;
mod span;
#[cfg(test)]
mod tests;

pub use fixed_window::FixedWindow;
pub use meter::Meter;
pub use sliding_window::SlidingWindow;

use tollgate_types::UnixNanos;

/// Maximum difference between the times of two workers, in nanoseconds. They read the same clock, but a
/// worker may be delayed between reading it and storing a result.
const SKEW: u64 = 1_000_000_000;

/// Longest time of a rate, in nanoseconds. Twice this time from now fits into `u64`.
const HUNDRED_YEARS: u64 = 36_525 * 86_400 * 1_000_000_000;

/// Stored state of one rate for one key. The default is that of an unused key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Time at which nothing is owed any more, in nanoseconds since the Unix epoch. After it, the state has
    /// no effect and may be evicted. Of several states, the one with the earliest time is the cheapest to
    /// lose.
    pub full_at: u64,
    /// Other state of the algorithm.
    pub rest: u64,
}

/// A rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Token bucket and GCRA, which have the same arithmetic.
    Meter(Meter),
    /// Fixed windows of the clock.
    FixedWindow(FixedWindow),
    /// Sliding window, estimated from the counts of the current and the previous window.
    SlidingWindow(SlidingWindow),
}

/// Result of taking the cost of a request from a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// There was room. The next state.
    Taken(State),
    /// There was no room.
    Limited {
        /// Time until there is room for this cost if no other request comes, in nanoseconds; `None` if there
        /// is never room.
        retry_after: Option<u64>,
    },
}

/// Quota of a rate, for `RateLimit` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Maximum: the size of the bucket, or the requests of a window.
    pub limit: u64,
    /// Window, or the time in which an empty bucket fills, in nanoseconds.
    pub window: u64,
    /// Remaining requests.
    pub remaining: u64,
    /// Time until everything is available again, in nanoseconds.
    pub reset: u64,
}

impl Rate {
    /// Returns how far in the future a state can be, in nanoseconds.
    pub fn longest(&self) -> u64 {
        match self {
            Self::Meter(rate) => rate.most,
            Self::FixedWindow(rate) => rate.most_left,
            Self::SlidingWindow(rate) => rate.most_left,
        }
    }

    /// Takes `cost`, if there is room. With a cost of 0, checks whether there is room for 1 and takes
    /// nothing.
    pub fn take(&self, state: State, now: UnixNanos, cost: u64) -> Take {
        match self {
            Self::Meter(rate) => rate.take(state, now, cost),
            Self::FixedWindow(rate) => rate.take(state, now, cost),
            Self::SlidingWindow(rate) => rate.take(state, now, cost),
        }
    }

    /// Allows [reservations](Self::reserve) up to `max_wait` nanoseconds ahead (at most a hundred years).
    /// Every reader of a state must know this bound, because it determines how far in the future the state
    /// can be.
    #[must_use]
    pub fn with_max_wait(self, max_wait: u64) -> Self {
        match self {
            Self::Meter(rate) => Self::Meter(rate.with_max_wait(max_wait)),
            Self::FixedWindow(rate) => Self::FixedWindow(rate.with_max_wait(max_wait)),
            Self::SlidingWindow(rate) => Self::SlidingWindow(rate.with_max_wait(max_wait)),
        }
    }

    /// Takes `cost` now or later. Returns the next state and the wait in nanoseconds, at most `max_wait` and
    /// the bound of [`with_max_wait`](Self::with_max_wait). Later requests never get earlier times, on any
    /// worker. `None` if the wait would be too long, or if there is never room.
    #[inline(never)]
    pub fn reserve(&self, state: State, now: UnixNanos, cost: u64, max_wait: u64) -> Option<(State, u64)> {
        match self {
            Self::Meter(rate) => rate.reserve(state, now, cost, max_wait),
            Self::FixedWindow(rate) => rate.reserve(state, now, cost, max_wait),
            Self::SlidingWindow(rate) => rate.reserve(state, now, cost, max_wait),
        }
    }

    /// Returns the time from which the latest [reservation](Self::reserve) counts, for
    /// [`refund`](Self::refund): the beginning of its window. For a meter, that is now.
    #[inline(never)]
    pub fn turn(&self, state: State, now: UnixNanos) -> UnixNanos {
        UnixNanos(match self {
            Self::Meter(_) => now.0,
            Self::FixedWindow(rate) => rate.turn(state, now),
            Self::SlidingWindow(rate) => rate.turn(state, now),
        })
    }

    /// Takes `cost` even if there is no room, for a cost that the response determines. The state owes at most
    /// twice the maximum of the rate, so that no cost blocks a key for longer than twice the window.
    pub fn charge(&self, state: State, now: UnixNanos, cost: u64) -> State {
        match self {
            Self::Meter(rate) => rate.charge(state, now, cost),
            Self::FixedWindow(rate) => rate.charge(state, now, cost),
            Self::SlidingWindow(rate) => rate.charge(state, now, cost),
        }
    }

    /// Refunds a cost that was taken at `taken_at`, never more than is still owed of it. A window refunds all
    /// of it, as long as the window counts. A meter cannot know whether the bucket would have been full in
    /// the meantime, so it refunds the cost minus what has flowed in since.
    pub fn refund(&self, state: State, taken_at: UnixNanos, now: UnixNanos, cost: u64) -> State {
        match self {
            Self::Meter(rate) => rate.refund(state, taken_at, now, cost),
            Self::FixedWindow(rate) => rate.refund(state, taken_at, now, cost),
            Self::SlidingWindow(rate) => rate.refund(state, taken_at, now, cost),
        }
    }

    /// Returns the quota.
    pub fn quota(&self, state: State, now: UnixNanos) -> Quota {
        match self {
            Self::Meter(rate) => rate.quota(state, now),
            Self::FixedWindow(rate) => rate.quota(state, now),
            Self::SlidingWindow(rate) => rate.quota(state, now),
        }
    }
}
