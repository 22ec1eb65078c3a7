//! So many in each window of the clock, counted from the Unix epoch.

use super::{Quota, State, Take};
use tollgate_policy::UnixNanos;

/// So many in each window of the clock, counted from the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedWindow {
    requests: u64,
    window: u64,
}

impl FixedWindow {
    /// `requests` in each `window` of nanoseconds. `None` for a window of 0, or more than a hundred years.
    pub fn new(requests: u64, window: u64) -> Option<Self> {
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
