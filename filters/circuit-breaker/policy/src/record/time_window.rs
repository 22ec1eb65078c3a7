//! A window of time: counts in ten intervals, of which the last one is the current one. The window therefore
//! covers between 90 % and 100 % of its length.

use super::{wide, words, write_words};
use crate::window::{Outcome, Totals};
use tollgate_policy::UnixNanos;

/// Number of intervals of a window.
pub const INTERVALS: u64 = 10;
/// Words of an interval: requests, failed and slow ones.
const WORDS: usize = 3;
/// Bytes before the intervals: the number of the current interval.
const HEAD: usize = 8;
/// Size of a window in bytes.
pub const TIME_WINDOW_BYTES: usize = HEAD + INTERVALS as usize * WORDS * 4;

/// Adds an outcome, and returns the totals. An interval takes `interval` nanoseconds.
pub fn push(bytes: &mut [u8], interval: u64, now: UnixNanos, outcome: Outcome) -> Totals {
    let index = advance(bytes, interval, now);
    if let Some(counts) = intervals(bytes).nth(index) {
        let [requests, failed, slow] = words::<WORDS>(counts);
        let next = [
            requests.saturating_add(1),
            failed.saturating_add(outcome.failed.into()),
            slow.saturating_add(outcome.slow.into()),
        ];
        write_words(&next, counts);
    }
    sum(bytes)
}

/// Removes what has left the window, and returns the totals.
pub fn totals(bytes: &mut [u8], interval: u64, now: UnixNanos) -> Totals {
    advance(bytes, interval, now);
    sum(bytes)
}

/// Begins the current interval, and returns its index. Workers whose clock is a little late count in the
/// latest interval. If the clock was set back by more than a window, all counts are removed.
fn advance(bytes: &mut [u8], interval: u64, now: UnixNanos) -> usize {
    let current = now.0 / interval.max(1);
    let [low, high] = words(bytes);
    let stored = wide(low, high);
    if stored > current && stored - current < INTERVALS {
        return (stored % INTERVALS) as usize;
    }
    let passed = if stored > current { INTERVALS } else { (current - stored).min(INTERVALS) };
    for step in 0..passed {
        let index = (current.wrapping_sub(step) % INTERVALS) as usize;
        if let Some(counts) = intervals(bytes).nth(index) {
            counts.fill(0);
        }
    }
    write_words(&[current as u32, (current >> 32) as u32], bytes);
    (current % INTERVALS) as usize
}

fn sum(bytes: &mut [u8]) -> Totals {
    let mut totals = Totals::default();
    for counts in intervals(bytes) {
        let [requests, failed, slow] = words::<WORDS>(counts);
        totals.requests = totals.requests.saturating_add(requests);
        totals.failed = totals.failed.saturating_add(failed);
        totals.slow = totals.slow.saturating_add(slow);
    }
    totals
}

fn intervals(bytes: &mut [u8]) -> impl Iterator<Item = &mut [u8]> {
    bytes.get_mut(HEAD..).unwrap_or_default().chunks_exact_mut(WORDS * 4)
}
