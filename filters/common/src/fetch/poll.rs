//! Times at which a VM polls the shared state.

use super::between;
use crate::{Duration, UnixNanos};

/// Interval at which a VM polls the shared state when no request waits. For this time, a VM may still use a
/// document that another VM has replaced.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Interval while a VM lacks a document, so that it notices the end of an outage quickly.
const POLL_WITHOUT_DOCUMENT: Duration = Duration::from_nanos(100_000_000);
/// Interval while requests wait.
pub const POLL_WHILE_WAITING: Duration = Duration::from_nanos(10_000_000);
/// Shortest interval: the resolution of the host's timers.
const SHORTEST: Duration = Duration::from_nanos(1_000_000);

/// Returns the time until the next poll if no request waits: until a document may change over time, or until
/// a change by another VM should be noticed. `lacks` is whether a document is not available, and `changes_at`
/// the next time at which one changes. `draw` is random, so that the workers do not all poll at the same
/// time.
pub fn next_poll(lacks: bool, changes_at: Option<UnixNanos>, now: UnixNanos, draw: u64) -> Duration {
    let usual = if lacks { POLL_WITHOUT_DOCUMENT } else { POLL_INTERVAL }.as_nanos();
    let usual = between(Duration::from_nanos(usual / 4 * 3), Duration::from_nanos(usual / 4 * 5), draw);
    let Some(at) = changes_at else { return usual };
    Duration::from_nanos(at.0.saturating_sub(now.0)).clamp(SHORTEST, usual)
}
