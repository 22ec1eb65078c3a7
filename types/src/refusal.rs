//! Responses of a filter that rejects a request.

use std::borrow::Cow;

/// The name and the value of a header to write.
pub type HeaderField = (Cow<'static, str>, Vec<u8>);

/// A reason that Envoy logs as response code details.
pub trait ResponseDetails: Copy {
    /// Returns the response code details (`%RESPONSE_CODE_DETAILS%`): a stable identifier without spaces.
    fn details(self) -> Cow<'static, str>;
}

/// The response to a request that a filter rejects.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it is sent only if the callback returns it: `return Ok(refusal.into())`"]
pub struct Refusal<R> {
    /// Reason, for the response code details, the statistics and the body.
    pub reason: R,
    /// HTTP status. A gRPC client receives 200 instead, and `grpc_status`.
    pub status: u16,
    /// Status for gRPC clients.
    pub grpc_status: u8,
    /// Headers of the response. The SDK checks them before it sends them.
    pub headers: Vec<HeaderField>,
    /// Body of the response.
    pub body: Vec<u8>,
}
