//! So many in each window of the clock, counted from the Unix epoch, as envoyproxy/ratelimit and Limitador count.
//!
//! Of two windows, all of the first may come at its end and all of the second at its beginning. What is charged beyond a
//! window's requests is not carried into the next.

use super::{HUNDRED_YEARS, Quota, SKEW, State, Take};
use tollgate_policy::UnixNanos;

/// So many in each window of the clock, counted from the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedWindow {
    requests: u64,
    window: u64,
}

/// A window.
#[derive(Clone, Copy)]
struct Count {
    /// When it ends.
    end: u64,
    /// What was taken in it.
    taken: u64,
}

impl FixedWindow {
    /// `requests` in each `window` of nanoseconds. `None` for a window of 0, or more than a hundred years.
    pub fn new(requests: u64, window: u64) -> Option<Self> {
        (1..=HUNDRED_YEARS).contains(&window).then_some(Self { requests, window })
    }

    #[inline]
    pub(super) fn take(&self, state: State, now: UnixNanos, cost: u64) -> Take {
        let Some(most) = self.requests.checked_sub(cost.max(1)) else {
            return Take::Limited { retry_after: None };
        };
        let count = self.count(state, now);
        if count.taken > most {
            return Take::Limited { retry_after: Some(count.end.saturating_sub(now.0)) };
        }
        Take::Taken(if cost == 0 { state } else { count.plus(cost) })
    }

    pub(super) fn charge(&self, state: State, now: UnixNanos, cost: u64) -> State {
        if cost == 0 || self.requests == 0 {
            return state;
        }
        let State { full_at, rest } = self.count(state, now).plus(cost);
        State { full_at, rest: rest.min(self.most()) }
    }

    pub(super) fn refund(&self, state: State, taken_at: UnixNanos, now: UnixNanos, cost: u64) -> State {
        match self.kept(state, now) {
            Some(count) if taken_at.0 >= count.end.saturating_sub(self.window) => {
                State { full_at: count.end, rest: count.taken.saturating_sub(cost) }
            }
            _ => state,
        }
    }

    pub(super) fn quota(&self, state: State, now: UnixNanos) -> Quota {
        let count = self.count(state, now);
        Quota {
            limit: self.requests,
            window: self.window,
            remaining: self.requests.saturating_sub(count.taken),
            reset: count.end.saturating_sub(now.0),
        }
    }

    /// The window that counts now.
    #[inline]
    fn count(&self, state: State, now: UnixNanos) -> Count {
        self.kept(state, now).unwrap_or_else(|| {
            let start = now.0 - now.0 % self.window;
            Count { end: start.saturating_add(self.window), taken: 0 }
        })
    }

    /// The one that was kept, if it has not passed. No division: most requests find their window begun.
    #[inline]
    fn kept(&self, state: State, now: UnixNanos) -> Option<Count> {
        let left = state.full_at.saturating_sub(now.0);
        (left != 0 && left <= self.window + SKEW)
            .then(|| Count { end: state.full_at, taken: state.rest.min(self.most()) })
    }

    fn most(&self) -> u64 {
        self.requests.saturating_mul(2)
    }
}

impl Count {
    #[inline]
    fn plus(self, cost: u64) -> State {
        State { full_at: self.end, rest: self.taken.saturating_add(cost) }
    }
}
