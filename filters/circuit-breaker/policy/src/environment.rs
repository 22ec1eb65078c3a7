//! Access of a decision to the host.

use crate::Event;
use crate::gradient::Limit;
use crate::machine::{Change, Status};
use core::fmt;
use tollgate_counting::Host;
use tollgate_policy::Duration;

/// Access to the host, and statistics. Implemented by the shell, and by tests.
pub trait Environment {
    /// Returns the host.
    fn host(&mut self) -> &mut dyn Host;

    /// Counts an event of a breaker of the plan.
    fn count(&mut self, breaker: usize, event: Event);

    /// Logs and counts a state change. Called once for each change, by the worker that made it.
    fn changed(&mut self, report: &Report<'_>);

    /// Shows an adaptive concurrency limit. Only called for breakers without a key, whenever this worker sees
    /// another limit.
    fn limited(&mut self, breaker: usize, limit: &Limit);
}

/// A state change of a breaker for one key.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Index of the breaker in the plan.
    pub breaker: usize,
    /// Name of the breaker.
    pub name: &'a str,
    /// Values of the key, without control characters; empty for a breaker without a key, and if unknown.
    pub key: &'a str,
    /// The change.
    pub change: Change,
}

/// Writes the line of the log: "breaker `a`: closed -> open for 2s: failures in a row, 3 failed ..".
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Change { from, to, cause, open_for, totals } = self.change;
        write!(f, "breaker `{}`", self.name)?;
        if !self.key.is_empty() {
            write!(f, " for `{}`", self.key)?;
        }
        write!(f, ": {} -> {}", from.name(), to.name())?;
        if to == Status::Open {
            write!(f, " for {}", Duration::from_nanos(open_for / 1_000_000 * 1_000_000))?;
        }
        write!(f, ": {}", cause.text())?;
        match totals.requests {
            0 => Ok(()),
            all => write!(f, ", {} failed and {} slow of {all} requests", totals.failed, totals.slow),
        }
    }
}
