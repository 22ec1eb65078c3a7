//! The checked configuration.

use crate::budget::Budget;
use crate::config::{Config, HEADERS, Hedge, Replay, Rule, STATUS_CODES};
use crate::steer::Values;
use tollgate_policy::{Conditional, ConfigError, Duration, FieldPath, Many, RequestMatch, Rules};

/// Shortest time that Envoy's router and callouts have.
const MILLISECOND: Duration = Duration::from_nanos(1_000_000);

/// Maximum number of rules: each has a page of the shared memory for its budget.
pub const MAX_RULES: usize = 4096;

/// The checked configuration.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) config: Config,
    pub(crate) rules: Rules<PlannedRule>,
    pub(crate) budget: Budget,
}

/// A rule, with the values of headers that do not depend on the request.
#[derive(Clone, Debug)]
pub(crate) struct PlannedRule {
    pub rule: Rule,
    /// Index of the rule, and of the page of its budget.
    pub index: u32,
    pub values: Values,
}

impl Conditional for PlannedRule {
    fn condition(&self) -> &RequestMatch {
        &self.rule.condition
    }

    /// A retry must not follow from a value that a client added to others.
    fn many(&self) -> Many {
        Many::All
    }
}

impl Plan {
    /// Checks a configuration.
    pub fn new(mut config: Config) -> Result<Self, ConfigError> {
        if config.rules.is_empty() {
            return Err(ConfigError::new("rules", &"no rules, expected at least one"));
        }
        if config.rules.len() > MAX_RULES {
            let message = format!("{} rules, expected at most {MAX_RULES}", config.rules.len());
            return Err(ConfigError::new("rules", &message));
        }
        let interval = config.retry_budget.budget_interval;
        let path = FieldPath::new("retry_budget").field("budget_interval");
        between(&path, interval, Duration::from_secs(1), Duration::from_secs(3_600))?;
        let budget = Budget::new(
            config.retry_budget.budget_percent.per_million(),
            config.retry_budget.min_retries_per_second,
            interval.as_nanos(),
        );
        let mut rules = Vec::new();
        for (index, rule) in core::mem::take(&mut config.rules).into_iter().enumerate() {
            let path = FieldPath::new("rules").at(index);
            check_rule(&path, &rule)?;
            rules.push(PlannedRule { values: Values::new(&rule), index: index as u32, rule });
        }
        Ok(Self { config, rules: Rules::new(rules), budget })
    }

    /// Number of pages of shared memory.
    pub fn pages(&self) -> u32 {
        self.rules.len() as u32
    }

    /// Prefix for the names of statistics.
    pub fn stat_prefix(&self) -> &str {
        self.config.stat_prefix.as_str()
    }

    /// Name of the budgets in shared memory. A record is valid for one length of the slots only. A filter in
    /// shadow mode takes nothing from the budgets of another.
    pub fn domain(&self) -> String {
        let prefix = match self.stat_prefix() {
            "" => "default",
            prefix => prefix,
        };
        let shadow = if self.config.shadow { "/shadow" } else { "" };
        format!("{prefix}/{}{shadow}", self.budget.slot)
    }

    /// Whether a rule replays requests.
    pub fn replays(&self) -> bool {
        self.rules.iter().any(|rule| rule.rule.replay.is_some())
    }
}

fn check_rule(path: &FieldPath, rule: &Rule) -> Result<(), ConfigError> {
    let needs = |field: &str, condition: &str| {
        path.field(field).error(format_args!("has no effect, expected `{condition}` in `retry_on`"))
    };
    if !rule.retriable_status_codes.is_empty() && !rule.retry_on.has(STATUS_CODES) {
        return Err(needs("retriable_status_codes", STATUS_CODES));
    }
    if !rule.retriable_headers.is_empty() && !rule.retry_on.has(HEADERS) {
        return Err(needs("retriable_headers", HEADERS));
    }
    if rule.retriable_headers.is_empty() && rule.retry_on.has(HEADERS) {
        return Err(path
            .field("retry_on")
            .error("`retriable-headers` has no effect without `retriable_headers`"));
    }
    let codes = rule.retry_on.status_codes.is_empty() && rule.retriable_status_codes.is_empty();
    if codes && rule.retry_on.has(STATUS_CODES) {
        let message = "`retriable-status-codes` has no effect without `retriable_status_codes`";
        return Err(path.field("retry_on").error(message));
    }
    check_codes(&path.field("retriable_status_codes"), &rule.retriable_status_codes)?;
    for (field, time) in [("per_try_timeout", rule.per_try_timeout), ("timeout", rule.timeout)] {
        at_least_a_millisecond(&path.field(field), time)?;
    }
    if let (Some(each), Some(all)) = (rule.per_try_timeout, rule.timeout)
        && each >= all
    {
        return Err(path
            .field("per_try_timeout")
            .error(format_args!("`{each}` has no effect, expected less than `timeout`, `{all}`")));
    }
    if rule.hedge_on_per_try_timeout && rule.per_try_timeout.is_none() {
        return Err(path.field("hedge_on_per_try_timeout").error("has no effect without `per_try_timeout`"));
    }
    if let Some(deadline) = &rule.deadline {
        let path = path.field("deadline");
        at_least_a_millisecond(&path.field("max"), deadline.max)?;
        if !deadline.grpc_timeout && deadline.header.is_none() && deadline.max.is_none() {
            return Err(path.error("no source, expected `grpc_timeout`, `header` or `max`"));
        }
        // The router takes the remaining time instead of the timeout of the route.
        if deadline.max.is_none() && rule.timeout.is_none() {
            let message =
                "missing, expected a limit for the times of clients: this field, or `timeout` of the rule";
            return Err(path.field("max").error(message));
        }
    }
    rule.replay.as_ref().map_or(Ok(()), |replay| check_replay(&path.field("replay"), replay))
}

fn check_replay(path: &FieldPath, replay: &Replay) -> Result<(), ConfigError> {
    let is_empty = replay.retriable_status_codes.is_empty()
        && replay.retriable_headers.is_empty()
        && replay.retriable_grpc_statuses.is_empty()
        && replay.retriable_body.is_none();
    if is_empty && replay.hedge.is_none() {
        let fields = "`retriable_status_codes`, `retriable_headers`, `retriable_grpc_statuses`, \
                      `retriable_body` or `hedge`";
        return Err(path.error(format_args!("no condition, expected {fields}")));
    }
    if replay.num_retries == 0 && replay.fallback_cluster.is_none() && replay.fallback_response.is_none() {
        let fields = "at least 1, `fallback_cluster` or `fallback_response`";
        return Err(path.field("num_retries").error(format_args!("`0` has no effect, expected {fields}")));
    }
    // Over HTTP/1.1, a client would read the body as the start of its next response.
    if let Some(response) = &replay.fallback_response
        && matches!(response.status, 204 | 304)
        && !response.body.is_empty()
    {
        let path = path.field("fallback_response").field("body");
        let (body, status) = (&response.body, response.status);
        return Err(path.error(format_args!("`{body}` is invalid, expected no body with status {status}")));
    }
    at_least_a_millisecond(&path.field("per_try_timeout"), Some(replay.per_try_timeout))?;
    at_least_a_millisecond(&path.field("max_hold"), Some(replay.max_hold))?;
    let back_off = path.field("retry_back_off");
    at_least_a_millisecond(&back_off.field("base_interval"), Some(replay.retry_back_off.base_interval))?;
    if let Some(max) = replay.retry_back_off.max_interval {
        let base = replay.retry_back_off.base_interval;
        between(&back_off.field("max_interval"), max, base, Duration::from_secs(3_600))?;
    }
    between(
        &path.field("max_retry_after"),
        replay.max_retry_after,
        Duration::default(),
        Duration::from_secs(3_600),
    )?;
    let empty = "is empty, expected the name of a cluster";
    if replay.cluster.as_deref() == Some("") {
        return Err(path.field("cluster").error(empty));
    }
    if replay.fallback_cluster.as_ref().is_some_and(|fallback| fallback.cluster.is_empty()) {
        return Err(path.field("fallback_cluster").field("cluster").error(empty));
    }
    match &replay.hedge {
        Some(Hedge::Delay(delay)) => {
            at_least_a_millisecond(&path.field("hedge").field("delay"), Some(*delay))
        }
        Some(Hedge::Percentile(percentile)) => {
            let path = path.field("hedge").field("percentile").field("min_delay");
            at_least_a_millisecond(&path, Some(percentile.min_delay))
        }
        None => Ok(()),
    }
}

fn check_codes(path: &FieldPath, codes: &[u16]) -> Result<(), ConfigError> {
    match codes.iter().position(|code| !(100..=599).contains(code)) {
        Some(index) => {
            let code = codes.get(index).copied().unwrap_or_default();
            Err(path.at(index).error(format_args!("`{code}` is not a status, expected 100 to 599")))
        }
        None => Ok(()),
    }
}

fn at_least_a_millisecond(path: &FieldPath, time: Option<Duration>) -> Result<(), ConfigError> {
    time.map_or(Ok(()), |time| between(path, time, MILLISECOND, Duration::from_secs(86_400)))
}

fn between(path: &FieldPath, time: Duration, min: Duration, max: Duration) -> Result<(), ConfigError> {
    if time >= min && time <= max {
        return Ok(());
    }
    Err(path.error(format_args!("`{time}` is out of range, expected `{min}` to `{max}`")))
}
