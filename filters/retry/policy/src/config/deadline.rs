//! Deadlines of requests.

use tollgate_policy::{Config, Duration, EditableName};

/// Deadline of a request: the time at which its response is of no more use.
///
/// The filter forwards the remaining time to the upstream: in `grpc-timeout` of a gRPC request, and in the
/// configured header. It limits all attempts together. A request whose deadline has passed is rejected with
/// status 504.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
#[config(default)]
pub struct Deadline {
    /// Whether to read `grpc-timeout` of gRPC requests. Default: `true`.
    pub grpc_timeout: bool,
    /// Header with a deadline. Default: none.
    pub header: Option<DeadlineHeader>,
    /// Longest time that a client may ask for, and the time for requests without a deadline. Replaces the
    /// timeout of the route, also a shorter one. Required if clients can give a time and the rule has no
    /// `timeout`. Default: none.
    pub max: Option<Duration>,
    /// Shortest time that an attempt needs: a replay for which less remains after its back-off is not
    /// started. Default: `10ms`.
    pub min_remaining: Duration,
}

impl Default for Deadline {
    fn default() -> Self {
        Self { grpc_timeout: true, header: None, max: None, min_remaining: Duration::from_nanos(10_000_000) }
    }
}

/// A header with a deadline.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
pub struct DeadlineHeader {
    /// Name, such as `x-request-timeout-ms`.
    pub name: EditableName,
    /// Format of the value. Default: `milliseconds`.
    #[config(default)]
    pub format: DeadlineFormat,
}

/// Format of a deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum DeadlineFormat {
    /// Remaining milliseconds.
    #[default]
    Milliseconds,
    /// Remaining seconds.
    Seconds,
    /// Remaining time in the format of `grpc-timeout`, such as `250m`.
    GrpcTimeout,
    /// Milliseconds since the Unix epoch.
    UnixMilliseconds,
}
