mod any_state;
mod behaviour;
mod clocks;
mod meter;
mod turns;
mod windows;

use super::{FixedWindow, Meter, Rate, SlidingWindow, State, Take};
use proptest::prelude::*;
use tollgate_types::UnixNanos;

const SECOND: u64 = 1_000_000_000;
/// In 2025, at the beginning of an hour.
const START: u64 = 1_750_003_200 * SECOND;

fn meter(burst: u64, tokens: u64, interval: u64) -> Meter {
    Meter::new(burst, tokens, interval).unwrap()
}

fn bucket(burst: u64, tokens: u64, interval: u64) -> Rate {
    Rate::Meter(meter(burst, tokens, interval))
}

fn fixed(requests: u64, window: u64) -> Rate {
    Rate::FixedWindow(FixedWindow::new(requests, window).unwrap())
}

fn sliding(requests: u32, window: u64) -> Rate {
    Rate::SlidingWindow(SlidingWindow::new(requests, window).unwrap())
}

/// A key that is used at times after [`START`].
struct Key {
    rate: Rate,
    state: State,
}

impl Key {
    fn new(rate: Rate) -> Self {
        Self { rate, state: State::default() }
    }

    /// `Ok` if there was room; else when there is.
    fn take(&mut self, at: u64, cost: u64) -> Result<(), Option<u64>> {
        match self.rate.take(self.state, UnixNanos(START + at), cost) {
            Take::Taken(state) => {
                self.state = state;
                Ok(())
            }
            Take::Limited { retry_after } => Err(retry_after),
        }
    }

    /// How many single ones there is room for.
    fn drain(&mut self, at: u64) -> u64 {
        (0..).take_while(|_| self.take(at, 1).is_ok()).count() as u64
    }

    fn reserve(&mut self, at: u64, cost: u64, max_wait: u64) -> Option<u64> {
        let (state, wait) = self.rate.reserve(self.state, UnixNanos(START + at), cost, max_wait)?;
        self.state = state;
        Some(wait)
    }

    fn charge(&mut self, at: u64, cost: u64) {
        self.state = self.rate.charge(self.state, UnixNanos(START + at), cost);
    }

    fn refund(&mut self, taken_at: u64, at: u64, cost: u64) {
        self.state = self.rate.refund(self.state, UnixNanos(START + taken_at), UnixNanos(START + at), cost);
    }

    fn remaining(&self, at: u64) -> u64 {
        self.rate.quota(self.state, UnixNanos(START + at)).remaining
    }
}

/// Numbers of all sizes.
fn any_size() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64u32).prop_map(|(number, shift)| number >> shift)
}

/// Rates of all sizes that are accepted.
fn any_rate() -> impl Strategy<Value = Rate> {
    let rate = prop_oneof![
        (any_size(), any_size(), any_size()).prop_filter_map("too long", |(burst, tokens, time)| {
            Some(Rate::Meter(Meter::new(burst, tokens, time)?))
        }),
        (any_size(), any_size()).prop_filter_map("too long", |(requests, window)| Some(Rate::FixedWindow(
            FixedWindow::new(requests, window)?
        ))),
        (any_size(), any_size()).prop_filter_map("too long", |(requests, window)| {
            Some(Rate::SlidingWindow(SlidingWindow::new(requests as u32, window)?))
        }),
        (any_size(), 1..1200u32).prop_filter_map("too long", |(requests, months)| Some(Rate::FixedWindow(
            FixedWindow::of_months(requests, months)?
        ))),
    ];
    (rate, prop_oneof![Just(0), any_size()]).prop_map(|(rate, max_wait)| rate.with_max_wait(max_wait))
}

/// Rates as they are configured, and small enough for things to happen.
fn small_rate() -> impl Strategy<Value = Rate> {
    let nanos = prop_oneof![1..2_000u64, Just(SECOND), Just(60 * SECOND)];
    prop_oneof![
        (0..20u64, 1..8u64, nanos.clone()).prop_map(|(burst, tokens, time)| bucket(burst, tokens, time)),
        (0..20u64, nanos.clone()).prop_map(|(requests, window)| fixed(requests, window)),
        (0..20u32, nanos).prop_map(|(requests, window)| sliding(requests, window)),
    ]
}

/// How long requests may wait for such a rate.
fn small_wait() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..5_000u64, Just(30 * SECOND)]
}
