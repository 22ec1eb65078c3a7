//! Tests of the table: its behaviour, and a comparison with an unbounded one.

mod eviction;
mod interleavings;
mod load;
mod page;
mod reference;
mod step;
mod turns;

use super::{Outcome, PAGE_BYTES, Page, Place, Placer, Step};
use crate::rate::{FixedWindow, Meter, Rate, SlidingWindow};
use tollgate_types::UnixNanos;

const SECOND: u64 = 1_000_000_000;

/// Long after the epoch, at the begin of an hour.
const START: UnixNanos = UnixNanos(500_000 * 3600 * SECOND);

fn after(nanos: u64) -> UnixNanos {
    UnixNanos(START.0 + nanos)
}

/// `burst` at most, one more each `interval`.
fn bucket(burst: u64, interval: u64) -> Rate {
    Rate::Meter(Meter::new(burst, 1, interval).unwrap())
}

/// The same, where requests may wait.
fn queue(burst: u64, interval: u64, max_wait: u64) -> Rate {
    Rate::Meter(Meter::new(burst, 1, interval).unwrap().with_max_wait(max_wait))
}

fn fixed(requests: u64, window: u64) -> Rate {
    Rate::FixedWindow(FixedWindow::new(requests, window).unwrap())
}

fn sliding(requests: u32, window: u64) -> Rate {
    Rate::SlidingWindow(SlidingWindow::new(requests, window).unwrap())
}

fn empty() -> [u8; PAGE_BYTES] {
    [0; PAGE_BYTES]
}

/// One request of a key of the first page.
fn step(tag: u64, rates: &[Rate], now: UnixNanos) -> Step<'_> {
    Step { place: Place { page: 0, tag }, rates, cost: 1, now, max_wait: 0 }
}

fn take(bytes: &mut [u8], step: Step<'_>) -> Outcome {
    step.take(&mut Page(bytes))
}

fn is_taken(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Taken { .. })
}

/// A whole table, and what it has lost.
struct Table {
    bytes: Vec<u8>,
    placer: Placer,
    evictions: u64,
}

impl Table {
    fn new(pages: u32) -> Self {
        let placer = Placer::new(*b"a random seed is", pages);
        Self { bytes: vec![0; PAGE_BYTES * pages as usize], placer, evictions: 0 }
    }

    fn place(&self, key: u64) -> Place {
        let mut hasher = self.placer.key(7);
        hasher.value(&key.to_le_bytes());
        hasher.place()
    }

    fn page(&mut self, place: Place) -> &mut [u8] {
        let start = place.page as usize * PAGE_BYTES;
        &mut self.bytes[start..start + PAGE_BYTES]
    }

    fn take(&mut self, key: u64, rates: &[Rate], now: UnixNanos) -> Outcome {
        let place = self.place(key);
        let outcome = take(self.page(place), Step { place, rates, cost: 1, now, max_wait: 0 });
        self.evictions += u64::from(matches!(outcome, Outcome::Taken { evicted: Some(_), .. }));
        outcome
    }
}
