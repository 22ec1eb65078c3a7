//! Predicts the CAS number of a value that this VM has set.
//!
//! The host has one counter for all sets of shared data by all VMs. Each set gives its value the next number
//! (`nextCas` in `src/shared_data.h` of proxy-wasm-cpp-host). A set can require that the value still has a
//! certain number. But a set does not return the number that it has given. A get returns the number, but
//! costs more than four sets, because the host enters the VM again to allocate. So a VM that has set a value
//! predicts its number.
//!
//! # Why a prediction is safe
//! Let `latest` be a number that the host has given to some value, as this VM knows. The next value that this
//! VM sets gets a number `x` of at least `latest + 1`. It gets exactly `latest + 1` if no other VM has set a
//! value since. The prediction is `latest + 1`, **the lowest possible number**, and never a higher one.
//!
//! Later the VM sets the value again, and requires the number `latest + 1`. If the host accepts the set, the
//! current value had the number `latest + 1`. Every set after the first one of this VM gives a number greater
//! than `x`, and so greater than `latest + 1`. So the current value was the one that this VM had set, and no
//! other VM has changed it. A correct prediction is proof. A wrong prediction costs a set that changes
//! nothing; the VM then gets the value.
//!
//! The prediction is also the new `latest`: `latest + 1` is at most `x`, so the host has given it to some
//! value.
//!
//! # When the counter wraps around
//! The counter has 32 bits and wraps around. The argument requires that it does not wrap around between the
//! time when `latest` was given and the use of a prediction that is based on it. So each prediction has a
//! time, which is not later than the time when `latest` was given. A prediction is used only within
//! [`MAX_AGE`] of its time. To wrap around within that period, the host would have to set a value every 14
//! ns, and for each set it takes a lock, finds two keys and copies a value. If the clock is set back,
//! predictions become too old to use, never younger.
//!
//! # When other VMs set values too
//! Then `latest + 1` is too low, for this value and for those that follow. Predictions fail until the VM
//! reads the counter again. For this it gets a value that it has just set: the number is that of its own set,
//! or a later one. This costs a get, so after each failure the VM waits for twice as many sets before it
//! reads the counter, up to 2^[`MAX_FAILURES`]. A worker that is alone, or whose neighbours rarely set a
//! value, soon predicts correctly again. Each success cancels one failure.
//!
//! # When it pays
//! On Envoy 1.40, a set takes 0.27 us, and a get and a set take 1.35 us. The test
//! `random_workers_make_the_calls_of_the_table` counts the calls if random workers make one or more updates
//! in turn:
//!
//! | workers | keys | updates in turn | gets | sets | time of an update |
//! |---|---|---|---:|---:|---:|
//! | 1 | any | | 0 | 1 | 0.27 us |
//! | 2 | 1 | 1 | 1.00 | 1.04 | 1.36 us |
//! | 2 | 1 | 4 | 0.25 | 1.12 | 0.57 us |
//! | 4 | 1 | 4 | 0.37 | 1.19 | 0.72 us |
//! | 2, 4 or 8 | 1000 | 1 to 16 | 1.02 | 1.02 | 1.37 us |
//!
//! So it saves 1.08 us for a proxy with one worker and for a key that most requests share, and costs 0.02 us
//! if several workers update many keys.

use crate::UnixNanos;
use std::time::Duration;

/// Maximum age of a number that is used. Within this time, the counter cannot wrap around.
const MAX_AGE: Duration = Duration::from_secs(60);

/// Number of failures after which the wait for the next read no longer grows.
const MAX_FAILURES: u32 = 6;

/// The knowledge of a VM about the CAS numbers of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CasNumbers {
    /// The highest number that some value is known to have been given; 0 if none is known.
    latest: u32,
    /// A time not later than the one when `latest` was given.
    since: UnixNanos,
    /// Failed predictions, less those that later successes have cancelled.
    failures: u32,
    /// Number of sets until the counter may be read again.
    wait: u32,
    /// Whether the counter was read since the last failure.
    is_current: bool,
}

impl CasNumbers {
    /// No knowledge.
    pub(super) const UNKNOWN: Self =
        Self { latest: 0, since: UnixNanos(0), failures: 0, wait: 0, is_current: false };

    /// Records that this VM set a value.
    pub(super) fn record_set(&mut self) {
        // The host skips 0.
        self.latest = self.latest.wrapping_add(1).max(1);
        self.wait = self.wait.saturating_sub(1);
    }

    /// Returns the predicted number of the value that was just set, which is the lowest possible one, and a
    /// time not later than the one when it was given.
    pub(super) fn predict(&self) -> (u32, UnixNanos) {
        (self.latest, self.since)
    }

    /// Returns a number for the insertion of a missing value. It has already been given, so the host will not
    /// give it to a value that another worker inserts.
    pub(super) fn for_insert(&self) -> u32 {
        // No number is known, so use the one that is furthest from those given first.
        if self.latest == 0 { u32::MAX } else { self.latest }
    }

    /// Whether a prediction is worth a try.
    pub(super) fn can_predict(&self) -> bool {
        self.is_current
    }

    /// Whether to read the counter.
    pub(super) fn should_read(&self, now: UnixNanos) -> bool {
        self.wait == 0 && !(self.is_current && is_recent(self.since, now))
    }

    /// Records the number of a value that this VM set at `now`. The number may be a later one, if another VM
    /// has replaced the value already.
    pub(super) fn record_read(&mut self, number: u32, now: UnixNanos) {
        (self.latest, self.since, self.is_current) = (number, now, true);
    }

    /// Records a correct prediction for a value that was not set before `set`.
    pub(super) fn record_success(&mut self, set: UnixNanos) {
        // `latest` is at least the predicted number, so it was not given earlier.
        self.since = self.since.max(set);
        self.failures = self.failures.saturating_sub(1);
    }

    /// Records a wrong prediction.
    pub(super) fn record_failure(&mut self) {
        self.is_current = false;
        // The next set counts too.
        self.wait = 1 << self.failures;
        self.failures = MAX_FAILURES.min(self.failures + 1);
    }
}

/// Whether the counter cannot have wrapped around since this time.
pub(super) fn is_recent(since: UnixNanos, now: UnixNanos) -> bool {
    now.0.checked_sub(since.0).is_some_and(|age| u128::from(age) <= MAX_AGE.as_nanos())
}
