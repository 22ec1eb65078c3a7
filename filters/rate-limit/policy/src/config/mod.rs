//! The configuration as the operator writes it. Field names are those of Envoy's `LocalRateLimit`,
//! `RateLimit` and `RateLimit.Action` (`envoy/extensions/filters/http/{local_ratelimit,ratelimit}/v3`,
//! `envoy/config/route/v3/route_components.proto`) where the meaning is the same.

mod action;
mod constant;
mod cost;
mod entry;
mod limit;
mod metadata;
mod rate;
mod response;
mod rule;
mod service;

pub use action::Action;
pub use constant::{AddressMatch, Constant, HeaderValueMatch, MaskedAddress, QueryValueMatch};
pub use cost::{BodyCost, Cost, CostHeader, HeaderCost, OnResponse};
pub use entry::{Empty, Header, NamedValue, Path, QueryParameter, ValueOptions};
pub use limit::{Concurrency, Delay, Limit, LimitService, NetworkMatch, Override, ValueMatch};
pub use metadata::{Metadata, MetadataKey, MetadataSource, PathSegment};
pub use rate::{Calendar, FixedWindow, Gcra, Rate, SlidingWindow, TokenBucket};
pub use response::{BodyFormat, HeaderToAdd, HeaderValueOption, Response, Status, XRateLimitHeaders};
pub use rule::Rule;
pub use service::{Cache, EnvoyGrpc, FailureMode, GrpcService, RateLimitService};

use tollgate_policy::{Enforcement, Named, PathNormalization, Percent};

/// Configuration of the rate limit filter.
#[derive(Clone, Debug, tollgate_policy::Config)]
#[config(default, instead = [
        ("timeout", IN_SERVICE),
        ("failure_mode_deny", IN_SERVICE),
        ("failure_mode_deny_percent", IN_SERVICE),
        ("status", IN_RESPONSE),
        ("rate_limited_status", IN_RESPONSE),
        ("enable_x_ratelimit_headers", IN_RESPONSE),
        ("rate_limited_as_resource_exhausted", IN_RESPONSE),
        ("disable_x_envoy_ratelimited_header", IN_RESPONSE),
        ("response_headers_to_add", IN_RESPONSE),
        ("request_headers_to_add_when_not_enforced", IN_RESPONSE),
        ("enable_retry_after_header", "use `response.retry_after`"),
        ("token_bucket", "use the `rates` of a limit: `limits: {all: {rates: [{token_bucket: ..}]}}`"),
        ("rate_limits", "use the `key` of a limit: `limits: {<name>: {key: [{remote_address: {}}], ..}}`"),
        ("descriptors", "use one limit with `key` and `rates` for each descriptor, and its `overrides` for single values"),
        ("max_dynamic_descriptors", "use `table.max_keys`, the maximum number of all keys"),
        ("always_consume_default_token_bucket", "every limit of the rule applies to the request; remove this field"),
        ("stage", BY_RULES),
        ("vh_rate_limits", BY_RULES),
        ("request_type", BY_RULES),
        ("local_rate_limit_per_downstream_connection", "use the action `connection` in the `key` of a limit"),
        ("local_cluster_rate_limit", "use `service` in a limit to share it with other Envoys"),
    ])]
pub struct Config {
    /// Name of this set of limits in the rate limit service and in shared memory. Two filters of one Envoy
    /// count together if the domain, the name of the limit, its key, its delay and its rates are the same.
    /// Letters, digits and `_-./:`. Default: `tollgate`.
    pub domain: String,
    /// Limits, by name. A name has up to 64 letters, digits and `_-`.
    pub limits: Named<Limit>,
    /// Rules that select the limits for a request. The first rule that matches decides. A request that no
    /// rule matches is not limited. Without rules, every limit applies to every request.
    pub rules: Vec<Rule>,
    /// Readings of a path that servers can read in several ways, for `rules`. By default, all of them.
    pub path_normalization: PathNormalization,
    /// Rate limit service, for limits with `service` that many Envoys share.
    pub rate_limit_service: Option<RateLimitService>,
    /// Shared memory.
    pub table: Table,
    /// Responses to clients, and headers for upstreams.
    pub response: Response,
    /// Maximum number of waiting requests per worker: delayed, queued, or waiting for the service. Further
    /// requests are handled without `delay`, or as if the service were unavailable. Default: 1024.
    pub max_waiting_requests: usize,
    /// Percentage of requests that the filter checks. Default: 100 (in Envoy, 0).
    pub filter_enabled: Percent,
    /// Percentage of checked requests that the filter may reject. For the others, it only counts what it
    /// would have rejected. Default: 100 (in Envoy, 0).
    pub filter_enforced: Percent,
    /// Shadow mode of all limits, failures and statistics. The filter cannot decide a request when shared
    /// memory cannot be read or updated, or when a part of a key cannot be read.
    #[config(flatten)]
    pub enforcement: Enforcement,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            domain: "tollgate".into(),
            limits: Named::default(),
            rules: Vec::new(),
            path_normalization: PathNormalization::default(),
            rate_limit_service: None,
            table: Table::default(),
            response: Response::default(),
            max_waiting_requests: 1024,
            filter_enabled: Percent::ALL,
            filter_enforced: Percent::ALL,
            enforcement: Enforcement::default(),
        }
    }
}

const IN_SERVICE: &str = "move it to `rate_limit_service`";
const IN_RESPONSE: &str = "move it to `response`";
const BY_RULES: &str = "use `rules` to select the limits for a request";

/// Shared memory: up to 93 bytes for each rate of each key.
#[derive(Clone, Debug, tollgate_policy::Config)]
#[config(default)]
pub struct Table {
    /// Number of keys with one rate; a key of a limit with three rates counts as three. With more keys, the
    /// entries that owe least are evicted, which is counted. Default: 65536.
    pub max_keys: u32,
}

impl Default for Table {
    fn default() -> Self {
        Self { max_keys: 65_536 }
    }
}
