//! A breaker: when it opens, for how long, and how it recovers.

use super::{AdmissionControl, Concurrency, Failures, Ignored, KeyPart, Response};
use tollgate_policy::{Config, Duration, EditableName, HeaderValue, Percent};

/// A breaker. At least one of `failure_rate`, `failure_count`, `consecutive_failures`, `slow_requests`,
/// `concurrency` and `admission_control` is required, except with another `mode` than `automatic`.
#[derive(Clone, Debug, Config)]
#[config(default, instead = [
    ("failure_rate_threshold", "use `failure_rate`"),
    ("sliding_window_size", "use `window`: `window: {requests: 100}`"),
    ("minimum_number_of_calls", "use `minimum_requests`"),
    ("wait_duration_in_open_state", "use `open`: `open: {duration: 60s}`"),
    ("permitted_number_of_calls_in_half_open_state", "use `half_open`: `half_open: {probes: 10}`"),
    ("slow_call_duration_threshold", "use `slow_requests`: `slow_requests: {duration: 2s}`"),
])]
pub struct Breaker {
    /// Parts of the key. Each combination of their values has a state of its own. Default: none, so that all
    /// requests share one state.
    pub key: Vec<KeyPart>,
    /// Mode of the breaker. Default: `automatic`.
    pub mode: Mode,
    /// Sliding window of outcomes. Default: the last 100 requests.
    pub window: Option<Window>,
    /// Number of failures in a row that opens the breaker. Default: none.
    pub consecutive_failures: Option<u32>,
    /// Number of failures in the window that opens the breaker. Default: none.
    #[config(alias = "consecutive_errors")]
    pub failure_count: Option<u32>,
    /// Percentage of failures in the window that opens the breaker. Default: none.
    #[config(alias = "error_rate")]
    pub failure_rate: Option<Percent>,
    /// Number of requests in the window from which `failure_rate` and the rate of slow requests count.
    /// Default: 100, or the size of the window if that is smaller.
    pub minimum_requests: Option<u32>,
    /// Slow requests, which open the breaker too. Default: none.
    pub slow_requests: Option<SlowRequests>,
    /// Time for which the breaker opens.
    pub open: Option<Open>,
    /// Recovery.
    pub half_open: Option<HalfOpen>,
    /// Responses that are failures.
    pub failures: Failures,
    /// Responses that are neither successes nor failures.
    pub ignored: Ignored,
    /// Adaptive limit on the requests in flight. Default: none.
    pub concurrency: Option<Concurrency>,
    /// Rejects requests with a probability that follows the share of failures. Default: none.
    pub admission_control: Option<AdmissionControl>,
    /// Handling of rejected requests by another cluster. Default: none.
    pub fallback: Option<Fallback>,
    /// Response to rejected requests. Default: the `response` of the filter.
    pub response: Option<Response>,
    /// Whether the breaker only counts the requests that it would reject, and rejects none. Default: `false`.
    pub shadow: bool,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            key: Vec::new(),
            mode: Mode::Automatic,
            window: None,
            consecutive_failures: None,
            failure_count: None,
            failure_rate: None,
            minimum_requests: None,
            slow_requests: None,
            open: None,
            half_open: None,
            failures: Failures::default(),
            ignored: Ignored::default(),
            concurrency: None,
            admission_control: None,
            fallback: None,
            response: None,
            shadow: false,
        }
    }
}

/// Mode of a breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum Mode {
    /// Opens and closes as configured.
    #[default]
    Automatic,
    /// Counts outcomes, and never opens.
    MetricsOnly,
    /// Does nothing.
    Disabled,
    /// Rejects all requests.
    ForcedOpen,
}

/// Sliding window: either of the two fields.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct Window {
    /// Number of the last requests, 1 to 1000.
    #[config(range = 1..=1000)]
    pub requests: Option<u16>,
    /// Length in time, `100ms` to `1h`. The window moves in steps of a tenth.
    pub duration: Option<Duration>,
}

/// Slow requests.
#[derive(Clone, Debug, Config)]
pub struct SlowRequests {
    /// Time until the response headers from which a request is slow, `1ms` to `1h`.
    pub duration: Duration,
    /// Percentage of slow requests in the window that opens the breaker. Default: 100.
    #[config(default = Percent::ALL)]
    pub rate: Percent,
}

/// Time for which a breaker opens.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct Open {
    /// First time, `1ms` to `24h`. Default: `60s`.
    pub duration: Duration,
    /// Factor by which each further time is longer, if the probes failed, 1 to 10. Default: 2.
    pub growth: f64,
    /// Longest time. Default: `10m`, or `duration` if that is longer.
    pub max_duration: Option<Duration>,
    /// Maximum percentage of the time that is added at random, so that several Envoys do not probe at the
    /// same moment. Default: 10.
    pub jitter: Percent,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(60),
            growth: 2.0,
            max_duration: None,
            jitter: Percent::try_from(10.0).unwrap_or(Percent::ZERO),
        }
    }
}

/// Recovery: after the open time, the breaker is half-open, and its next requests are probes.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct HalfOpen {
    /// Number of probes, 1 to 1000. Other requests are rejected until all probes have a result. The breaker
    /// then closes, or opens again if `failure_rate` or the rate of slow requests is reached; without
    /// `failure_rate`, one failed probe is enough. Default: 10.
    #[config(range = 1..=1000)]
    pub probes: u16,
    /// Time after which the breaker opens again if probes are still without a result, `1ms` to `24h`.
    /// Default: `60s`.
    pub max_duration: Duration,
}

impl Default for HalfOpen {
    fn default() -> Self {
        Self { probes: 10, max_duration: Duration::from_secs(60) }
    }
}

/// Handling of rejected requests by another cluster: the filter sets a request header and has the route
/// selected again, so that a route with a matcher of this header, or with `cluster_header`, selects the
/// cluster. The filter removes the header from requests of clients.
#[derive(Clone, Debug, Config)]
pub struct Fallback {
    /// Name of the request header.
    pub header: EditableName,
    /// Value of the request header.
    pub value: HeaderValue,
}
