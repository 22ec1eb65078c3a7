//! The configuration, checked and resolved. It contains no errors, and no names to look up.

mod answers;
mod check;
mod cost;
mod fingerprint;
mod key;
mod limit;
pub(crate) mod names;
mod needs;
mod rate;
mod resolve;
mod service;

pub use crate::config::FailureMode;
pub use tollgate_policy::ConfigError;

use crate::answer::Answers;
use crate::model::Limit;
use crate::remote::Service;
use std::time::Duration;
use tollgate_policy::{Conditional, Enforcement, Many, PathNormalization, Percent, RequestMatch, Rules};

/// A resolved configuration.
#[derive(Debug)]
pub struct Plan {
    /// Name of this set of limits in shared memory and in the rate limit service.
    pub domain: String,
    /// Limits, in the order of their names.
    pub limits: Vec<Limit>,
    /// Rules that select the limits for a request. The first rule that matches decides.
    pub rules: Rules<Rule>,
    /// Readings of the path, for `rules`.
    pub path_normalization: PathNormalization,
    /// Limits for requests that no rule matches, as indices of `limits`.
    pub otherwise: Vec<usize>,
    /// Number of pages in the table.
    pub pages: u32,
    /// Rate limit service.
    pub service: Option<RateLimitService>,
    /// Settings for responses.
    pub answers: Answers,
    /// Percentage of requests that the filter checks.
    pub filter_enabled: Percent,
    /// Percentage of checked requests that the filter may reject.
    pub filter_enforced: Percent,
    /// Shadow mode, failures and statistics. Each limit has the shadow mode too.
    pub enforcement: Enforcement,
    /// Maximum number of waiting requests per worker, for room or for the service.
    pub max_waiting: usize,
    /// Parts of a request that the filter must read.
    pub needs: Needs,
}

impl Plan {
    /// Returns the cluster of the rate limit service and the timeout of a call; empty without a service.
    pub fn callout(&self) -> (&str, Duration) {
        let service = self.service.as_ref().map(|service| (&*service.cluster, service.asked.timeout));
        service.map_or(("", Duration::ZERO), |(cluster, timeout)| (cluster, Duration::from_nanos(timeout)))
    }
}

/// Rate limit service.
#[derive(Clone, Debug)]
pub struct RateLimitService {
    /// Cluster of the service.
    pub cluster: String,
    /// Handling of a request while the service is unavailable.
    pub failure_mode: FailureMode,
    /// Percentage of these requests to reject with [`FailureMode::Deny`]; the others are allowed.
    pub deny_percent: Percent,
    /// Settings of calls and of the cache.
    pub asked: Service,
}

/// Selects the limits for some requests.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Requests that the rule matches.
    pub condition: RequestMatch,
    /// Indices of [`Plan::limits`].
    pub limits: Vec<usize>,
}

impl Conditional for Rule {
    fn condition(&self) -> &RequestMatch {
        &self.condition
    }

    fn many(&self) -> Many {
        if self.limits.is_empty() { Many::All } else { Many::Any }
    }
}

/// Parts of requests and responses that the filter must read. It does not read any others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Whether a rule, a key or a cost uses request headers.
    pub request_headers: bool,
    /// Whether a response can change the cost of its request.
    pub response_headers: bool,
    /// Whether requests in flight are counted.
    pub in_flight: bool,
}
