//! The configuration as the operator writes it. Field names are those of Envoy's `RetryPolicy`,
//! `RouteAction` and `RetryBudget` (`envoy/config/route/v3/route_components.proto`,
//! `envoy/config/cluster/v3/circuit_breaker.proto`) where the meaning is the same.

mod conditions;
mod deadline;
mod replay;
mod rule;

pub use conditions::{Conditions, InvalidConditions};
pub(crate) use conditions::{HEADERS, STATUS_CODES, common};
pub use deadline::{Deadline, DeadlineFormat, DeadlineHeader};
pub use replay::{
    BackOff, BodyMatcher, Fallback, FallbackResponse, HeaderToAdd, Hedge, JsonPointer, Percentile, Replay,
};
pub use rule::{Rule, Safe};

use tollgate_policy::{Duration, EditableName, PathNormalization, Percent, StatPrefix};

/// Configuration of the retry filter.
#[derive(Clone, Debug, tollgate_policy::Config)]
#[config(instead = [
    ("retry_policy", IN_RULE),
    ("retry_on", IN_RULE),
    ("num_retries", IN_RULE),
    ("on_error", "a request that the filter cannot decide is sent once; remove this field"),
])]
pub struct Config {
    /// Rules with the retries of requests. The first rule that matches decides. The filter sets no retries
    /// for a request that no rule matches: the retry policy of its route applies.
    pub rules: Vec<Rule>,
    /// Readings of a path that servers can read in several ways, for `rules`. A request whose readings select
    /// different rules is sent once.
    #[config(default)]
    pub path_normalization: PathNormalization,
    /// Limit of retries for all requests of a rule, on all workers together.
    #[config(default)]
    pub retry_budget: RetryBudget,
    /// Handling of retry headers that a client sends. Default: `remove`.
    #[config(default)]
    pub client_headers: ClientHeaders,
    /// Name of a response header that receives the number of attempts. Default: none.
    #[config(default)]
    pub attempts_header: Option<EditableName>,
    /// Maximum number of bytes of requests that a worker keeps for `replay`, and of responses while it
    /// retries. A header counts 64 bytes more than its name and value. Further requests are not replayed, and
    /// a response is dropped before the next attempt. Default: 16777216.
    #[config(default = 1 << 24)]
    pub max_kept_bytes: u32,
    /// Shadow mode: count the decisions, and change nothing. Default: `false`.
    #[config(default)]
    pub shadow: bool,
    /// Prefix for the names of statistics, after the name of the filter. Filters with the same
    /// prefix, number of rules and `budget_interval` share the budget of each rule. Default: none.
    #[config(default)]
    pub stat_prefix: StatPrefix,
}

const IN_RULE: &str = "move it to an element of `rules`";

/// Limit of retries, counted for each rule.
#[derive(Clone, Debug, PartialEq, Eq, tollgate_policy::Config)]
#[config(default, instead = [
    ("min_retry_concurrency", "use `min_retries_per_second`"),
    ("percent", "use `budget_percent`"),
])]
pub struct RetryBudget {
    /// Retries as a percentage of the requests that may be retried. Default: 20.
    pub budget_percent: Percent,
    /// Retries per second that are allowed in addition, so that few requests can be retried too. Default: 10.
    pub min_retries_per_second: u32,
    /// Sliding window in which requests and retries are counted, from `1s` to `1h`. Default: `10s`.
    pub budget_interval: Duration,
}

impl Default for RetryBudget {
    fn default() -> Self {
        let budget_percent = Percent::try_from(20.0).unwrap_or(Percent::ZERO);
        Self { budget_percent, min_retries_per_second: 10, budget_interval: Duration::from_secs(10) }
    }
}

/// Handling of retry headers that a client sends, such as `x-envoy-max-retries`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, tollgate_policy::Config)]
pub enum ClientHeaders {
    /// Removes them.
    #[default]
    Remove,
    /// A client may ask for less than the rule allows: for fewer retries, fewer conditions, shorter timeouts.
    /// Removes them from a request that no rule matches.
    Cap,
}
