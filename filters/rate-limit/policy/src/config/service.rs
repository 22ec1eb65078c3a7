//! The rate limit service.

use tollgate_policy::{Duration, Percent, read_names, read_object};

/// A service of the protocol `envoy.service.ratelimit.v3`, such as envoyproxy/ratelimit or Limitador. Exactly one of
/// `cluster` and `grpc_service` is given.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct RateLimitService {
    /// The cluster of the service. It must speak HTTP/2.
    pub cluster: Option<String>,
    /// The same, as Envoy writes it.
    pub grpc_service: Option<GrpcService>,
    /// How long to wait for its answer. Default: `20ms`.
    pub timeout: Duration,
    /// What becomes of a request about which it cannot be asked. Default: `allow`; `deny` with `failure_mode_deny` or
    /// `failure_mode_deny_percent`.
    pub failure_mode: Option<FailureMode>,
    /// Envoy's way of saying `failure_mode: deny`.
    pub failure_mode_deny: Option<bool>,
    /// How many of the requests are denied, in percent, with `failure_mode: deny`; the others go on. Default: 100.
    pub failure_mode_deny_percent: Option<Percent>,
    /// The status of a request that is denied because the service cannot be asked. Default: 500.
    pub status_on_error: u16,
    /// What is remembered of its answers.
    pub cache: Cache,
}

impl Default for RateLimitService {
    fn default() -> Self {
        Self {
            cluster: None,
            grpc_service: None,
            timeout: Duration::from_nanos(20_000_000),
            failure_mode: None,
            failure_mode_deny: None,
            failure_mode_deny_percent: None,
            status_on_error: 500,
            cache: Cache::default(),
        }
    }
}

read_object!(
    RateLimitService = Self::default();
    cluster,
    grpc_service,
    timeout,
    failure_mode,
    failure_mode_deny,
    failure_mode_deny_percent,
    status_on_error,
    cache;
    instead [("transport_api_version", "it is always `V3`; leave it out")]
);

/// What becomes of a request about which the service cannot be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum FailureMode {
    /// It goes on.
    #[default]
    Allow,
    /// It is refused with `status_on_error`.
    Deny,
    /// `fallback_rates` of the limit decide.
    Local,
}

read_names!(FailureMode { "allow" => Allow, "deny" => Deny, "local" => Local });

/// Envoy's `GrpcService`.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct GrpcService {
    /// Envoy's own client.
    pub envoy_grpc: EnvoyGrpc,
}

read_object!(GrpcService = Self::default(); envoy_grpc (required); instead [
    ("google_grpc", "a Wasm filter calls clusters; give `envoy_grpc`"),
    ("timeout", "give `timeout` beside `grpc_service`"),
    ("initial_metadata", "it is not sent; let the route of the cluster add headers"),
]);

/// The cluster of the service.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct EnvoyGrpc {
    /// Its name.
    pub cluster_name: String,
}

read_object!(EnvoyGrpc = Self::default(); cluster_name (required); instead [
    ("authority", "the name of the cluster is sent; an endpoint's `auto_sni` takes the host from the cluster"),
]);

/// What each worker remembers of the service's answers, so that not every request is a call.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Cache {
    /// Whether a key that is over its limit is refused without a call until the service's window ends. Default: `true`.
    pub over_limit: bool,
    /// How many hits are taken from the service at once, for requests to come. 1: each request is a call. Default: 10.
    pub lease_hits: u32,
    /// After how long what is left of them is forgotten. Default: `1s`.
    pub lease_max_age: Duration,
    /// How many hits of a key a worker may give before the service has answered for them. 0: none, and the limit is never
    /// exceeded. Default: 0.
    pub overshoot_hits: u64,
    /// How many keys are remembered. Default: 10000.
    pub max_entries: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            over_limit: true,
            lease_hits: 10,
            lease_max_age: Duration::from_nanos(1_000_000_000),
            overshoot_hits: 0,
            max_entries: 10_000,
        }
    }
}

read_object!(Cache = Self::default(); over_limit, lease_hits, lease_max_age, overshoot_hits, max_entries);
