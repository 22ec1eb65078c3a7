//! Documents that one worker fetches for all, such as keys, a revocation list or a control endpoint.
//!
//! These modules decide. They receive time, randomness and responses as values; `tollgate-kit` carries out
//! the decisions.
//!
//! # Who fetches
//! Envoy runs a VM for each worker and one for its main thread. All of them are equal: any VM may trap, be
//! replaced, or never receive a request. So no particular VM does the fetches. The VMs share the state of a
//! document in one small record, [`State`], which they change only with compare and swap. The VM that finds
//! that a fetch is due and manages to write a lease into the state ([`State::lease`]) does the fetch. A lease
//! expires after the longest time that a fetch can take, so a VM that died delays the others no longer than
//! that. A response that arrives after its lease was given to another VM changes nothing
//! ([`State::fetched`]).
//!
//! The document is in a separate record ([`Body`]), because it is large and the state is read every second. A
//! worker first writes the body, with the number of its lease, and then the state with the same number. A
//! reader that finds two different numbers has read between the two writes. It keeps its document and polls
//! again.
//!
//! # When to fetch
//! - At start, and then before the document expires: after a random 80 to 95 % of its lifetime, so that many
//!   proxies do not fetch at the same time. The lifetime is [`Rules::life`], or that of `Cache-Control` if
//!   shorter, but at least [`FLOOR`].
//! - A failed fetch is retried [`Rules::retries`] times, with truncated exponential back-off and full jitter.
//!   If all tries fail, the next fetch follows after [`Rules::failed_refetch`]. This delay doubles: up to
//!   [`Rules::life`] while the old document can still be used, and up to [`RECOVERY`] while no document is
//!   available, so that the filter recovers soon after its server.
//! - When a request needs a newer document, such as for a token with an unknown `kid`, at most once per
//!   [`Rules::refetch_at_most_every`] over all workers. This is the only fetch that a client can trigger.
//!
//! # During and after a fetch
//! The old document remains in use for [`Rules::stale`] after it expires. An invalid response (an error, a
//! redirect, too many bytes, a document that the filter cannot parse) is a failed try and changes nothing.
//! Requests wait only for the first document. After a fetch failed with its retries, they are answered at
//! once until a fetch succeeds.
//!
//! Clocks may be set back. So a time that is further ahead than this module ever writes is ignored.

mod cache_control;
mod exchange;
mod poll;
mod record;
mod rules;
mod source;
mod state;
#[cfg(test)]
mod tests;

pub use exchange::{Exchange, Failure, Next, Request, Response};
pub use poll::{POLL_INTERVAL, POLL_WHILE_WAITING, next_poll};
pub use record::Body;
pub use rules::Rules;
pub use source::{Source, Step, Target};
pub use state::{Asked, Availability, State};

use crate::{Duration, UnixNanos};

/// Shortest lifetime that a response can set. A shorter `cache_duration` takes precedence. Some issuers send
/// `no-cache` with keys that they keep for months.
pub const FLOOR: Duration = Duration::from_nanos(10_000_000_000);

/// Longest time between two fetches while no document is available.
pub const RECOVERY: Duration = Duration::from_nanos(30_000_000_000);

fn later(time: UnixNanos, by: Duration) -> UnixNanos {
    UnixNanos(time.0.saturating_add(by.as_nanos()))
}

/// Returns `percent` of a duration, rounded down.
fn part(of: Duration, percent: u64) -> Duration {
    let nanos = u128::from(of.as_nanos()) * u128::from(percent) / 100;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Returns a duration from `least` to `most`, by a random number.
fn between(least: Duration, most: Duration, draw: u64) -> Duration {
    let range = u128::from(most.as_nanos().saturating_sub(least.as_nanos())) + 1;
    let offset = (u128::from(draw) * range) >> 64;
    Duration::from_nanos(least.as_nanos().saturating_add(u64::try_from(offset).unwrap_or(u64::MAX)))
}
