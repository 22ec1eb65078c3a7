//! So many in any window: this window of the clock and, weighted by how much of it is left, the last one.
//!
//! A request passes if `current + cost + last * left / window <= requests`, in exact arithmetic, where `left` is the part of
//! the last window that a window that ends now still covers. That is an estimate: it takes the last window's requests as
//! evenly spread. Two numbers say it, where a log would need one for each request.
//!
//! Who waits goes on as soon as that holds with all that were before: the last window in which somebody has a place is kept,
//! and the one before. How much of its own window each of them has to wait for follows from the counts, and more in a window
//! is always later.

use super::{HUNDRED_YEARS, Quota, SKEW, State, Take};
use tollgate_policy::UnixNanos;

/// So many in any window: this window of the clock and, weighted by how much of it is left, the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlidingWindow {
    requests: u32,
    window: u64,
    max_wait: u64,
    /// How far a window that counts already may be ahead, and the end of what is kept: as of a fixed window.
    tolerance: u64,
    pub(super) most_left: u64,
    /// Twice the requests, times the window, fits into `u64`.
    is_narrow: bool,
}

/// Two windows.
#[derive(Clone, Copy)]
struct Counts {
    /// When the window after this one ends: then nothing of this one counts any more.
    end: u64,
    /// Taken in the last window.
    last: u32,
    /// Taken in this one.
    current: u32,
    /// How much is left of this one, which is how much of the last one counts.
    left: u64,
    /// How long until this one begins, if that is to be waited for.
    ahead: u64,
}

impl SlidingWindow {
    /// `requests` in each `window` of nanoseconds. `None` for a window of 0, or more than a hundred years.
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

    /// Lets requests wait until there is room, at most so many nanoseconds (and a hundred years).
    #[must_use]
    pub fn with_max_wait(self, max_wait: u64) -> Self {
        let max_wait = max_wait.min(HUNDRED_YEARS);
        let tolerance = if max_wait == 0 { SKEW } else { 0 };
        Self { max_wait, tolerance, most_left: 2 * self.window + max_wait + SKEW, ..self }
    }

    #[inline]
    pub(super) fn take(&self, state: State, now: UnixNanos, cost: u64) -> Take {
        let wanted = u32::try_from(cost.max(1)).ok().and_then(|cost| self.requests.checked_sub(cost));
        // What may be taken besides.
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

    /// When the window begins in which what was just taken counts; now, if it has begun.
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
        let counted = if self.is_narrow {
            (u64::from(counts.last) * counts.left).div_ceil(self.window)
        } else {
            // It is not more than `last`.
            (u128::from(counts.last) * u128::from(counts.left)).div_ceil(self.window.into()) as u64
        };
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

    /// Whether so much of `count` as `left` of its window is worth is not more than `room`.
    #[inline]
    fn fits(&self, count: u32, left: u64, room: u32) -> bool {
        if self.is_narrow {
            return u64::from(count) * left <= u64::from(room) * self.window;
        }
        u128::from(count) * u128::from(left) <= u128::from(room) * u128::from(self.window)
    }

    /// When there is room besides `others`, if nobody else comes, and the windows that count then.
    fn room_at(&self, mut counts: Counts, others: u32) -> (Counts, u64) {
        // In this window, or in the next; or when that one ends and nothing counts any more.
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

    /// How much of a window may be left, so that `count` in it is worth `room` at most.
    fn left_for(&self, count: u32, room: u32) -> u64 {
        if count <= room {
            return self.window;
        }
        if self.is_narrow {
            return u64::from(room) * self.window / u64::from(count);
        }
        // It is less than the window, since `room` is less than `count`.
        (u128::from(room) * u128::from(self.window) / u128::from(count)) as u64
    }

    /// The windows that count now. No division if one of them was kept.
    #[inline]
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
    /// With what was found to fit.
    #[inline]
    fn plus(self, cost: u64) -> State {
        Self { current: self.current.saturating_add(saturated(cost)), ..self }.state()
    }

    #[inline]
    fn state(self) -> State {
        State { full_at: self.end, rest: (u64::from(self.last) << 32) | u64::from(self.current) }
    }
}

fn saturated(cost: u64) -> u32 {
    u32::try_from(cost).unwrap_or(u32::MAX)
}
