//! Rate limit service.

use tollgate_policy::{Config, Duration, Percent};

/// Rate limit service that implements `envoy.service.ratelimit.v3`, such as envoyproxy/ratelimit or
/// Limitador. Exactly one of `cluster` and `grpc_service` is required.
#[derive(Clone, Debug, Config)]
#[config(default, instead = [
    ("transport_api_version", "always `V3`; remove this field"),
    ("status_on_error", "move it to the top level"),
])]
pub struct RateLimitService {
    /// Cluster of the service. It must support HTTP/2.
    pub cluster: Option<String>,
    /// Cluster of the service, in Envoy's form.
    pub grpc_service: Option<GrpcService>,
    /// Maximum time to wait for the answer, `1ms` to `5m`. Default: `20ms`.
    pub timeout: Duration,
    /// Handling of a request while the service is unavailable. Default: `allow`; `deny` with
    /// `failure_mode_deny` or `failure_mode_deny_percent`.
    pub failure_mode: Option<FailureMode>,
    /// Envoy's form of `failure_mode: deny`.
    pub failure_mode_deny: Option<bool>,
    /// Percentage of requests to reject with `failure_mode: deny`; the others are allowed. Default: 100.
    pub failure_mode_deny_percent: Option<Percent>,
    /// Cache for the answers of the service.
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
            cache: Cache::default(),
        }
    }
}

/// Handling of a request while the service is unavailable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum FailureMode {
    /// Allows the request.
    #[default]
    Allow,
    /// Rejects the request with `status_on_error`.
    Deny,
    /// Applies the `fallback_rates` of the limit.
    Local,
}

/// Envoy's `GrpcService`.
#[derive(Clone, Debug, Default, Config)]
#[config(instead = [
    ("google_grpc", "a Wasm filter can only call clusters; use `envoy_grpc`"),
    ("timeout", "use `rate_limit_service.timeout`"),
    ("initial_metadata", "not supported: no initial metadata is sent"),
])]
pub struct GrpcService {
    /// Envoy's built-in gRPC client.
    pub envoy_grpc: EnvoyGrpc,
}

/// Cluster of the service.
#[derive(Clone, Debug, Default, Config)]
#[config(instead = [
    ("authority", "not supported: the authority is the name of the cluster"),
])]
pub struct EnvoyGrpc {
    /// Name of the cluster.
    pub cluster_name: String,
}

/// Cache of each worker for the answers of the service, so that not every request needs a call.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct Cache {
    /// Whether to reject requests of a key that is over its limit without a call, until the service's window
    /// ends. Default: `true`.
    pub over_limit: bool,
    /// Maximum number of hits to take from the service at once, for future requests. With 1, each request is
    /// a call. Default: 10.
    pub lease_hits: u32,
    /// Time after which unused hits of a lease expire. Values above a minute count as a minute.
    /// Default: `1s`.
    pub lease_max_age: Duration,
    /// Maximum number of hits of a key that a worker may allow before the service has answered for them. With
    /// 0, the limit is never exceeded. Default: 0.
    pub overshoot_hits: u64,
    /// Maximum number of keys in the cache of a worker. Default: 10000.
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
