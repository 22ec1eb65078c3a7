//! Retries by the filter.

use core::fmt;
use std::str::FromStr;
use tollgate_policy::{
    Config, Duration, EditableName, GrpcStatus, HeaderMatcher, HeaderValue, Percent, StatusRange,
    StringMatcher,
};

/// Retries by the filter: it holds the response, and sends the request again by a callout. One condition is
/// enough. Place the filter last: a callout passes neither later filters nor the route.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct Replay {
    /// Maximum number of callouts, from 0 to 100, without the one to `fallback_cluster`. Default: 1.
    #[config(range = 0..=100)]
    pub num_retries: u32,
    /// Statuses of responses that are retried, such as `429`, `5xx` or `502-504`.
    pub retriable_status_codes: Vec<StatusRange>,
    /// Headers of responses that are retried.
    pub retriable_headers: Vec<HeaderMatcher>,
    /// gRPC statuses that are retried, in headers or trailers, such as `UNAVAILABLE`.
    pub retriable_grpc_statuses: Vec<GrpcStatus>,
    /// Field of a JSON body of responses that are retried, if they have a `content-length`. Needs
    /// `allow_on_headers_stop_iteration` of Envoy.
    pub retriable_body: Option<BodyMatcher>,
    /// Back-off before a callout.
    pub retry_back_off: BackOff,
    /// Longest `Retry-After` that the filter waits for, instead of the back-off. A response that asks for
    /// more is not retried. `0` ignores the header. Default: `5s`.
    pub max_retry_after: Duration,
    /// Timeout of each callout, at least `1ms`. Default: `5s`.
    pub per_try_timeout: Duration,
    /// Cluster for the callouts. Default: that of the route.
    pub cluster: Option<String>,
    /// Cluster that receives the request when all retries have failed.
    pub fallback_cluster: Option<Fallback>,
    /// Response if that fails too. Default: the last response of an upstream.
    pub fallback_response: Option<FallbackResponse>,
    /// Maximum size of the body of a response in bytes. A larger response passes through. Must not exceed the
    /// buffer limit of the connection (`per_connection_buffer_limit_bytes` of the listener, 1048576 by
    /// default): Envoy answers 500 if a filter holds more. Default: 524288.
    pub max_response_bytes: u32,
    /// Longest time that the message of a gRPC response is held until its trailers arrive, at least `1ms`.
    /// Then the response passes. Default: `1s`.
    pub max_hold: Duration,
    /// A second attempt while the first one waits for a response. Not for gRPC. Default: none.
    pub hedge: Option<Hedge>,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            num_retries: 1,
            retriable_status_codes: Vec::new(),
            retriable_headers: Vec::new(),
            retriable_grpc_statuses: Vec::new(),
            retriable_body: None,
            retry_back_off: BackOff::default(),
            max_retry_after: Duration::from_secs(5),
            per_try_timeout: Duration::from_secs(5),
            cluster: None,
            fallback_cluster: None,
            fallback_response: None,
            max_response_bytes: 1 << 19,
            max_hold: Duration::from_secs(1),
            hedge: None,
        }
    }
}

/// Back-off before the n-th callout: random, from 0 to `base_interval * (2^n - 1)`, as in Envoy.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
#[config(default)]
pub struct BackOff {
    /// Maximum before the first callout, at least `1ms`. Default: `25ms`.
    pub base_interval: Duration,
    /// Maximum before each callout. Default: ten times `base_interval`.
    pub max_interval: Option<Duration>,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { base_interval: Duration::from_nanos(25_000_000), max_interval: None }
    }
}

/// Field of a JSON body.
#[derive(Clone, Debug, Config)]
pub struct BodyMatcher {
    /// Path of the field, a JSON Pointer (RFC 6901) such as `/error/code`.
    pub field: JsonPointer,
    /// Matcher of its value. A number or a boolean is compared as it is written.
    pub value: StringMatcher,
}

/// A JSON Pointer (RFC 6901).
#[derive(Clone, Debug, Default, PartialEq, Eq, Config)]
#[config(text(expected = "a JSON Pointer such as `/error/code`", pattern = "^(/([^~]|~[01])*)+$"))]
pub struct JsonPointer(String);

impl JsonPointer {
    /// Returns the pointer.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JsonPointer {
    type Err = InvalidJsonPointer;

    fn from_str(text: &str) -> Result<Self, InvalidJsonPointer> {
        let escapes = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
        if text.starts_with('/') && escapes {
            Ok(Self(text.into()))
        } else {
            Err(InvalidJsonPointer(text.into()))
        }
    }
}

/// A text that is not a JSON Pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidJsonPointer(String);

impl fmt::Display for InvalidJsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a JSON Pointer, expected one such as `/error/code`", self.0.escape_debug())
    }
}

impl std::error::Error for InvalidJsonPointer {}

/// Cluster that receives a request when all retries have failed.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
pub struct Fallback {
    /// Name of the cluster.
    pub cluster: String,
    /// Value of `:authority` for it. Default: that of the request.
    pub authority: Option<HeaderValue>,
}

/// Response when all retries have failed.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
#[config(default)]
pub struct FallbackResponse {
    /// HTTP status. Default: 503.
    #[config(range = 200..=599)]
    pub status: u16,
    /// Status for gRPC clients. Default: 14 (`UNAVAILABLE`).
    #[config(range = 0..=16)]
    pub grpc_status: u8,
    /// Body.
    pub body: String,
    /// Headers, such as `content-type`.
    pub headers: Vec<HeaderToAdd>,
}

impl Default for FallbackResponse {
    fn default() -> Self {
        Self { status: 503, grpc_status: 14, body: String::new(), headers: Vec::new() }
    }
}

/// A header of a response.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
pub struct HeaderToAdd {
    /// Name.
    pub name: EditableName,
    /// Value.
    pub value: HeaderValue,
}

/// Time after which a request without a response is sent a second time.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
pub enum Hedge {
    /// A fixed time, at least `1ms`.
    Delay(Duration),
    /// A percentile of the times to the first byte of the rule's responses.
    Percentile(Percentile),
}

/// A percentile of the times to the first byte of the rule's responses, as this worker measures them.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
#[config(default)]
pub struct Percentile {
    /// Percentage of responses that are faster. Default: 95.
    pub percent: Percent,
    /// Shortest time, at least `1ms`. Default: `10ms`.
    pub min_delay: Duration,
    /// Number of responses before the first second attempt, at least 1. Default: 100.
    #[config(range = 1..=1_000_000)]
    pub min_samples: u32,
}

impl Default for Percentile {
    fn default() -> Self {
        let percent = Percent::try_from(95.0).unwrap_or(Percent::ALL);
        Self { percent, min_delay: Duration::from_nanos(10_000_000), min_samples: 100 }
    }
}
