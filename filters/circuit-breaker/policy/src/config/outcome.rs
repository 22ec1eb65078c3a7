//! Results of requests.

use tollgate_policy::{Config, GrpcStatus, HeaderMatcher, StatusRange};

/// Responses that are failures. All others are successes, except those that are ignored.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct Failures {
    /// Statuses of upstream responses. Default: `["5xx"]`.
    pub statuses: Vec<StatusRange>,
    /// Statuses of gRPC, in response headers or trailers. Default: `UNKNOWN`, `DEADLINE_EXCEEDED`,
    /// `INTERNAL`, `UNAVAILABLE`, `DATA_LOSS`.
    pub grpc_statuses: Vec<GrpcStatus>,
    /// Matchers of response headers, one of which is enough.
    pub headers: Vec<HeaderMatcher>,
    /// Whether it is a failure if the upstream does not respond in time. Default: `true`.
    pub timeouts: bool,
    /// Whether it is a failure if the upstream cannot be connected, or resets the stream before its response.
    /// Default: `true`.
    pub resets: bool,
    /// Whether it is a failure if the cluster has no healthy host. Default: `true`.
    pub no_healthy_upstream: bool,
    /// Whether it is a failure if a response breaks off after its headers. Then a success only counts when
    /// the response is complete. Default: `false`.
    pub incomplete_responses: bool,
}

impl Default for Failures {
    fn default() -> Self {
        Self {
            statuses: vec![StatusRange { first: 500, last: 599 }],
            grpc_statuses: vec![
                GrpcStatus::UNKNOWN,
                GrpcStatus::DEADLINE_EXCEEDED,
                GrpcStatus::INTERNAL,
                GrpcStatus::UNAVAILABLE,
                GrpcStatus::DATA_LOSS,
            ],
            headers: Vec::new(),
            timeouts: true,
            resets: true,
            no_healthy_upstream: true,
            incomplete_responses: false,
        }
    }
}

/// Responses that are neither successes nor failures. Responses that the proxy itself sends, such as the
/// rejection by another filter, are always ignored.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct Ignored {
    /// Statuses of upstream responses. Default: `[429]`.
    pub statuses: Vec<StatusRange>,
    /// Statuses of gRPC. Default: `CANCELLED`, `RESOURCE_EXHAUSTED`.
    pub grpc_statuses: Vec<GrpcStatus>,
    /// Matchers of response headers, one of which is enough.
    pub headers: Vec<HeaderMatcher>,
}

impl Default for Ignored {
    fn default() -> Self {
        Self {
            statuses: vec![StatusRange { first: 429, last: 429 }],
            grpc_statuses: vec![GrpcStatus::CANCELLED, GrpcStatus::RESOURCE_EXHAUSTED],
            headers: Vec::new(),
        }
    }
}
