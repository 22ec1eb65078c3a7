//! Token bucket and GCRA: `tokens` arrive in each `interval`, evenly, and the bucket contains at most
//! `burst`.
//!
//! The state is the time at which the bucket is full again. This one number is the bucket of Envoy's local
//! rate limit (`AtomicTokenBucketImpl`, which stores when the bucket was empty, as seconds in a double) and
//! the theoretical arrival time of the GCRA (ITU-T I.371). Here it is an integer and a fraction over
//! `tokens`. Nothing is rounded: a bucket of three tokens per second gives exactly three per second for as
//! long as it runs.

use super::span::Span;
use super::{HUNDRED_YEARS, Quota, SKEW, State, Take};
use tollgate_types::UnixNanos;

/// Token bucket and GCRA: `tokens` arrive in each `interval`, evenly, and the bucket contains at most
/// `burst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    burst: u64,
    /// Reduced together with `interval` by their common divisor.
    tokens: u64,
    interval: u64,
    max_wait: u64,
    /// Time until one token arrives.
    one: Span,
    /// Time in which an empty bucket fills.
    full: Span,
    /// Maximum that can be owed, in nanoseconds. If a state owes more, the clock was set back.
    pub(super) most: u64,
    /// Whether twice the burst, times the interval, fits into `u64`.
    is_narrow: bool,
}

impl Meter {
    /// Returns a bucket of `burst` tokens (with 0, there is never room) to which `tokens` are added in each
    /// `interval` of nanoseconds. `None` if `tokens` or `interval` is 0, or if filling takes more than a
    /// hundred years.
    pub fn new(burst: u64, tokens: u64, interval: u64) -> Option<Self> {
        if tokens == 0 || interval == 0 {
            return None;
        }
        let divisor = common_divisor(tokens, interval);
        let (tokens, interval) = (tokens / divisor, interval / divisor);
        let full = Span::of_ticks(u128::from(burst) * u128::from(interval), tokens)?;
        if full.ns > HUNDRED_YEARS {
            return None;
        }
        let one = Span::of_few_ticks(interval, tokens);
        let most = 2 * full.ns + SKEW;
        let is_narrow = burst.checked_mul(2).and_then(|burst| burst.checked_mul(interval)).is_some();
        Some(Self { burst, tokens, interval, max_wait: 0, one, full, most, is_narrow })
    }

    /// Allows reservations up to `max_wait` nanoseconds ahead (at most a hundred years). Every reader of a
    /// state must know this bound, because it determines how far in the future the state can be.
    #[must_use]
    pub fn with_max_wait(self, max_wait: u64) -> Self {
        let max_wait = max_wait.min(HUNDRED_YEARS);
        Self { max_wait, most: self.full.ns + self.full.ns.max(max_wait) + SKEW, ..self }
    }

    pub(super) fn take(&self, state: State, now: UnixNanos, cost: u64) -> Take {
        match self.after(state, now, cost) {
            Some((next, 0)) => Take::Taken(next),
            Some((_, wait)) => Take::Limited { retry_after: Some(wait) },
            None => Take::Limited { retry_after: None },
        }
    }

    pub(super) fn reserve(
        &self,
        state: State,
        now: UnixNanos,
        cost: u64,
        max_wait: u64,
    ) -> Option<(State, u64)> {
        self.after(state, now, cost).filter(|(_, wait)| *wait <= max_wait.min(self.max_wait))
    }

    pub(super) fn charge(&self, state: State, now: UnixNanos, cost: u64) -> State {
        if cost == 0 || self.burst == 0 {
            return state;
        }
        let twice = self.full.plus(self.full, self.tokens);
        let owed = self.owed(state, now);
        if twice.is_at_most(owed) {
            return state;
        }
        let cost = self.time_of(cost.min(self.burst.saturating_mul(2)));
        until(now, owed.plus(cost, self.tokens).min(twice))
    }

    pub(super) fn refund(&self, state: State, taken_at: UnixNanos, now: UnixNanos, cost: u64) -> State {
        let owed = self.owed(state, now);
        if cost == 0 || owed.ns == 0 {
            return state;
        }
        // Without the request, the bucket might have been full ever since, and the tokens that arrived would
        // have spilled over. How long it was full is unknown: refunds to other requests change what was owed.
        let since = Span { ns: now.0.saturating_sub(taken_at.0), sub: 0 };
        let given = self.time_of(cost.min(self.burst)).minus(since, self.tokens);
        until(now, owed.minus(given, self.tokens))
    }

    pub(super) fn quota(&self, state: State, now: UnixNanos) -> Quota {
        let owed = self.owed(state, now);
        let room = self.full.minus(owed, self.tokens);
        let remaining = if self.is_narrow {
            room.ns.wrapping_mul(self.tokens).wrapping_sub(room.sub) / self.interval
        } else {
            let ticks = u128::from(room.ns) * u128::from(self.tokens) - u128::from(room.sub);
            // The result is at most `burst`.
            (ticks / u128::from(self.interval)) as u64
        };
        Quota { limit: self.burst, window: self.full.ns, remaining, reset: owed.ns }
    }

    /// Returns the next state, and the wait until there is room; `None` if there is never room.
    fn after(&self, state: State, now: UnixNanos, cost: u64) -> Option<(State, u64)> {
        if cost.max(1) > self.burst {
            return None;
        }
        let after = self.owed(state, now).plus(self.time_of(cost.max(1)), self.tokens);
        let wait = after.minus(self.full, self.tokens).ns;
        Some((if cost == 0 { state } else { until(now, after) }, wait))
    }

    /// Returns what is owed: the time until the bucket is full.
    fn owed(&self, state: State, now: UnixNanos) -> Span {
        let ns = state.full_at.saturating_sub(now.0);
        if ns == 0 || ns > self.most {
            return Span::default();
        }
        Span { ns, sub: if state.rest < self.tokens { state.rest } else { 0 } }
    }

    /// Returns the time in which `cost` tokens arrive, at most twice the burst.
    fn time_of(&self, cost: u64) -> Span {
        if cost == 1 {
            return self.one;
        }
        if self.is_narrow {
            let ticks = cost.wrapping_mul(self.interval);
            return if self.tokens == 1 {
                Span { ns: ticks, sub: 0 }
            } else {
                Span::of_few_ticks(ticks, self.tokens)
            };
        }
        // Twice the burst takes at most two hundred years, which fits.
        Span::of_ticks(u128::from(cost) * u128::from(self.interval), self.tokens).unwrap_or(self.full)
    }
}

fn until(now: UnixNanos, owed: Span) -> State {
    State { full_at: now.0.saturating_add(owed.ns), rest: owed.sub }
}

fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
