//! So many in any window: this window of the clock and, weighted by how much of it is left, the last one.
//!
//! A request passes if `current + cost + last * left / window <= requests`, in exact arithmetic, where `left` is the part of
//! the last window that a window that ends now still covers. That is an estimate: it takes the last window's requests as
//! evenly spread. Two numbers say it, where a log would need one for each request.

use super::{HUNDRED_YEARS, Quota, SKEW, State, Take};
use tollgate_policy::UnixNanos;

/// So many in any window: this window of the clock and, weighted by how much of it is left, the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlidingWindow {
    requests: u32,
    window: u64,
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
}

impl SlidingWindow {
    /// `requests` in each `window` of nanoseconds. `None` for a window of 0, or more than a hundred years.
    pub fn new(requests: u32, window: u64) -> Option<Self> {
        let is_narrow = (2 * u64::from(requests)).checked_mul(window).is_some();
        (1..=HUNDRED_YEARS).contains(&window).then_some(Self { requests, window, is_narrow })
    }

    #[inline]
    pub(super) fn take(&self, state: State, now: UnixNanos, cost: u64) -> Take {
        let wanted = u32::try_from(cost.max(1)).ok().and_then(|cost| self.requests.checked_sub(cost));
        // What may be taken besides.
        let Some(others) = wanted else { return Take::Limited { retry_after: None } };
        let counts = self.counts(state, now);
        let room = others.checked_sub(counts.current);
        match room {
            Some(room) if self.fits(counts.last, counts.left, room) => {
                Take::Taken(if cost == 0 { state } else { counts.plus(cost) })
            }
            _ => {
                Take::Limited { retry_after: Some(self.room_at(&counts, room, others).saturating_sub(now.0)) }
            }
        }
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
        Quota {
            limit: self.requests.into(),
            window: self.window,
            remaining: u64::from(self.requests).saturating_sub(counted.saturating_add(counts.current.into())),
            reset,
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

    /// When there is room, `room` of it in this window or `others` in the next, if nobody else comes.
    fn room_at(&self, counts: &Counts, room: Option<u32>, others: u32) -> u64 {
        let left = match room {
            Some(room) => self.window + self.left_for(counts.last, room),
            None => self.left_for(counts.current, others),
        };
        counts.end.saturating_sub(left)
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
            left if left == 0 || left > twice + SKEW => {
                let passed = now.0 % window;
                let end = now.0.saturating_add(twice - passed);
                Counts { end, last: 0, current: 0, left: window - passed }
            }
            left if left > window => {
                Counts { end: state.full_at, last, current, left: (left - window).min(window) }
            }
            left => Counts { end: state.full_at.saturating_add(window), last: current, current: 0, left },
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
