//! Client of a rate limit service, which keeps limits for many Envoys. Builds calls, reads answers, and
//! caches them so that a frequent key does not need a call for each request.
//!
//! The cache has an entry for all descriptors of a request together, because that is what a service decides
//! about: Limitador's limits can depend on the position of a descriptor, and its answer does not mention
//! single ones. If a service reports which descriptor is over its limit, this is cached for that descriptor
//! alone.
//!
//! # Admission
//! A request is allowed if the service has counted it. A *lease* consists of hits that a call has taken for
//! future requests. So every allowed request was counted before, except up to [`Cache::overshoot_hits`] hits
//! per worker and key. Hits that may not have been counted, because no answer arrived, are not used. A lease
//! is valid for [`Cache::lease_max_age`], but not longer than until its limit resets. The rest of it then
//! expires: at most what the key has used in that time, and at most [`Cache::lease_hits`] requests minus one,
//! per worker and key.
//!
//! # Size of leases
//! A key has no lease until it was used more than once in [`Cache::lease_max_age`], and takes no more than it
//! has used in that time. If the service reports how much remains, a lease takes at most an eighth of it:
//! envoyproxy/ratelimit counts the hits that it rejects, so a lease that is too large would use up the rest
//! of the limit. Limitador does not count them, and does not report what remains. If it rejects a lease, the
//! request repeats the call for itself alone, and the next leases start from one.
//!
//! # Without answers
//! Leases stay valid. Otherwise, each request receives [`Verdict::failure`]. See [`circuit`] for when no
//! calls are made.

mod answer;
mod answered;
mod asking;
mod calls;
pub mod circuit;
mod entry;
mod key;
mod memory;
mod message;
mod quotas;
#[cfg(test)]
mod tests;
mod verdict;

pub use quotas::Quotas;
pub use verdict::Verdict;

use calls::Calls;
use circuit::Circuit;
use key::Keys;
use memory::Memory;

/// Full name of the gRPC service.
pub const SERVICE: &str = "envoy.service.ratelimit.v3.RateLimitService";
/// Its method.
pub const METHOD: &str = "ShouldRateLimit";

/// Settings for calls to the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Timeout of a call in nanoseconds; 0 for none. The caller enforces it. Here it determines when a call
    /// without an outcome counts as lost.
    pub timeout: u64,
    /// Settings of the cache.
    pub cache: Cache,
}

/// Settings of the cache for answers of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Whether to cache that a key is over its limit, until the limit resets, and for at most a minute.
    pub over_limit: bool,
    /// Maximum number of requests for which one call takes hits. With 0 or 1, each request makes its own
    /// call, without leases.
    pub lease_hits: u32,
    /// Time after its call for which a lease is valid, in nanoseconds.
    pub lease_max_age: u64,
    /// Maximum number of hits to allow before they are counted, while the call that counts them is pending.
    pub overshoot_hits: u64,
    /// Maximum number of keys in the cache.
    pub max_entries: usize,
}

/// Returns the defaults of the configuration.
impl Default for Service {
    fn default() -> Self {
        Self { timeout: 20_000_000, cache: Cache::default() }
    }
}

/// Returns the defaults of the configuration.
impl Default for Cache {
    fn default() -> Self {
        Self {
            over_limit: true,
            lease_hits: 10,
            lease_max_age: 1_000_000_000,
            overshoot_hits: 0,
            max_entries: 10_000,
        }
    }
}

/// Cached answers and pending calls of a worker.
#[derive(Debug)]
pub struct Remote {
    domain: String,
    service: Service,
    keys: Keys,
    memory: Memory,
    calls: Calls,
    circuit: Circuit,
}

/// Descriptor: a key that the service counts by, and a number of hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Keys and values of the entries, in the order of the limit's actions.
    pub entries: Vec<(String, String)>,
    /// Cost of the request, or 1 if the limit does not send costs. Larger numbers count as 1000000000. With 0
    /// hits, a request takes nothing and only needs room for 1.
    pub hits: u64,
    /// Whether the limit only counts. Then the other descriptors are checked even if this one is known to be
    /// over its limit.
    pub shadow: bool,
}

/// Result of a query.
#[derive(Debug, PartialEq, Eq)]
pub enum Ask {
    /// The verdict is known without a call.
    Settled(Verdict),
    /// Make this call.
    Call(Call),
    /// A pending call of another request also takes hits for this one. Query again when it is answered.
    Wait(CallId),
}

/// Identifies a call of this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// A call to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Identifies the call when it is answered.
    pub id: CallId,
    /// Serialised request message.
    pub message: Vec<u8>,
}

/// Reason why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// The call timed out.
    Timeout,
    /// The service is unavailable, or the call could not be made.
    Unavailable,
    /// The service answered with this gRPC status.
    Status(u32),
    /// The answer is not a valid message.
    Malformed,
}

impl CallFailure {
    /// Returns the reason for a gRPC status that is not OK.
    pub fn new(status: u32, timed_out: bool) -> Self {
        const UNAVAILABLE: u32 = 14;
        match status {
            _ if timed_out => Self::Timeout,
            UNAVAILABLE => Self::Unavailable,
            status => Self::Status(status),
        }
    }
}
