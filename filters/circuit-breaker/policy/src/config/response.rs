//! Responses to rejected requests.

use tollgate_policy::{BodyFormat, EditableName, HeaderValue};

/// Response to a rejected request: an error, or a fallback such as an empty list.
#[derive(Clone, Debug, tollgate_policy::Config)]
#[config(default)]
pub struct Response {
    /// HTTP status, 200 to 599. A gRPC client receives 200 and `grpc_status`. Default: 503.
    #[config(range = 200..=599)]
    pub status: u16,
    /// Status for gRPC clients. Default: 14 (`UNAVAILABLE`).
    #[config(range = 1..=16)]
    pub grpc_status: u8,
    /// Format of the body. Default: `text`; `empty` with a status that has no body: 204, 205 and 304.
    pub body_format: BodyFormat,
    /// Text to send as the body, in place of `body_format`; at most 16384 bytes.
    pub body: Option<String>,
    /// `Content-Type` of `body`. Default: `text/plain`.
    pub content_type: Option<HeaderValue>,
    /// Whether to add `Retry-After` if the time until the next probe is known. Default: `true`.
    pub retry_after: bool,
    /// Headers of the response.
    pub headers: Vec<HeaderToAdd>,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            status: 503,
            grpc_status: 14,
            body_format: BodyFormat::default(),
            body: None,
            content_type: None,
            retry_after: true,
            headers: Vec::new(),
        }
    }
}

/// A header of a response.
#[derive(Clone, Debug, tollgate_policy::Config)]
pub struct HeaderToAdd {
    /// Name.
    pub name: EditableName,
    /// Value.
    pub value: HeaderValue,
}
