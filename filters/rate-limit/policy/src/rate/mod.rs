//! The arithmetic of one rate for one key.
//!
//! Pure functions from what is kept, the time and a cost to what is to be kept next. Nothing here reads a clock that could
//! run backwards unnoticed: a `now` before what was kept is taken as the latter, and what was kept further in the future
//! than the rate can owe is taken as a clock that was set back.

mod fixed_window;
mod meter;
mod sliding_window;

pub use fixed_window::FixedWindow;
pub use meter::Meter;
pub use sliding_window::SlidingWindow;

use tollgate_policy::UnixNanos;

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
    /// Asks for `cost`; keeps nothing by itself.
    pub fn take(&self, state: State, now: UnixNanos, cost: u64) -> Take {
        match self {
            Self::Meter(rate) => rate.take(state, now, cost),
            Self::FixedWindow(rate) => rate.take(state, now, cost),
            Self::SlidingWindow(rate) => rate.take(state, now, cost),
        }
    }

    /// Asks for `cost` later, if not now: what is to be kept, and after how many nanoseconds it may go on, at most
    /// `max_wait`. Those who come later get later times, on whatever worker. `None` if that is too long, or if the rate
    /// has no order in which to serve (windows have not).
    pub fn reserve(&self, state: State, now: UnixNanos, cost: u64, max_wait: u64) -> Option<(State, u64)> {
        match self {
            Self::Meter(rate) => rate.reserve(state, now, cost, max_wait),
            Self::FixedWindow(_) | Self::SlidingWindow(_) => None,
        }
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

    /// Gives back what was taken at `taken_at`, never more than is owed since.
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
