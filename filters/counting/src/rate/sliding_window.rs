//! Sliding window: the count of the current window of the clock, plus a share of the previous one.
//!
//! `left` is the part of the previous window that a window that ends now still covers. The share `last * left
//! / window` of its requests counts in whole requests: as one less than the next whole number, because evenly
//! spread requests leave the window one by one. A request is allowed if `current + cost + share <= requests`,
//! in exact arithmetic. So a client that sends `requests` evenly in each window is never rejected, whatever
//! the phase of its clock.
//!
//! # Error
//! The share is an estimate: it assumes that the requests of the previous window were evenly spread. It needs
//! two numbers, where a log would need one per request. If all of them came at the end of that window, up to
//! twice `requests` are allowed in a time of one window: `requests` at once, and then one more, and the
//! others evenly. If they came at its beginning, requests are rejected that a log would allow.
//!
//! A waiting request continues as soon as this condition holds, including all earlier requests. The state
//! contains the last window with a place, and the one before. The counts determine the waits: more requests
//! in a window always wait longer.

use super::{HUNDRED_YEARS, Quota, SKEW, State, Take};
use tollgate_types::UnixNanos;

/// Sliding window: the count of the current window of the clock, plus a share of the previous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlidingWindow {
    requests: u32,
    window: u64,
    max_wait: u64,
    /// As in [`FixedWindow`](super::FixedWindow): how far in the future a window may begin that already
    /// counts, and how far its end can be.
    tolerance: u64,
    pub(super) most_left: u64,
    /// Whether twice the requests, times the window, fits into `u64`.
    is_narrow: bool,
}

/// Counts of two windows.
#[derive(Clone, Copy)]
struct Counts {
    /// End of the window after the current one. From then on, the current one does not count any more.
    end: u64,
    /// Cost taken in the previous window.
    last: u32,
    /// Cost taken in the current window.
    current: u32,
    /// Remaining time of the current window. The same share of the previous window counts.
    left: u64,
    /// Time until the current window begins; 0 if requests need not wait for it.
    ahead: u64,
}

impl SlidingWindow {
    /// Returns a rate of `requests` in each `window` of nanoseconds. `None` if the window is 0 or more than a
    /// hundred years.
    pub fn new(requests: u32, window: u64) -> Option<Self> {
        let is_narrow = (2 * u64::from(requests)).checked_mul(window).is_some();
        let most_left = window.saturating_mul(2).saturating_add(SKEW);
        (1..=HUNDRED_YEARS).contains(&window).then_some(Self {
            requests,
            window,
            max_wait: 0,
            tolerance: SKEW,
            most_left,
            is_narrow,
        })
    }

    /// Allows requests to wait for room, up to `max_wait` nanoseconds (at most a hundred years).
    #[must_use]
    pub fn with_max_wait(self, max_wait: u64) -> Self {
        let max_wait = max_wait.min(HUNDRED_YEARS);
        let tolerance = if max_wait == 0 { SKEW } else { 0 };
        Self { max_wait, tolerance, most_left: 2 * self.window + max_wait + SKEW, ..self }
    }

    pub(super) fn take(&self, state: State, now: UnixNanos, cost: u64) -> Take {
        let wanted = u32::try_from(cost.max(1)).ok().and_then(|cost| self.requests.checked_sub(cost));
        // Maximum that other requests may have taken.
        let Some(others) = wanted else { return Take::Limited { retry_after: None } };
        let counts = self.counts(state, now);
        let room = others.checked_sub(counts.current);
        match room {
            Some(room) if counts.ahead == 0 && self.fits(counts.last, counts.left, room) => {
                Take::Taken(if cost == 0 { state } else { counts.plus(cost) })
            }
            _ => {
                let (_, at) = self.room_at(counts, others);
                Take::Limited { retry_after: Some(at.saturating_sub(now.0)) }
            }
        }
    }

    pub(super) fn reserve(
        &self,
        state: State,
        now: UnixNanos,
        cost: u64,
        max_wait: u64,
    ) -> Option<(State, u64)> {
        if let Take::Taken(next) = self.take(state, now, cost) {
            return Some((next, 0));
        }
        let others = self.requests.checked_sub(u32::try_from(cost.max(1)).ok()?)?;
        let (counts, at) = self.room_at(self.counts(state, now), others);
        let wait = at.saturating_sub(now.0);
        let next = if cost == 0 { state } else { counts.plus(cost) };
        (wait <= max_wait.min(self.max_wait)).then_some((next, wait))
    }

    /// Returns the beginning of the window in which the latest reservation counts; now, if it has begun.
    pub(super) fn turn(&self, state: State, now: UnixNanos) -> u64 {
        now.0.saturating_add(self.counts(state, now).ahead)
    }

    pub(super) fn charge(&self, state: State, now: UnixNanos, cost: u64) -> State {
        if cost == 0 || self.requests == 0 {
            return state;
        }
        let counts = self.counts(state, now);
        Counts { current: counts.current.saturating_add(saturated(cost)).min(self.most()), ..counts }.state()
    }

    pub(super) fn refund(&self, state: State, taken_at: UnixNanos, now: UnixNanos, cost: u64) -> State {
        let mut counts = self.counts(state, now);
        let start = counts.end.saturating_sub(2 * self.window);
        let cost = saturated(cost);
        if taken_at.0 >= start {
            counts.current = counts.current.saturating_sub(cost);
        } else if taken_at.0 >= start.saturating_sub(self.window) {
            counts.last = counts.last.saturating_sub(cost);
        } else {
            return state;
        }
        counts.state()
    }

    pub(super) fn quota(&self, state: State, now: UnixNanos) -> Quota {
        let counts = self.counts(state, now);
        let share = if self.is_narrow {
            (u64::from(counts.last) * counts.left).div_ceil(self.window)
        } else {
            // The result is at most `last`.
            (u128::from(counts.last) * u128::from(counts.left)).div_ceil(self.window.into()) as u64
        };
        let counted = share.saturating_sub(1);
        let reset = match (counts.last, counts.current) {
            (0, 0) => 0,
            (_, 0) => counts.left,
            _ => counts.left.saturating_add(self.window),
        };
        let taken = if counts.ahead == 0 { counted.saturating_add(counts.current.into()) } else { u64::MAX };
        Quota {
            limit: self.requests.into(),
            window: self.window,
            remaining: u64::from(self.requests).saturating_sub(taken),
            reset: reset.saturating_add(counts.ahead),
        }
    }

    /// Returns whether the share of `count` for the part `left` of its window is at most `room`, in whole
    /// requests: `room + 1` may be reached, but not exceeded. `room` is less than `requests`.
    fn fits(&self, count: u32, left: u64, room: u32) -> bool {
        let next = u64::from(room) + 1;
        if self.is_narrow {
            return u64::from(count) * left <= next * self.window;
        }
        u128::from(count) * u128::from(left) <= u128::from(next) * u128::from(self.window)
    }

    /// Returns the time at which the counts are at most `others`, if no other request comes, and the windows
    /// at that time.
    fn room_at(&self, mut counts: Counts, others: u32) -> (Counts, u64) {
        // In the current window, or in the next one; at the latest when that one ends.
        for _ in 0..2 {
            let ends = counts.end.saturating_sub(self.window);
            let left = match others.checked_sub(counts.current) {
                Some(room) => self.left_for(counts.last, room).min(counts.left),
                None => 0,
            };
            if left > 0 {
                return (counts, ends.saturating_sub(left));
            }
            let end = counts.end.saturating_add(self.window);
            counts = Counts { end, last: counts.current, current: 0, left: self.window, ahead: 0 };
        }
        (counts, counts.end.saturating_sub(2 * self.window))
    }

    /// Returns the largest part of a window for which the share of `count` [fits](Self::fits) into `room`.
    fn left_for(&self, count: u32, room: u32) -> u64 {
        let (count, next) = (u64::from(count), u64::from(room) + 1);
        if count <= next {
            return self.window;
        }
        if self.is_narrow {
            return next * self.window / count;
        }
        // The result is less than the window, because `next` is less than `count`.
        (u128::from(next) * u128::from(self.window) / u128::from(count)) as u64
    }

    /// Returns the windows that count now. Needs no division if one of them is stored.
    fn counts(&self, state: State, now: UnixNanos) -> Counts {
        let window = self.window;
        let twice = 2 * window;
        let [last, current] =
            [state.rest >> 32, state.rest & 0xffff_ffff].map(|n| saturated(n).min(self.most()));
        match state.full_at.saturating_sub(now.0) {
            left if left == 0 || left > self.most_left => {
                let passed = now.0 % window;
                let end = now.0.saturating_add(twice - passed);
                Counts { end, last: 0, current: 0, left: window - passed, ahead: 0 }
            }
            left if left > window => {
                let ahead = match left.saturating_sub(twice) {
                    ahead if ahead <= self.tolerance => 0,
                    ahead => ahead,
                };
                Counts { end: state.full_at, last, current, left: (left - window).min(window), ahead }
            }
            left => {
                let end = state.full_at.saturating_add(window);
                Counts { end, last: current, current: 0, left, ahead: 0 }
            }
        }
    }

    fn most(&self) -> u32 {
        self.requests.saturating_mul(2)
    }
}

impl Counts {
    /// Adds a cost that fits.
    fn plus(self, cost: u64) -> State {
        Self { current: self.current.saturating_add(saturated(cost)), ..self }.state()
    }

    fn state(self) -> State {
        State { full_at: self.end, rest: (u64::from(self.last) << 32) | u64::from(self.current) }
    }
}

fn saturated(cost: u64) -> u32 {
    u32::try_from(cost).unwrap_or(u32::MAX)
}
