//! Limits that many Envoys share, kept by a rate limit service: what is asked, what its answers mean, and what of them is
//! remembered so that a key that is hot does not cost a call for each request.
//!
//! What is remembered is remembered of all descriptors of a request together, since that is what a service answers about:
//! Limitador's limits may tell descriptors apart by their place in the list, and it says nothing of one alone. Only that one
//! is over its limit is remembered of that one, if the service says which.
//!
//! # What is admitted
//! A request goes on when the service counted it, or counted it beforehand: a *lease* is hits that a call asked for on top of
//! its own request's, for those that come after. So what goes on was counted, in sum and at any time; with
//! [`Cache::overshoot_hits`] as many hits as that, on each worker and of each key, may not have been yet. What is not known
//! to have been counted (no answer came) is not used. A lease is used for [`Cache::lease_max_age`] and no longer than until
//! its limit is reset, then what is left of it is lost: at most what the key had used in that time, and at most
//! [`Cache::lease_hits`] requests less one, on each worker and of each key.
//!
//! # When leases shrink
//! A key has no lease until it was seen more than once in [`Cache::lease_max_age`], and asks for no more than it used in that
//! time. Where the service says what remains, an eighth of it is asked for and no more, because envoyproxy/ratelimit counts
//! what it refuses: asked for more than there is, all of it is gone. Limitador does not, and says nothing of what remains:
//! a lease refused halves nothing there, so the request asks again for itself alone, and the next leases start from one.
//!
//! # While the service does not answer
//! Leases stay good. Otherwise each request learns so by [`Verdict::failure`]: see [`circuit`] for when it is not even asked.

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

pub(crate) use key::BuildHashed;
pub use quotas::Quotas;
pub use verdict::Verdict;

use calls::Calls;
use circuit::Circuit;
use key::Keys;
use memory::Memory;

/// How the service is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// How long a call may take, in nanoseconds; 0: as long as it likes. Who makes calls sees to it; here it says when a call
    /// that nobody told about must have been lost.
    pub timeout: u64,
    /// What is remembered.
    pub cache: Cache,
}

/// What is remembered of the service's answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// That a key is over its limit, until the limit is reset, and for a minute at most.
    pub over_limit: bool,
    /// For how many requests one call may ask. Up to 1: each request makes its own call, and there are no leases.
    pub lease_hits: u32,
    /// How long after it was asked for a lease is good, in nanoseconds.
    pub lease_max_age: u64,
    /// Hits that may go on before they are counted, while the call that counts them is under way.
    pub overshoot_hits: u64,
    /// How many keys are remembered.
    pub max_entries: usize,
}

/// As in the configuration's defaults.
impl Default for Service {
    fn default() -> Self {
        Self { timeout: 20_000_000, cache: Cache::default() }
    }
}

/// As in the configuration's defaults.
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

/// What this worker remembers of the service's answers, and which calls are under way.
#[derive(Debug)]
pub struct Remote {
    domain: String,
    service: Service,
    keys: Keys,
    memory: Memory,
    calls: Calls,
    circuit: Circuit,
}

/// A descriptor: whom the service is asked about, and how many hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Key and value of each entry, in the order of the limit's actions.
    pub entries: Vec<(String, String)>,
    /// What the request costs, if the limit says so; else 1. Above a thousand million it is that. A request whose
    /// descriptors all say 0 costs nothing and is not asked about.
    pub hits: u64,
    /// That it is over its limit is only counted: the others are asked about even if that is known.
    pub shadow: bool,
}

/// What comes of asking.
#[derive(Debug, PartialEq, Eq)]
pub enum Ask {
    /// It is known without a call.
    Settled(Verdict),
    /// The call is to be made.
    Call(Call),
    /// Another request asks for the same just now, and for this one too. Ask again when the call of this number is answered.
    Wait(CallId),
}

/// A call of this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// A call that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number, to be told with its answer.
    pub id: CallId,
    /// The message, serialised.
    pub message: Vec<u8>,
}

/// Why a call has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFailure {
    /// Not in time.
    Timeout,
    /// Nobody there, or the call could not even be made.
    Unavailable,
    /// The service answered with this gRPC status.
    Status(u32),
    /// What it answered is no answer.
    Malformed,
}
