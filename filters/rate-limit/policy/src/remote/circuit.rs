//! Circuit breaker for calls to the service.
//!
//! After [`FAILURES`] failed calls in a row, requests fail at once for a while, without a call. Then one
//! request makes a call, and the others only follow when it is answered. The pause is [`SHORTEST`] at first
//! and doubles each time, up to [`LONGEST`]. It is shortened by up to a quarter, differently on each worker,
//! so that workers do not all return at once.
//!
//! Failures are calls that time out, and answers that the service is overloaded or unavailable
//! (`UNAVAILABLE`, `DEADLINE_EXCEEDED`, `RESOURCE_EXHAUSTED`). Other statuses and invalid answers only affect
//! their own call: they arrive without a wait, and a client whose key makes the service fail must not disable
//! it for others.

use super::CallFailure;

/// Number of failures in a row after which calls pause.
pub const FAILURES: u32 = 5;

/// First pause, in nanoseconds.
pub const SHORTEST: u64 = 50_000_000;

/// Longest pause, in nanoseconds.
pub const LONGEST: u64 = 1_000_000_000;

/// State of the circuit breaker.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    failures: u32,
    last: Option<CallFailure>,
    /// End of the pause.
    until: u64,
    /// Time by which the outcome of the probe must be known.
    probe_until: u64,
}

impl Circuit {
    /// Returns the latest failure if calls pause. Otherwise, the caller makes a call and must report its
    /// outcome, at the latest at `answered_by`.
    pub fn blocked(&mut self, now: u64, answered_by: u64) -> Option<CallFailure> {
        let last = self.last.filter(|_| self.failures >= FAILURES)?;
        if pending(self.until, now, LONGEST)
            || pending(self.probe_until, now, answered_by.saturating_sub(now))
        {
            return Some(last);
        }
        self.probe_until = answered_by;
        None
    }

    /// Records an answered call.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Records a call whose outcome stays unknown.
    pub fn abandoned(&mut self) {
        self.probe_until = 0;
    }

    /// Records a failed call. `salt` must differ between workers and calls.
    pub fn failed(&mut self, failure: CallFailure, now: u64, salt: u64) {
        const DEADLINE_EXCEEDED: u32 = 4;
        const RESOURCE_EXHAUSTED: u32 = 8;
        const UNAVAILABLE: u32 = 14;
        let counts = match failure {
            CallFailure::Timeout | CallFailure::Unavailable => true,
            CallFailure::Status(status) => {
                [DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE].contains(&status)
            }
            CallFailure::Malformed => false,
        };
        if !counts {
            // The service has answered.
            return self.succeeded();
        }
        // Calls that were already pending at the last failure are not counted.
        if self.failures >= FAILURES && pending(self.until, now, LONGEST) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.last = Some(failure);
        self.probe_until = 0;
        if let Some(times) = self.failures.checked_sub(FAILURES) {
            let pause = (SHORTEST << times.min(16)).min(LONGEST);
            // Fibonacci hashing: the top bits depend on all bits of the salt.
            let spread = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
            self.until = now.saturating_add(pause - pause / 4 * spread / 1024);
        }
    }
}

/// Returns whether a time that was set at most `longest` ahead is still in the future. If it is further
/// ahead, the clock was set back, and the time is ignored.
pub(super) fn pending(until: u64, now: u64, longest: u64) -> bool {
    until.checked_sub(now).is_some_and(|left| left > 0 && left <= longest)
}
