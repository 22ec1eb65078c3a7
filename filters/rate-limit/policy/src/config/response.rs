//! Responses to clients, and headers for upstreams.

pub use tollgate_policy::{BodyFormat, Status};
use tollgate_policy::{Config, EditableName, HeaderValue};

/// Responses to clients, and headers for upstreams. A rejected gRPC request always gets a gRPC status.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct Response {
    /// Status of a rejection, 400 to 599. Default: 429.
    #[config(alias = "rate_limited_status")]
    pub status: Status,
    /// Format of the body of a rejection. Default: `text`.
    pub body_format: Option<BodyFormat>,
    /// Text to send as the body of a rejection, in place of `body_format`; at most 16384 bytes.
    pub body: Option<String>,
    /// `Content-Type` of `body`. Default: `text/plain`.
    pub content_type: Option<HeaderValue>,
    /// Whether to add `Retry-After` to rejections. Default: `true`.
    #[config(alias = "enable_retry_after_header")]
    pub retry_after: bool,
    /// Whether to add the IETF headers `RateLimit` and `RateLimit-Policy` to responses. Default: `true`.
    pub rate_limit_headers: bool,
    /// Adds older headers to responses: Envoy's `X-RateLimit-Limit`, `-Remaining` and `-Reset`, or those of
    /// Kong. Default: `OFF`.
    pub enable_x_ratelimit_headers: XRateLimitHeaders,
    /// Whether to reject gRPC requests with `RESOURCE_EXHAUSTED` instead of `UNAVAILABLE`. Default: `false`.
    pub rate_limited_as_resource_exhausted: bool,
    /// Omit `x-envoy-ratelimited` when the service rejects a request. Default: `false`.
    pub disable_x_envoy_ratelimited_header: bool,
    /// Headers to add to rejections.
    pub response_headers_to_add: Vec<HeaderToAdd>,
    /// Headers to set for the upstream when a request would have been rejected but is not, because of
    /// `shadow` or `filter_enforced`.
    pub request_headers_to_add_when_not_enforced: Vec<HeaderToAdd>,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            status: Status { code: 429 },
            body_format: None,
            body: None,
            content_type: None,
            retry_after: true,
            rate_limit_headers: true,
            enable_x_ratelimit_headers: XRateLimitHeaders::Off,
            rate_limited_as_resource_exhausted: false,
            disable_x_envoy_ratelimited_header: false,
            response_headers_to_add: Vec::new(),
            request_headers_to_add_when_not_enforced: Vec::new(),
        }
    }
}

/// Older headers with quotas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum XRateLimitHeaders {
    /// No such headers.
    #[default]
    #[config(rename = "OFF")]
    Off,
    /// Headers of version 03 of the IETF draft.
    #[config(rename = "DRAFT_VERSION_03")]
    Draft03,
    /// Headers of Kong: `X-RateLimit-Limit-Minute` and so on for each unit of time, and `RateLimit-Limit`,
    /// `RateLimit-Remaining` and `RateLimit-Reset`.
    #[config(rename = "KONG")]
    Kong,
}

/// A header to add, as in Envoy: `{header: {key: x-team, value: blue}}`.
#[derive(Clone, Debug, Config)]
#[config(instead = [
    ("append", ADDED),
    ("append_action", ADDED),
    ("keep_empty_value", "an empty value is always kept; remove this field"),
])]
pub struct HeaderToAdd {
    /// Header to add.
    pub header: HeaderValueOption,
}

/// A header and its value.
#[derive(Clone, Debug, Config)]
#[config(instead = [("raw_value", "use `value`")])]
pub struct HeaderValueOption {
    /// Name of the header.
    pub key: EditableName,
    /// Value of the header, which is sent unchanged. `%..%` references are not supported.
    pub value: HeaderValue,
}

const ADDED: &str = "not supported; remove this field";
