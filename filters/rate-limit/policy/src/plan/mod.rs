//! The configuration, checked and resolved: nothing in it can be wrong any more, and nothing is looked up by name.

mod answers;
mod check;
mod cost;
mod fingerprint;
mod key;
mod limit;
mod needs;
mod rate;
mod resolve;
mod service;

pub use crate::config::FailureMode;
pub use tollgate_policy::ConfigProblem;

use crate::answer::Answers;
use crate::key::{Action, Overrides};
use crate::rate::Rate;
use crate::remote::Service;
use tollgate_policy::{Cidr, Conditional, HeaderMatcher, HeaderName, Percent, RequestMatch, Rules};

/// All that is known before a request comes.
#[derive(Debug)]
pub struct Plan {
    /// What the shared pages, the statistics and the rate limit service know this filter by.
    pub domain: String,
    /// Put before the names of the statistics.
    pub stat_prefix: String,
    /// In the order of their names.
    pub limits: Vec<Limit>,
    /// Which limits count which requests; the first that matches decides.
    pub rules: Rules<Rule>,
    /// The limits of what no rule matches, as indices of `limits`.
    pub otherwise: Vec<usize>,
    /// How many pages the table has.
    pub pages: u32,
    /// The rate limit service.
    pub service: Option<RateLimitService>,
    /// What clients are told.
    pub answers: Answers,
    /// For how many requests limits are asked at all.
    pub filter_enabled: Percent,
    /// For how many of those a refusal is one.
    pub filter_enforced: Percent,
    /// What becomes of a request when what workers share cannot be read or changed.
    pub on_error: OnError,
    /// How many requests of a worker may wait at once, for room or for the service.
    pub max_waiting: usize,
    /// What has to be read of a request before anything can be decided.
    pub needs: Needs,
}

/// The rate limit service.
#[derive(Clone, Debug)]
pub struct RateLimitService {
    /// Its cluster.
    pub cluster: String,
    /// What becomes of a request about which it cannot be asked.
    pub failure_mode: FailureMode,
    /// How many of those are denied, if that is [`FailureMode::Deny`]; the others go on.
    pub deny_percent: Percent,
    /// How it is asked, and what is remembered.
    pub asked: Service,
}

/// Which limits count a request.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which requests.
    pub condition: RequestMatch,
    /// Indices of [`Plan::limits`].
    pub limits: Vec<usize>,
}

impl Conditional for Rule {
    fn condition(&self) -> &RequestMatch {
        &self.condition
    }
}

/// Who is counted, and how much they may.
#[derive(Debug)]
pub struct Limit {
    /// Its name, for statistics, `RateLimit` headers and bodies.
    pub name: String,
    /// By what keys are told apart. All of them have to be there, or the limit does not count the request, except for
    /// actions that say otherwise. None: one key for all requests.
    pub key: Vec<Action>,
    /// All of these must have room.
    pub rates: Vec<NamedRate>,
    /// The first that is about the key gives other rates.
    pub overrides: Overrides,
    /// How many requests of a key may be in flight.
    pub max_in_flight: Option<u32>,
    /// What clients know that by: the limit's name, unless it has rates, one of which may have it.
    pub in_flight_name: String,
    /// What a request costs.
    pub cost: Cost,
    /// What a response changes about it.
    pub on_response: Option<OnResponse>,
    /// Longest wait for room, in nanoseconds, in place of a refusal. 0: none.
    pub max_wait: u64,
    /// The rate limit service is asked about the key, after everything on this Envoy had room.
    pub service: Option<AskService>,
    /// Refusals are counted, and are none.
    pub shadow: bool,
    /// Changes with anything that makes the numbers kept mean something else.
    pub fingerprint: u64,
}

/// How the rate limit service is asked about a limit's keys.
#[derive(Debug)]
pub struct AskService {
    /// Descriptors carry the limit's cost as `hits_addend`.
    pub hits_addend: bool,
    /// What holds on this Envoy while the service cannot be asked, if its failure mode says so.
    pub fallback: Vec<NamedRate>,
    /// As [`Limit::fingerprint`], of `fallback`.
    pub fingerprint: u64,
}

/// A rate and what clients know it by.
#[derive(Clone, Debug)]
pub struct NamedRate {
    /// Of `RateLimit-Policy`.
    pub name: String,
    /// The arithmetic.
    pub rate: Rate,
}

/// Other rates for some keys.
#[derive(Debug)]
pub struct Override {
    /// For each that is given, the value of the key's entry of that index must match. All have to.
    pub when: Vec<(usize, ValueMatch)>,
    /// In place of the limit's.
    pub rates: Vec<NamedRate>,
    /// In place of the limit's.
    pub max_in_flight: Option<u32>,
    /// As the limit's.
    pub fingerprint: u64,
}

/// A value of a key that an override is about.
#[derive(Debug)]
pub enum ValueMatch {
    /// A text: exact, prefix, regex and so on.
    Text(tollgate_policy::StringMatcher),
    /// An address of a network.
    Network(Cidr),
}

/// What a request costs.
#[derive(Clone, Debug)]
pub enum Cost {
    /// Always so much.
    Number(u64),
    /// What a header says, bounded; `default` if it does not, or is no number.
    Header {
        /// Its name.
        name: HeaderName,
        /// What a request costs without it.
        default: u64,
        /// The most that it can cost.
        max: u64,
    },
    /// One for each so many bytes of the body, begun ones too, and at least one.
    Body {
        /// How many bytes are one.
        per: u64,
        /// The most that it can cost.
        max: u64,
    },
}

/// What a response changes about what its request was charged.
#[derive(Clone, Debug)]
pub struct OnResponse {
    /// Only responses that match cost anything: what was taken for others is given back. None: all.
    pub statuses: Vec<(u16, u16)>,
    /// And have all of these.
    pub headers: Vec<HeaderMatcher>,
    /// A header of the response that says what it costs in all, in place of what was taken; and the most that it can be.
    pub cost_header: Option<(HeaderName, u64)>,
    /// Whether it is given back when the request comes to no response.
    pub refund_without_response: bool,
}

/// What becomes of a request that cannot be decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum OnError {
    /// It is refused.
    #[default]
    Deny,
    /// It goes on.
    Allow,
}

/// What has to be read. What is not needed is not paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The request's headers: a rule, a key or a cost looks at them.
    pub request_headers: bool,
    /// The response's: it changes what its request costs.
    pub response_headers: bool,
    /// Requests are counted in flight.
    pub in_flight: bool,
}
