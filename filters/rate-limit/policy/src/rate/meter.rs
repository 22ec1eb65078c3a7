//! Token bucket and GCRA: `tokens` come each `interval`, evenly, and at most `burst` are kept.

use super::{Quota, State, Take};
use tollgate_policy::UnixNanos;

/// Token bucket and GCRA: `tokens` come each `interval`, evenly, and at most `burst` are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    burst: u64,
    tokens: u64,
    interval: u64,
}

impl Meter {
    /// `burst` tokens at most (0: nothing ever has room), `tokens` more each `interval` nanoseconds. `None` if one of the
    /// latter is 0, or if filling takes more than a hundred years.
    pub fn new(burst: u64, tokens: u64, interval: u64) -> Option<Self> {
        Some(Self { burst, tokens, interval })
    }

    pub(super) fn take(&self, state: State, now: UnixNanos, cost: u64) -> Take {
        let _ = (now, cost);
        Take::Taken(state)
    }

    pub(super) fn reserve(
        &self,
        state: State,
        now: UnixNanos,
        cost: u64,
        max_wait: u64,
    ) -> Option<(State, u64)> {
        let _ = (state, now, cost, max_wait);
        None
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
