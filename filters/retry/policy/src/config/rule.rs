//! Rules, which select the retries of a request.

use super::{Conditions, Deadline, Replay};
use tollgate_policy::{Config, Duration, HeaderName, PathMatcher, RequestMatch};

/// Retries of some requests. The fields up to `hedge_on_per_try_timeout` control the retries of Envoy's
/// router.
#[derive(Clone, Debug, Config)]
#[config(default, instead = [
    ("attempts", "use `num_retries`"),
    ("retryOn", "use `retry_on`"),
    ("perTryTimeout", "use `per_try_timeout`"),
    ("retry_back_off", "the router has no header for it; set it in the route, or in `replay`"),
    ("rate_limited_retry_back_off", "the router has no header for it; set it in the route, or use `replay`"),
    ("per_try_idle_timeout", "the router has no header for it; set it in the route"),
    ("retry_host_predicate", "the router has no header for it; set it in the route"),
    ("retriable_request_headers", "use `match` and `safe`"),
    ("hedge_policy", "use `hedge_on_per_try_timeout`, or `replay.hedge`"),
])]
pub struct Rule {
    /// Requests that the rule matches. Default: all.
    #[config(rename = "match")]
    pub condition: RequestMatch,
    /// Conditions under which the router retries. Added to those of the route. Default: those of Istio,
    /// `connect-failure,refused-stream,unavailable,cancelled`.
    pub retry_on: Conditions,
    /// Maximum number of retries by the router, from 0 to 100. Replaces the number of the route. Default: 1.
    #[config(range = 0..=100)]
    pub num_retries: u32,
    /// Statuses for the condition `retriable-status-codes`, in addition to those in `retry_on`.
    pub retriable_status_codes: Vec<u16>,
    /// Names of response headers for the condition `retriable-headers`.
    pub retriable_headers: Vec<HeaderName>,
    /// Timeout of each attempt, at least `1ms` and less than `timeout`. Default: that of the route.
    pub per_try_timeout: Option<Duration>,
    /// Timeout of all attempts of the router together, at least `1ms`. Default: that of the route.
    pub timeout: Option<Duration>,
    /// Whether an attempt that exceeds `per_try_timeout` is kept while the next one is sent. Default:
    /// `false`.
    pub hedge_on_per_try_timeout: bool,
    /// Requests that may be sent more than once.
    pub safe: Safe,
    /// Deadline of the request. Default: none.
    pub deadline: Option<Deadline>,
    /// Retries by the filter, for what the router cannot handle. Default: none.
    pub replay: Option<Replay>,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            condition: RequestMatch::default(),
            retry_on: Conditions::istio(),
            num_retries: 1,
            retriable_status_codes: Vec::new(),
            retriable_headers: Vec::new(),
            per_try_timeout: None,
            timeout: None,
            hedge_on_per_try_timeout: false,
            safe: Safe::default(),
            deadline: None,
            replay: None,
        }
    }
}

/// Requests that may be sent more than once. All others are sent once, whatever the route says.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct Safe {
    /// Methods. Default: the idempotent methods (RFC 9110 section 9.2.2) `GET`, `HEAD`, `OPTIONS`, `TRACE`,
    /// `PUT` and `DELETE`. They do not apply to gRPC.
    pub methods: Vec<String>,
    /// Whether a request of any method may be retried if it has an `Idempotency-Key`. Default: `true`.
    pub idempotency_key: bool,
    /// gRPC methods, such as `{"exact": "/shop.Stock/Get"}`. Default: none.
    pub grpc_methods: Vec<PathMatcher>,
    /// Maximum size of a request body in bytes. A request whose `content-length` is larger is sent once. A
    /// body without `content-length` that becomes larger is not replayed or hedged, but the router may retry
    /// it up to the buffer limit of the route, which this size should not exceed. Default: 1048576.
    pub max_request_bytes: u32,
}

impl Default for Safe {
    fn default() -> Self {
        Self {
            methods: ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"].map(Into::into).into(),
            idempotency_key: true,
            grpc_methods: Vec::new(),
            max_request_bytes: 1 << 20,
        }
    }
}
