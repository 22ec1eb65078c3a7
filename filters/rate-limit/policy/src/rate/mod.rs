//! The arithmetic of one rate for one key.
//!
//! Pure functions from what is kept, the time and a cost to what is to be kept next, whatever bytes are kept: those come
//! from memory that others write.
//!
//! Nothing here reads a clock that could run backwards unnoticed. A `now` before what was kept is taken as the latter. What
//! was kept further in the future than the rate can owe, and [`SKEW`], is what a clock left behind that was set back since:
//! it says nothing, or keys would stay locked until the clock has caught up.

mod fixed_window;
mod meter;
mod sliding_window;
mod span;
#[cfg(test)]
mod tests;

pub use fixed_window::FixedWindow;
pub use meter::Meter;
pub use sliding_window::SlidingWindow;

use tollgate_policy::UnixNanos;

/// How far apart workers may be in what they take for now, in nanoseconds: they read one clock, but one may be held up
/// between reading it and being done.
const SKEW: u64 = 1_000_000_000;

/// The longest that a rate may look ahead, in nanoseconds: twice that from now fits into `u64`.
const HUNDRED_YEARS: u64 = 36_525 * 86_400 * 1_000_000_000;

/// What is kept of one rate for one key. The default is a key that nothing was asked for yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// When nothing is owed any more, in nanoseconds since the Unix epoch: from then on it says nothing, and may be
    /// forgotten without anybody noticing. Which state is the cheapest to lose is told by this alone.
    pub full_at: u64,
    /// What else the algorithm keeps.
    pub rest: u64,
}

/// One rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Token bucket and GCRA, which are the same arithmetic.
    Meter(Meter),
    /// So many in each window of the clock.
    FixedWindow(FixedWindow),
    /// So many in any window, estimated from this window's count and the last one's.
    SlidingWindow(SlidingWindow),
}

/// What comes of asking a rate for what a request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// There was room. This is to be kept.
    Taken(State),
    /// There was none.
    Limited {
        /// When there is room for the same cost if nobody else comes, in nanoseconds from now; `None` if never.
        retry_after: Option<u64>,
    },
}

/// Where a rate stands, for `RateLimit` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What it allows: the size of the bucket, or the requests of a window.
    pub limit: u64,
    /// The window, or how long an empty bucket takes to fill, in nanoseconds.
    pub window: u64,
    /// What there is room for now.
    pub remaining: u64,
    /// Until all of it is there again, in nanoseconds.
    pub reset: u64,
}

impl Rate {
    /// How far ahead what is kept may be at most, in nanoseconds.
    #[inline]
    pub fn longest(&self) -> u64 {
        match self {
            Self::Meter(rate) => rate.most,
            Self::FixedWindow(rate) => rate.most_left,
            Self::SlidingWindow(rate) => rate.most_left,
        }
    }

    /// Asks for `cost`; keeps nothing by itself. 0 asks whether there is room for 1, and takes nothing.
    #[inline]
    pub fn take(&self, state: State, now: UnixNanos, cost: u64) -> Take {
        match self {
            Self::Meter(rate) => rate.take(state, now, cost),
            Self::FixedWindow(rate) => rate.take(state, now, cost),
            Self::SlidingWindow(rate) => rate.take(state, now, cost),
        }
    }

    /// Lets requests wait for their turn, at most so many nanoseconds (and a hundred years). Without it nothing can be
    /// reserved: how far in the future what is kept may be has to be known whenever it is read.
    #[must_use]
    pub fn with_max_wait(self, max_wait: u64) -> Self {
        match self {
            Self::Meter(rate) => Self::Meter(rate.with_max_wait(max_wait)),
            Self::FixedWindow(rate) => Self::FixedWindow(rate.with_max_wait(max_wait)),
            Self::SlidingWindow(rate) => Self::SlidingWindow(rate.with_max_wait(max_wait)),
        }
    }

    /// Asks for `cost` later, if not now: what is to be kept, and after how many nanoseconds it may go on, at most
    /// `max_wait` and [`with_max_wait`](Self::with_max_wait). Those who come later get no earlier times, on whatever worker.
    /// `None` if that is too long, or if there is never room.
    #[inline(never)]
    pub fn reserve(&self, state: State, now: UnixNanos, cost: u64, max_wait: u64) -> Option<(State, u64)> {
        match self {
            Self::Meter(rate) => rate.reserve(state, now, cost, max_wait),
            Self::FixedWindow(rate) => rate.reserve(state, now, cost, max_wait),
            Self::SlidingWindow(rate) => rate.reserve(state, now, cost, max_wait),
        }
    }

    /// From when on what was just [reserved](Self::reserve) counts, which is what [`refund`](Self::refund) has to be told: of
    /// a window, when that begins. A meter counts from now.
    #[inline(never)]
    pub fn turn(&self, state: State, now: UnixNanos) -> UnixNanos {
        UnixNanos(match self {
            Self::Meter(_) => now.0,
            Self::FixedWindow(rate) => rate.turn(state, now),
            Self::SlidingWindow(rate) => rate.turn(state, now),
        })
    }

    /// Takes `cost` whether there is room or not: what a response turned out to cost. What is owed beyond the whole rate
    /// is bounded to the same again, so that no cost locks a key out for longer than twice the window.
    pub fn charge(&self, state: State, now: UnixNanos, cost: u64) -> State {
        match self {
            Self::Meter(rate) => rate.charge(state, now, cost),
            Self::FixedWindow(rate) => rate.charge(state, now, cost),
            Self::SlidingWindow(rate) => rate.charge(state, now, cost),
        }
    }

    /// Gives back what was taken at `taken_at`, never more than is still owed of it: had it not been taken, no more could
    /// have been taken in its place since. A window gives all of it, as long as the window counts. A meter cannot tell
    /// whether what came since would have found the bucket full, so it gives back what is left of the cost after that.
    pub fn refund(&self, state: State, taken_at: UnixNanos, now: UnixNanos, cost: u64) -> State {
        match self {
            Self::Meter(rate) => rate.refund(state, taken_at, now, cost),
            Self::FixedWindow(rate) => rate.refund(state, taken_at, now, cost),
            Self::SlidingWindow(rate) => rate.refund(state, taken_at, now, cost),
        }
    }

    /// Where it stands.
    pub fn quota(&self, state: State, now: UnixNanos) -> Quota {
        match self {
            Self::Meter(rate) => rate.quota(state, now),
            Self::FixedWindow(rate) => rate.quota(state, now),
            Self::SlidingWindow(rate) => rate.quota(state, now),
        }
    }
}
