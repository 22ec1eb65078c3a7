//! The configuration, as it is written. Field names are those of Envoy's `LocalRateLimit`, `RateLimit` and
//! `RateLimit.Action` (`envoy/extensions/filters/http/{local_ratelimit,ratelimit}/v3`,
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
pub use cost::{BodyCost, Cost, CostHeader, HeaderCost, OnResponse, StatusRange};
pub use entry::{Empty, Header, OfName, Path, QueryParameter, Simple};
pub use limit::{AskService, Concurrency, Delay, Limit, NetworkMatch, Override, ValueMatch};
pub use metadata::{Metadata, MetadataKey, MetadataSource, PathSegment};
pub use rate::{FixedWindow, Gcra, Rate, SlidingWindow, TokenBucket};
pub use response::{BodyFormat, HeaderToAdd, HeaderValueOption, Response, Status, XRateLimitHeaders};
pub use rule::Rule;
pub use service::{Cache, EnvoyGrpc, FailureMode, GrpcService, RateLimitService};

use crate::plan::OnError;
use serde::de::{Deserialize, Deserializer, Error};
use tollgate_policy::{Named, Percent, Value, read, read_names, read_object};

/// The whole configuration.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Config {
    /// What the rate limit service and the memory that workers share know these limits by: two filters of one Envoy with
    /// the same domain, limit, key and rates count together. Letters, digits and `_-./:`. Default: `tollgate`.
    pub domain: String,
    /// Put before the names of the statistics: `rate_limit.<stat_prefix>.limit.<name>.ok`. Default: none.
    pub stat_prefix: String,
    /// Who is counted and how much they may, by a name of the operator's: letters, digits and `_-`.
    pub limits: Named<Limit>,
    /// Which limits count which requests: the first rule that matches decides, and a request that no rule matches is not
    /// limited. Without rules every limit counts every request.
    pub rules: Vec<Rule>,
    /// The service that keeps what many Envoys share, for limits with `service`.
    pub rate_limit_service: Option<RateLimitService>,
    /// The memory that workers share.
    pub table: Table,
    /// What clients and upstreams are told.
    pub response: Response,
    /// How many requests of a worker may be delayed or wait for the service at once. One more is answered as if there were
    /// no delay, or as if the service could not be asked. Default: 1024.
    pub max_waiting_requests: usize,
    /// For how many requests limits are asked at all, in percent. Default: 100 (Envoy's is 0).
    pub filter_enabled: Percent,
    /// For how many of those a refusal is one, in percent; for others it is only counted. Default: 100 (Envoy's is 0).
    pub filter_enforced: Percent,
    /// What becomes of a request when the memory that workers share cannot be read or changed. Default: `deny`.
    pub on_error: OnError,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            domain: "tollgate".into(),
            stat_prefix: String::new(),
            limits: Named::default(),
            rules: Vec::new(),
            rate_limit_service: None,
            table: Table::default(),
            response: Response::default(),
            max_waiting_requests: 1024,
            filter_enabled: Percent::ALL,
            filter_enforced: Percent::ALL,
            on_error: OnError::Deny,
        }
    }
}

const IN_SERVICE: &str = "it belongs in `rate_limit_service`";
const IN_RESPONSE: &str = "it belongs in `response`";
const BY_RULES: &str = "which limits count a request is said by `rules`";

read_object!(
    Config = Self::default();
    domain,
    stat_prefix,
    limits,
    rules,
    rate_limit_service,
    table,
    response,
    max_waiting_requests,
    filter_enabled,
    filter_enforced,
    on_error;
    instead [
        ("timeout", IN_SERVICE),
        ("failure_mode_deny", IN_SERVICE),
        ("failure_mode_deny_percent", IN_SERVICE),
        ("status_on_error", IN_SERVICE),
        ("status", IN_RESPONSE),
        ("rate_limited_status", IN_RESPONSE),
        ("enable_x_ratelimit_headers", IN_RESPONSE),
        ("rate_limited_as_resource_exhausted", IN_RESPONSE),
        ("disable_x_envoy_ratelimited_header", IN_RESPONSE),
        ("response_headers_to_add", IN_RESPONSE),
        ("request_headers_to_add_when_not_enforced", IN_RESPONSE),
        ("enable_retry_after_header", "it is `response.retry_after`"),
        ("token_bucket", "give it as one of the `rates` of a limit: `limits: {all: {rates: [{token_bucket: ..}]}}`"),
        ("rate_limits", "what a limit counts by is its `key`: `limits: {<name>: {key: [{remote_address: {}}], ..}}`"),
        ("descriptors", "each is a limit with a `key` and `rates`; rates for one value are its `overrides`"),
        ("max_dynamic_descriptors", "the bound of all keys together is `table.max_keys`"),
        ("always_consume_default_token_bucket", "every limit of the rule counts the request"),
        ("stage", BY_RULES),
        ("vh_rate_limits", BY_RULES),
        ("request_type", BY_RULES),
        ("local_rate_limit_per_downstream_connection", "what is counted is said by the `key` of a limit"),
        ("local_cluster_rate_limit", "limits that many Envoys share are those with `service`"),
    ]
);
read_names!(OnError { "deny" => Deny, "allow" => Allow });

/// Through a tree: see [`tollgate_policy::Read`]. An error begins with its place.
impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The memory that workers share: 67 bytes for each rate of each key.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Table {
    /// How many keys are kept, of one rate each; a key of a limit with three rates counts as three. With more than that, the
    /// keys that owe least are forgotten, which is counted. Default: 65536.
    pub max_keys: u32,
}

impl Default for Table {
    fn default() -> Self {
        Self { max_keys: 65_536 }
    }
}

read_object!(Table = Self::default(); max_keys);
