//! So many in any window: this window of the clock and, weighted by how much of it is left, the last one.

use super::{Quota, State, Take};
use tollgate_policy::UnixNanos;

/// So many in any window: this window of the clock and, weighted by how much of it is left, the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlidingWindow {
    requests: u32,
    window: u64,
}

impl SlidingWindow {
    /// `requests` in each `window` of nanoseconds. `None` for a window of 0, or more than a hundred years.
    pub fn new(requests: u32, window: u64) -> Option<Self> {
        Some(Self { requests, window })
    }

    pub(super) fn take(&self, state: State, now: UnixNanos, cost: u64) -> Take {
        let _ = (now, cost);
        Take::Taken(state)
    }

    pub(super) fn charge(&self, state: State, now: UnixNanos, cost: u64) -> State {
        let _ = (now, cost);
        state
    }

    pub(super) fn refund(&self, state: State, taken_at: UnixNanos, now: UnixNanos, cost: u64) -> State {
        let _ = (taken_at, now, cost);
        state
    }

    pub(super) fn quota(&self, state: State, now: UnixNanos) -> Quota {
        let _ = (state, now);
        Quota { limit: 0, window: 0, remaining: 0, reset: 0 }
    }
}
