//! Limits as data. The plan builds them, and keys, costs and decisions read them.

mod action;
mod overrides;
mod text;
mod value;

pub use action::{Action, IfAbsent, Source, property};
pub use overrides::Overrides;
pub use text::MAX_LEN;
pub(crate) use value::{Value, masked};

use tollgate_counting::rate::Rate;
use tollgate_policy::{Cidr, HeaderMatcher, HeaderName};

/// A limit: what it counts by, and how much it allows.
#[derive(Debug)]
pub struct Limit {
    /// Name in statistics, `RateLimit` headers and bodies.
    pub name: String,
    /// Actions that build the key. If one has no value, the limit does not apply to the request, unless the
    /// action says otherwise. If empty, all requests have the same key.
    pub key: Vec<Action>,
    /// Rates, which must all have room.
    pub rates: NamedRates,
    /// Other numbers for some keys. The first override that matches applies.
    pub overrides: Overrides,
    /// Maximum number of requests in flight for each key.
    pub max_in_flight: Option<u32>,
    /// Name of that maximum in headers: the name of the limit, with a suffix if the limit also has rates.
    pub in_flight_name: String,
    /// Cost of a request.
    pub cost: Cost,
    /// Changes to the cost by the response.
    pub on_response: Option<OnResponse>,
    /// Maximum wait for room, in nanoseconds. With 0, requests do not wait.
    pub max_wait: u64,
    /// Use of the rate limit service, after all limits on this Envoy had room.
    pub service: Option<LimitService>,
    /// Whether the limit only counts the requests that it would reject.
    pub shadow: bool,
    /// Hash of everything that determines the meaning of stored entries.
    pub fingerprint: u64,
}

impl Limit {
    /// Returns whether the limit counts requests in flight, for any key.
    pub fn has_in_flight(&self) -> bool {
        self.max_in_flight.is_some()
            || self.overrides.list().iter().any(|other| other.max_in_flight.is_some())
    }
}

/// Use of the rate limit service by a limit.
#[derive(Debug)]
pub struct LimitService {
    /// Whether descriptors contain the cost as `hits_addend`.
    pub hits_addend: bool,
    /// Name of the limit of the service in `RateLimit-Policy`: the name of the limit, with a suffix if the
    /// limit also has rates.
    pub policy_name: String,
    /// Rates on this Envoy while the service is unavailable, with
    /// [`FailureMode::Local`](crate::config::FailureMode::Local).
    pub fallback: NamedRates,
    /// Like [`Limit::fingerprint`], for `fallback`.
    pub fingerprint: u64,
}

/// Rates, which must all have room, and their names.
#[derive(Clone, Debug, Default)]
pub struct NamedRates {
    /// The algorithms.
    pub list: Vec<Rate>,
    /// Their names in `RateLimit-Policy`.
    pub names: Vec<String>,
}

/// Other numbers for some keys.
#[derive(Debug)]
pub struct Override {
    /// Conditions on entries of the key, by index. All must match.
    pub when: Vec<(usize, ValueMatch)>,
    /// Rates in place of those of the limit.
    pub rates: NamedRates,
    /// Maximum number of requests in flight in place of that of the limit.
    pub max_in_flight: Option<u32>,
    /// Whether the keys have no limit, neither on this Envoy nor of the service.
    pub unlimited: bool,
    /// Like [`Limit::fingerprint`].
    pub fingerprint: u64,
}

/// Condition on a value of a key.
#[derive(Debug)]
pub enum ValueMatch {
    /// Matches a text: exact, prefix, regex and so on.
    Text(tollgate_policy::StringMatcher),
    /// Matches addresses of a network.
    Network(Cidr),
}

/// Cost of a request.
#[derive(Clone, Debug)]
pub enum Cost {
    /// Fixed cost.
    Number(u64),
    /// Cost from a header, with a maximum.
    Header {
        /// Name of the header.
        name: HeaderName,
        /// Cost of a request if the header is missing or not a number.
        default: u64,
        /// Maximum cost.
        max: u64,
    },
    /// Cost of 1 for each `per` bytes of the body, rounded up, and at least 1.
    Body {
        /// Number of bytes that cost 1.
        per: u64,
        /// Maximum cost.
        max: u64,
    },
}

/// Changes to the cost of a request by its response.
#[derive(Clone, Debug)]
pub struct OnResponse {
    /// Statuses of the responses that cost anything; for others, the cost is refunded. If empty, all
    /// statuses.
    pub statuses: Vec<(u16, u16)>,
    /// Headers of the responses that cost anything; all must match.
    pub headers: Vec<HeaderMatcher>,
    /// Response header with the total cost, and its maximum.
    pub cost_header: Option<(HeaderName, u64)>,
    /// Whether to refund the cost of a request that gets no response.
    pub refund_without_response: bool,
}
