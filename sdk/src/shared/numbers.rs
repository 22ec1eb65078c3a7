//! The number that a value got, guessed.
//!
//! The host has one counter for all that is ever set in shared data, whoever sets it, and gives each value that is set
//! its next number (`nextCas` in `src/shared_data.h` of proxy-wasm-cpp-host). A set may demand that the value still has
//! a certain number. But a set does not tell which number it gave, and a get, which does, costs more than four sets: the
//! host enters the VM again, to allocate. So a VM that has set a value guesses the number.
//!
//! # Why a guess is safe
//! Let `latest` be a number of which this VM knows that it was given to something. A value that it sets then gets a number
//! `x` of at least `latest + 1`: exactly that, if nobody else has set anything since. The guess is `latest + 1`, **the
//! least that it can be**, never more. Later the VM sets the value again and demands that its number is `latest + 1`. If the
//! host does it, then that was its number. Whatever is set after ours has a number greater than `x`, and so greater than
//! `latest + 1`; so the value was the one that this VM had set, and nobody has changed it. A right guess is proof; a wrong
//! one costs a set that changes nothing, and the value is got after all.
//!
//! And with the guess goes the new `latest`: `latest + 1` is at most `x`, so it was given to something too.
//!
//! # When numbers begin anew
//! The counter has 32 bits and goes round. The argument holds as long as it does not do so between a number that was
//! given and the guess that stands on it. So each guess knows since when: from a time at which a number not older than
//! that was given, until the guess is used, no more than [`LIFETIME`] may pass. To go round within it, the host would have
//! to set a value every 14 ns, in each of which it takes a lock, finds two keys and copies a value. A clock that was set back
//! makes guesses too old to use, never younger.
//!
//! # When others set things too
//! Then `latest + 1` is too low, for this value and all that follow: guesses fail until the VM knows the counter again.
//! For that it gets a value that it has just set: the number is that of its own set, or a later one. That costs a get, so
//! with each failure it waits longer before it does: twice as many sets, up to 2^[`MOST`]. Workers that are all busy pay for
//! one failed set and one get in so many updates, not more than about two in a hundred of what these cost anyway; a worker that
//! is alone, or whose others set something once in a while, is back at once. Each success takes back one failure.

use crate::UnixNanos;
use std::time::Duration;

/// How long a number is known to be less than one round old.
const LIFETIME: Duration = Duration::from_secs(60);

/// Failures in a row that make it wait longer.
const MOST: u32 = 6;

/// What a VM knows of the host's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    /// One that was given to something, the greatest that is known; 0 for none.
    latest: u32,
    /// Not older than this.
    since: UnixNanos,
    /// Failures that were not made up for.
    failures: u32,
    /// Sets until the counter is looked up.
    wait: u32,
    /// It was looked up since the last failure.
    sure: bool,
}

impl Numbers {
    /// Nothing.
    pub(super) const NONE: Self = Self { latest: 0, since: UnixNanos(0), failures: 0, wait: 0, sure: false };

    /// Something was set.
    pub(super) fn wrote(&mut self) {
        // The host leaves out 0.
        self.latest = self.latest.wrapping_add(1).max(1);
        self.wait = self.wait.saturating_sub(1);
    }

    /// What the value that was just set has for its number, at least, and since when that is known.
    pub(super) fn guess(&self) -> (u32, UnixNanos) {
        (self.latest, self.since)
    }

    /// One that a value that is not there will not get when another worker makes it: one that was given already.
    pub(super) fn taken(&self) -> u32 {
        // Nothing was set yet, as far as is known; so the last number is far.
        if self.latest == 0 { u32::MAX } else { self.latest }
    }

    /// Whether a guess is worth a try.
    pub(super) fn worth_a_guess(&self) -> bool {
        self.sure
    }

    /// Whether to look the counter up.
    pub(super) fn worth_a_look(&self, now: UnixNanos) -> bool {
        self.wait == 0 && !(self.sure && is_young(self.since, now))
    }

    /// A value that was set at `now` has this number, or had it when others had changed it again.
    pub(super) fn looked_up(&mut self, number: u32, now: UnixNanos) {
        (self.latest, self.since, self.sure) = (number, now, true);
    }

    /// A guess was right, of the number of what was not set before this time.
    pub(super) fn was_right(&mut self, set: UnixNanos) {
        // `latest` is not less than that number, so it is not older.
        self.since = self.since.max(set);
        self.failures = self.failures.saturating_sub(1);
    }

    /// A guess was wrong.
    pub(super) fn was_wrong(&mut self) {
        self.sure = false;
        // The set that follows counts.
        self.wait = 1 << self.failures;
        self.failures = MOST.min(self.failures + 1);
    }
}

/// Whether fewer than one round of numbers can have been given since.
pub(super) fn is_young(since: UnixNanos, now: UnixNanos) -> bool {
    now.0.checked_sub(since.0).is_some_and(|age| u128::from(age) <= LIFETIME.as_nanos())
}
