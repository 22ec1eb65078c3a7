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
    /// Statuses of upstream responses. Default: `["4xx"]`, except those that are failures.
    pub statuses: Option<Vec<StatusRange>>,
    /// Statuses of gRPC. Default: `CANCELLED`, `INVALID_ARGUMENT`, `NOT_FOUND`, `ALREADY_EXISTS`,
    /// `PERMISSION_DENIED`, `RESOURCE_EXHAUSTED`, `FAILED_PRECONDITION`, `OUT_OF_RANGE`, `UNAUTHENTICATED`.
    pub grpc_statuses: Vec<GrpcStatus>,
    /// Matchers of response headers, one of which is enough.
    pub headers: Vec<HeaderMatcher>,
}

/// Statuses of gRPC for errors of the client.
const CLIENT_ERRORS: [&str; 9] = ["1", "3", "5", "6", "7", "8", "9", "11", "16"];

impl Default for Ignored {
    fn default() -> Self {
        Self {
            statuses: None,
            grpc_statuses: CLIENT_ERRORS.map(|code| GrpcStatus::from_header(code.as_bytes())).into(),
            headers: Vec::new(),
        }
    }
}
