//! Fixed windows of the clock that are aligned to the Unix epoch, as in envoyproxy/ratelimit and Limitador,
//! or to the calendar.
//!
//! All requests of one window may come at its end, and all of the next one at its beginning. A charge beyond
//! the requests of a window is not carried over into the next.
//!
//! A waiting request has a place in a future window, and later requests never get earlier places. So the
//! state only needs the last window with a place, and the number of places in it. If a large request does not
//! fit into a window, the rest of that window stays unused.

use super::calendar::Length;
use super::{HUNDRED_YEARS, Quota, SKEW, State, Take};
use tollgate_types::UnixNanos;

/// Fixed windows of the clock that are aligned to the Unix epoch, or to the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedWindow {
    requests: u64,
    length: Length,
    max_wait: u64,
    /// Maximum time until the beginning of a window that already counts: a worker with an older time finds
    /// what others took. With waiting it is 0, because such a window contains places to wait for.
    tolerance: u64,
    /// Maximum time until the end of a window. If it is longer, the clock was set back.
    pub(super) most_left: u64,
}

/// A window.
#[derive(Clone, Copy)]
struct Count {
    /// End of the window.
    end: u64,
    /// Cost taken in the window.
    taken: u64,
}

impl FixedWindow {
    /// Returns a rate of `requests` in each `window` of nanoseconds. `None` if the window is 0 or more than a
    /// hundred years.
    pub fn new(requests: u64, window: u64) -> Option<Self> {
        (1..=HUNDRED_YEARS).contains(&window).then_some(Self::with_length(requests, Length::Nanos(window)))
    }

    /// Returns a rate of `requests` in each period of `months` of the calendar, in UTC: 1 for months, 3 for
    /// quarters, 12 for years. `None` if `months` is 0 or more than a hundred years.
    pub fn of_months(requests: u64, months: u32) -> Option<Self> {
        (1..=1200).contains(&months).then_some(Self::with_length(requests, Length::Months(months)))
    }

    fn with_length(requests: u64, length: Length) -> Self {
        let most_left = length.longest().saturating_add(SKEW);
        Self { requests, length, max_wait: 0, tolerance: SKEW, most_left }
    }

    /// Allows requests to wait for a future window, up to `max_wait` nanoseconds (at most a hundred years).
    #[must_use]
    pub fn with_max_wait(self, max_wait: u64) -> Self {
        let max_wait = max_wait.min(HUNDRED_YEARS);
        let tolerance = if max_wait == 0 { SKEW } else { 0 };
        Self { max_wait, tolerance, most_left: self.length.longest() + max_wait + SKEW, ..self }
    }

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
            count = Count { end: self.length.next_end(count.end), taken: 0 };
        }
        let next = if cost == 0 { state } else { count.plus(cost) };
        (wait <= max_wait.min(self.max_wait)).then_some((next, wait))
    }

    /// Returns the beginning of the window in which the latest reservation counts; now, if it has begun.
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
            Some(count) if taken_at.0 >= self.length.start_before(count.end) => {
                match count.taken.saturating_sub(cost) {
                    // This window was begun because the previous one had no room.
                    0 if self.begins_in(&count, now) > 0 => {
                        State { full_at: self.length.start_before(count.end), rest: self.requests }
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
            window: count.end.saturating_sub(self.length.start_before(count.end)),
            remaining: match self.begins_in(&count, now) {
                0 => self.requests.saturating_sub(count.taken),
                _ => 0,
            },
            reset: count.end.saturating_sub(now.0),
        }
    }

    /// Returns the current window.
    fn count(&self, state: State, now: UnixNanos) -> Count {
        self.kept(state, now).unwrap_or_else(|| Count { end: self.length.end_after(now.0), taken: 0 })
    }

    /// Returns the stored window, if it has not passed. Needs no division; most requests take this path.
    fn kept(&self, state: State, now: UnixNanos) -> Option<Count> {
        let left = state.full_at.saturating_sub(now.0);
        (left != 0 && left <= self.most_left && self.length.can_end(state.full_at))
            .then(|| Count { end: state.full_at, taken: state.rest.min(self.most()) })
    }

    /// Returns the time until the window begins; 0 if requests need not wait for it.
    fn begins_in(&self, count: &Count, now: UnixNanos) -> u64 {
        match self.length.start_before(count.end).saturating_sub(now.0) {
            ahead if ahead <= self.tolerance => 0,
            ahead => ahead,
        }
    }

    fn most(&self) -> u64 {
        self.requests.saturating_mul(2)
    }
}

impl Count {
    fn plus(self, cost: u64) -> State {
        State { full_at: self.end, rest: self.taken.saturating_add(cost) }
    }
}
