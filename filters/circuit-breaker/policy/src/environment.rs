//! Access of a decision to the host.

use crate::Event;
use crate::gradient::Limit;
use crate::machine::Change;
use tollgate_counting::{Failure, SharedMemory};

/// Access to the host. Implemented by the shell, and by tests.
pub trait Environment {
    /// Returns the memory that all workers share.
    fn shared(&mut self) -> &mut dyn SharedMemory;

    /// Returns an attribute of the proxy. The segments of its path are joined by NUL: `xds\0route_name`.
    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure>;

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
