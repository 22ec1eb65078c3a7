//! Access of a decision to the host.

use crate::{Event, RetryReason};
use tollgate_counting::{Failure, Host};
use tollgate_policy::UnixNanos;

/// Access to the host, and statistics. Implemented by the shell, and by tests.
pub trait Environment {
    /// Returns the host.
    fn host(&mut self) -> &mut dyn Host;

    /// Counts an event.
    fn count(&mut self, event: Event);

    /// Counts retries, by the router or by the filter.
    fn count_retries(&mut self, reason: RetryReason, retries: u32);
}

/// Returns the time.
pub(crate) fn now(env: &mut impl Environment) -> Option<UnixNanos> {
    found(env.host().now().map(Some), env)
}

/// Returns a random number. Without one, a retry waits as long as the back-off allows.
pub(crate) fn draw(env: &mut impl Environment) -> u64 {
    found(env.host().random().map(Some), env).unwrap_or(u64::MAX)
}

/// Returns the time at which the first byte of the request arrived.
pub(crate) fn received_at(env: &mut impl Environment) -> Option<UnixNanos> {
    number(env, "request\0time").map(UnixNanos)
}

/// Returns how often the router has sent the request.
pub(crate) fn attempts(env: &mut impl Environment) -> Option<u64> {
    number(env, "upstream\0request_attempt_count")
}

/// Returns the response code details.
pub(crate) fn details(env: &mut impl Environment) -> Option<Vec<u8>> {
    found(env.host().property("response\0code_details"), env)
}

/// Returns the cluster of the route.
pub(crate) fn cluster(env: &mut impl Environment) -> Option<String> {
    found(env.host().property("xds\0cluster_name"), env).and_then(|name| String::from_utf8(name).ok())
}

fn number(env: &mut impl Environment, path: &str) -> Option<u64> {
    let bytes = found(env.host().property(path), env)?;
    bytes.try_into().ok().map(u64::from_le_bytes)
}

fn found<T>(result: Result<Option<T>, Failure>, env: &mut impl Environment) -> Option<T> {
    result.unwrap_or_else(|_| {
        env.count(Event::HostError);
        None
    })
}
