//! Aborts, resets and faults of responses.

use super::{FromHeader, TimeConfig};
use tollgate_policy::{Config, EditableName, GrpcStatus, HeaderValue, Percent, Template};

/// Answers requests in place of the upstream. Has exactly one of `http_status`, `grpc_status` and `header`.
#[derive(Clone, Debug, Config)]
pub struct AbortConfig {
    /// Share of the requests, in percent.
    pub percentage: Percent,
    /// Status, headers and body of the response.
    #[config(flatten)]
    pub reply: ReplyConfig,
    /// Take the status from the request header `x-envoy-fault-abort-request` or
    /// `x-envoy-fault-abort-grpc-request`.
    pub header: Option<FromHeader>,
}

/// A response of the filter.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct ReplyConfig {
    /// HTTP status, 200 to 599. A gRPC client receives the gRPC status that Envoy derives from it.
    pub http_status: Option<HttpStatus>,
    /// gRPC status, as a name or a number. The HTTP status is 200.
    pub grpc_status: Option<GrpcStatus>,
    /// Body. Default: `fault filter abort`. A response with the status 204 or 304 has none.
    pub body: Option<String>,
    /// Headers to add to the response. Values can have references to the request, such as `%REQ(x-team)%`; a
    /// header without a value for one of its references is left out.
    pub headers: Vec<HeaderToAdd>,
}

/// An HTTP status, 200 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Config)]
#[config(try_from = u16, blank = Self(200))]
pub struct HttpStatus(pub u16);

impl TryFrom<u16> for HttpStatus {
    type Error = String;

    fn try_from(status: u16) -> Result<Self, String> {
        if (200..=599).contains(&status) {
            Ok(Self(status))
        } else {
            Err(format!("`{status}` is not a status from 200 to 599"))
        }
    }
}

/// A header of a response.
#[derive(Clone, Debug, Config)]
pub struct HeaderToAdd {
    /// Name.
    pub name: EditableName,
    /// Value, which can have references to the request.
    pub value: Template,
}

/// Resets the stream of requests: the client receives no response.
#[derive(Clone, Debug, Config)]
pub struct ResetConfig {
    /// Share of the requests, in percent.
    pub percentage: Percent,
}

/// Changes responses. The upstream has done its work then. A response that no upstream sent is not changed,
/// but its rate can be limited.
#[derive(Clone, Debug, Config)]
pub struct ResponseConfig {
    /// Share of the requests, in percent.
    pub percentage: Percent,
    /// Delay before the response.
    pub delay: Option<TimeConfig>,
    /// Response in place of that of the upstream, with exactly one of `http_status` and `grpc_status`.
    pub replace: Option<ReplyConfig>,
    /// Headers to set.
    #[config(default)]
    pub set_headers: Vec<HeaderToSet>,
    /// Headers to remove.
    #[config(default)]
    pub remove_headers: Vec<EditableName>,
    /// Number of bytes after which the body ends.
    pub truncate_after: Option<u64>,
    /// Number of bytes of the body after which the stream is reset.
    pub reset_after: Option<u64>,
    /// Share of the bytes of the body to replace by random ones, in percent.
    pub corrupt: Option<Percent>,
    /// Maximum rate of the body, in bytes per second.
    pub bytes_per_second: Option<u64>,
    /// Take the maximum rate from the request header `x-envoy-fault-throughput-response`, in KiB per second.
    pub rate_from_header: Option<FromHeader>,
}

/// A header to set.
#[derive(Clone, Debug, Config)]
pub struct HeaderToSet {
    /// Name.
    pub name: EditableName,
    /// Value.
    pub value: HeaderValue,
}
