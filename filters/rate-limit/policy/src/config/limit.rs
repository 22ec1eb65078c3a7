//! A limit: what it counts by, and how much it allows.

use super::{Action, Cost, OnResponse, Rate};
use tollgate_policy::{Cidr, Config, ConfigError, Duration, Named, StringMatcher, Value};

/// A limit: what it counts by, and how much it allows. At least one of `rates`, `concurrency` and `service`
/// is required.
#[derive(Clone, Debug, Default, Config)]
#[config(default, instead = [
        ("token_bucket", "use `rates`: `rates: [{token_bucket: ..}]`"),
        ("hits_addend", "use `cost`"),
        ("apply_on_stream_done", "use `on_response`"),
        ("limit", "use `overrides`"),
        ("stage", "use `rules` to select the limits for a request"),
        ("disable_key", "a Wasm filter cannot read runtime keys; use `shadow`, or remove the limit from `rules`"),
    ])]
pub struct Limit {
    /// Actions that build the key to count by: Envoy's rate limit actions, and some more. If an action has no
    /// value for a request, the limit does not apply to that request, unless the action has a `default_value`
    /// or `skip_if_absent`. Without a key, all requests are counted together.
    #[config(alias = "actions")]
    pub key: Vec<Action>,
    /// Rates of the limit, at most 8. A request needs room in all of them.
    pub rates: Vec<Rate>,
    /// Maximum number of requests in flight for each key, on this Envoy.
    pub concurrency: Option<Concurrency>,
    /// Other numbers for some keys. The first override that matches applies.
    pub overrides: Vec<Override>,
    /// Cost of a request. Default: 1.
    pub cost: Option<Cost>,
    /// Changes to the cost of a request by its response.
    pub on_response: Option<OnResponse>,
    /// Delays requests until there is room, instead of rejecting them.
    pub delay: Option<Delay>,
    /// Also calls the rate limit service, after all limits on this Envoy had room.
    pub service: Option<LimitService>,
    /// Whether the limit only counts the requests that it would reject, and rejects none. Default: `false`.
    pub shadow: bool,
}

/// Limit on requests in flight, across all workers.
#[derive(Clone, Debug, Config)]
pub struct Concurrency {
    /// Maximum number of requests in flight for each key.
    pub max_requests: u32,
}

/// Other numbers for some keys.
#[derive(Clone, Debug, Default, Config)]
pub struct Override {
    /// Keys to which the override applies: a map from descriptor keys to conditions on their values, which
    /// must all match.
    pub when: Named<ValueMatch>,
    /// Rates in place of those of the limit. Default: the rates of the limit.
    #[config(default)]
    pub rates: Vec<Rate>,
    /// Concurrency in place of that of the limit. Default: the concurrency of the limit.
    pub concurrency: Option<Concurrency>,
    /// Whether these keys have no limit, neither on this Envoy nor of the service. Default: `false`.
    #[config(default)]
    pub unlimited: bool,
}

/// Condition on a value: a text or an address.
#[derive(Clone, Debug)]
pub enum ValueMatch {
    /// Matches addresses of a network.
    Network(NetworkMatch),
    /// Matches a text.
    Text(StringMatcher),
}

impl Config for ValueMatch {
    fn blank() -> Self {
        Self::Network(Config::blank())
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        *self = match value.get("cidr") {
            Some(_) => Self::Network(tollgate_policy::config::read(value)?),
            None => Self::Text(tollgate_policy::config::read(value)?),
        };
        Ok(())
    }
}

tollgate_policy::json_schema_of!(ValueMatch, |generator| {
    tollgate_policy::config::schema::any_of(
        "Condition on a value: a text or an address.",
        [
            ("Matches addresses of a network.", generator.subschema_for::<NetworkMatch>()),
            ("Matches a text.", generator.subschema_for::<StringMatcher>()),
        ],
    )
});

/// Matches addresses of a network.
#[derive(Clone, Debug, Config)]
pub struct NetworkMatch {
    /// Network, such as `10.0.0.0/8`.
    pub cidr: Cidr,
}

/// Delay of requests until there is room.
#[derive(Clone, Debug, Config)]
pub struct Delay {
    /// Maximum wait, `1ms` to `5m`. A request that would have to wait longer is rejected at once.
    pub max_wait: Duration,
}

/// Options of a limit for its use of the rate limit service.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct LimitService {
    /// Whether to send the cost of the request to the service. Services that do not support `hits_addend` in
    /// a descriptor count 1. Default: `true`.
    pub hits_addend: bool,
    /// Rates on this Envoy while the service is unavailable. Required with `failure_mode: local`, and only
    /// allowed with it.
    pub fallback_rates: Vec<Rate>,
}

impl Default for LimitService {
    fn default() -> Self {
        Self { hits_addend: true, fallback_rates: Vec::new() }
    }
}
