//! When the service is not even asked.
//!
//! After [`FAILURES`] calls in a row that came to nothing, nobody waits for the next: for a while requests learn at once that
//! the service cannot be asked, then one of them asks, and only when it is answered do all. The while is [`SHORTEST`] at
//! first and twice as long each time, up to [`LONGEST`]; up to a quarter of it is left off, differently on each worker, so
//! that they do not all come back at once.
//!
//! That counts calls without an answer in time, and answers that say the service is overloaded or away (`UNAVAILABLE`,
//! `DEADLINE_EXCEEDED`, `RESOURCE_EXHAUSTED`). Other statuses and answers that cannot be read are failures of that call alone:
//! they came at once, so nobody waits in vain, and a client whose key the service stumbles over must not turn it off for the
//! others.

use super::CallFailure;

/// So many in a row.
pub const FAILURES: u32 = 5;

/// How long nobody asks at first, in nanoseconds.
pub const SHORTEST: u64 = 50_000_000;

/// And at most.
pub const LONGEST: u64 = 1_000_000_000;

/// Whether the service is asked.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    failures: u32,
    last: Option<CallFailure>,
    /// Nobody asks before.
    until: u64,
    /// Somebody asks, and has until then to say what came of it.
    probe_until: u64,
}

impl Circuit {
    /// Why nobody asks now. Otherwise the caller does, and must say what came of it, until `answered_by` at the latest.
    pub fn closed(&mut self, now: u64, answered_by: u64) -> Option<CallFailure> {
        let last = self.last.filter(|_| self.failures >= FAILURES)?;
        if pending(self.until, now, LONGEST)
            || pending(self.probe_until, now, answered_by.saturating_sub(now))
        {
            return Some(last);
        }
        self.probe_until = answered_by;
        None
    }

    /// A call was answered.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Whoever asked will not say what came of it.
    pub fn abandoned(&mut self) {
        self.probe_until = 0;
    }

    /// A call came to nothing. `salt` differs from worker to worker and from call to call.
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
            // It is there.
            return self.succeeded();
        }
        // Calls that were under way when the last of the row failed say nothing new.
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

/// Whether a time that was set at most `longest` ahead has yet to come. If it is further ahead the clock was set back, and it
/// says nothing any more.
pub(super) fn pending(until: u64, now: u64, longest: u64) -> bool {
    until.checked_sub(now).is_some_and(|left| left > 0 && left <= longest)
}
