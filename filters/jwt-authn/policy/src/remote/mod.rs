//! A document that one worker fetches for all: keys, or a list of what is revoked.
//!
//! # Who fetches
//! An Envoy runs a VM for each worker and one for its main thread, and none of them is more than the others: any may
//! trap, be replaced, or never get a request. So none is the one that fetches. What all of them know of a document is one
//! small record, [`State`], which they change by compare-and-swap only; whoever finds that a fetch is due and manages to
//! write a lease into it ([`State::lease`]) fetches. A lease ends by itself when its holder could long have had an answer,
//! so that a holder that died holds up nobody for longer, and an answer that comes after its lease was given to another
//! changes nothing ([`State::fetched`]).
//!
//! The document is in a record of its own ([`Body`]), since it is large and the state is read every second. It is written
//! first, under the number of the lease; the state then names that number. A reader that finds another number in the body
//! than in the state has come between the two writes, keeps what it has and looks again.
//!
//! # When
//! - At start, and again ahead of its time: after 80 to 95 % of its life, drawn anew each time, so that many proxies do
//!   not ask at once. Its life is `cache_duration`, or what `Cache-Control` says if that is less, but not less than
//!   [`FLOOR`].
//! - A fetch that fails is tried again `num_retries` times, with truncated exponential back-off and full jitter. If all
//!   fail, the next fetch is `failed_refetch_duration` later, and that doubles: up to `cache_duration` while the old
//!   document can still be used, up to [`RECOVERY`] while there is none, so that the filter is back soon after its issuer.
//! - When a token names a `kid` that is not among the keys, at most every `refetch_on_unknown_kid` over all workers. That is
//!   the only fetch that a client can cause.
//!
//! # What is used meanwhile
//! The old document, until `stale_if_error` after its time. Whatever is not a document (an error, a redirect, garbage, an
//! empty set, more bytes or keys than are allowed) counts as a failed try and changes nothing. Requests wait for the first
//! document only; once a fetch with its retries has failed they are answered at once until the next one succeeds.
//!
//! Clocks are set back. No time that is further ahead than this module would ever write is believed.

mod cache_control;
mod exchange;
mod record;
mod rules;
mod state;
#[cfg(test)]
mod tests;

pub use exchange::{Exchange, Failure, Next, Request, Response};
pub use record::Body;
pub use rules::Rules;
pub use state::{Asked, Availability, State};

use tollgate_policy::{Duration, UnixNanos};

/// The shortest life that an answer can give a document; a `cache_duration` that is less counts. Issuers send `no-cache`
/// with keys that they keep for months.
pub const FLOOR: Duration = Duration::from_nanos(10_000_000_000);

/// The longest time between two fetches while there is no document to use.
pub const RECOVERY: Duration = Duration::from_nanos(30_000_000_000);

fn later(time: UnixNanos, by: Duration) -> UnixNanos {
    UnixNanos(time.0.saturating_add(by.as_nanos()))
}

/// `percent` of a duration, rounded down.
fn part(of: Duration, percent: u64) -> Duration {
    let nanos = u128::from(of.as_nanos()) * u128::from(percent) / 100;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Something from `least` to `most`, by a random number.
fn between(least: Duration, most: Duration, draw: u64) -> Duration {
    let range = u128::from(most.as_nanos().saturating_sub(least.as_nanos())) + 1;
    let offset = (u128::from(draw) * range) >> 64;
    Duration::from_nanos(least.as_nanos().saturating_add(u64::try_from(offset).unwrap_or(u64::MAX)))
}
