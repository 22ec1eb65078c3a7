//! Access of a decision to the host.

use crate::Event;
use tollgate_counting::Host;

/// Access to the host, and statistics. Implemented by the shell, and by tests.
pub trait Environment {
    /// Returns the host.
    fn host(&mut self) -> &mut dyn Host;

    /// Counts an event of a limit of the plan.
    fn count(&mut self, limit: usize, event: Event);
}
