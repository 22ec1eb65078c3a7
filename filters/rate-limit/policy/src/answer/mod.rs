//! What clients and upstreams are told.

use tollgate_policy::{EditableName, HeaderValue};

/// What clients and upstreams are told, as it is configured.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The status of a refusal by a limit. Default: 429.
    pub status: u16,
    /// The status when a limit could not be asked. Default: 500.
    pub status_on_error: u16,
    /// `rate_limited_as_resource_exhausted`: gRPC clients get `RESOURCE_EXHAUSTED` in place of `UNAVAILABLE`.
    pub resource_exhausted: bool,
    /// The body of a refusal.
    pub body: Body,
    /// Refusals have `retry-after`, if it is known when there will be room. Default: true.
    pub retry_after: bool,
    /// All responses have `ratelimit` and `ratelimit-policy`.
    pub rate_limit_headers: bool,
    /// All responses have `x-ratelimit-limit`, `-remaining` and `-reset`: `enable_x_ratelimit_headers`.
    pub x_ratelimit_headers: bool,
    /// Refusals by the service have `x-envoy-ratelimited`. Default: true.
    pub x_envoy_ratelimited: bool,
    /// Added to refusals.
    pub response_headers: Vec<(EditableName, HeaderValue)>,
    /// Added for the upstream to what goes on in spite of a limit, since that is not enforced.
    pub request_headers_when_not_enforced: Vec<(EditableName, HeaderValue)>,
}

/// The body of a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// The reason's name, as Envoy has it.
    #[default]
    Text,
    /// An object with `error`, `reason`, the policy and when to come again.
    Json,
    /// Problem details (RFC 9457).
    Problem,
    /// None.
    Empty,
    /// This one.
    Inline {
        /// What it is; `text/plain` if not said.
        content_type: Option<HeaderValue>,
        /// It.
        body: Vec<u8>,
    },
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            status: 429,
            status_on_error: 500,
            resource_exhausted: false,
            body: Body::Text,
            retry_after: true,
            rate_limit_headers: false,
            x_ratelimit_headers: false,
            x_envoy_ratelimited: true,
            response_headers: Vec::new(),
            request_headers_when_not_enforced: Vec::new(),
        }
    }
}
