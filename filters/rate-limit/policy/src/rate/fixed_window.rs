//! So many in each window of the clock, counted from the Unix epoch, as envoyproxy/ratelimit and Limitador count.
//!
//! Of two windows, all of the first may come at its end and all of the second at its beginning. What is charged beyond a
//! window's requests is not carried into the next.
//!
//! Who waits has a place in a window to come, and later ones have no earlier places: so nothing has to be known but the last
//! window in which somebody has a place, and how many there. What a large request leaves of the window before is left.

use super::{HUNDRED_YEARS, Quota, SKEW, State, Take};
use tollgate_policy::UnixNanos;

/// So many in each window of the clock, counted from the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedWindow {
    requests: u64,
    window: u64,
    max_wait: u64,
    /// How far a window that counts already may be ahead: a worker that is a little behind finds what others took. Where
    /// requests wait it is a place to wait for.
    tolerance: u64,
    /// How far the end of what is kept may be ahead. More is a clock that was set back.
    pub(super) most_left: u64,
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
        let most_left = window.saturating_add(SKEW);
        (1..=HUNDRED_YEARS).contains(&window).then_some(Self {
            requests,
            window,
            max_wait: 0,
            tolerance: SKEW,
            most_left,
        })
    }

    /// Lets requests wait for a window to come, at most so many nanoseconds (and a hundred years).
    #[must_use]
    pub fn with_max_wait(self, max_wait: u64) -> Self {
        let max_wait = max_wait.min(HUNDRED_YEARS);
        let tolerance = if max_wait == 0 { SKEW } else { 0 };
        Self { max_wait, tolerance, most_left: self.window + max_wait + SKEW, ..self }
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
        match self.begins_in(&count, now) {
            0 => Take::Taken(if cost == 0 { state } else { count.plus(cost) }),
            wait => Take::Limited { retry_after: Some(wait) },
        }
    }

    pub(super) fn reserve(
        &self,
        state: State,
        now: UnixNanos,
        cost: u64,
        max_wait: u64,
    ) -> Option<(State, u64)> {
        let most = self.requests.checked_sub(cost.max(1))?;
        let mut count = self.count(state, now);
        let mut wait = self.begins_in(&count, now);
        if count.taken > most {
            wait = count.end.saturating_sub(now.0);
            count = Count { end: count.end.saturating_add(self.window), taken: 0 };
        }
        let next = if cost == 0 { state } else { count.plus(cost) };
        (wait <= max_wait.min(self.max_wait)).then_some((next, wait))
    }

    /// When the window begins in which what was just taken counts; now, if it has begun.
    pub(super) fn turn(&self, state: State, now: UnixNanos) -> u64 {
        self.kept(state, now).map_or(now.0, |count| now.0.saturating_add(self.begins_in(&count, now)))
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
                match count.taken.saturating_sub(cost) {
                    // It was begun because the one before had no room.
                    0 if self.begins_in(&count, now) > 0 => {
                        State { full_at: count.end.saturating_sub(self.window), rest: self.requests }
                    }
                    taken => State { full_at: count.end, rest: taken },
                }
            }
            _ => state,
        }
    }

    pub(super) fn quota(&self, state: State, now: UnixNanos) -> Quota {
        let count = self.count(state, now);
        Quota {
            limit: self.requests,
            window: self.window,
            remaining: match self.begins_in(&count, now) {
                0 => self.requests.saturating_sub(count.taken),
                _ => 0,
            },
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
        (left != 0 && left <= self.most_left)
            .then(|| Count { end: state.full_at, taken: state.rest.min(self.most()) })
    }

    /// How long until it begins, if that is to be waited for.
    #[inline]
    fn begins_in(&self, count: &Count, now: UnixNanos) -> u64 {
        match count.end.saturating_sub(now.0).saturating_sub(self.window) {
            ahead if ahead <= self.tolerance => 0,
            ahead => ahead,
        }
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
