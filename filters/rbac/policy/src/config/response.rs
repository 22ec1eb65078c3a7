//! Responses to rejected requests.

use tollgate_policy::{BodyFormat, EditableName, HeaderValue};

/// Response to a rejected request.
#[derive(Clone, Debug, tollgate_policy::Config)]
#[config(default)]
pub struct Response {
    /// HTTP status, for example 404 to hide a resource, or 302 with a header `location`. A gRPC client
    /// receives 200 and `grpc_status`. Default: 403.
    #[config(range = 300..=599)]
    pub status: u16,
    /// Status for gRPC clients. Default: 7 (`PERMISSION_DENIED`).
    #[config(range = 1..=16)]
    pub grpc_status: u8,
    /// Text of the body. Default: `RBAC: access denied`.
    pub body: String,
    /// Format of the body. Default: `text`.
    pub body_format: BodyFormat,
    /// Headers of the response, for example a challenge: `www-authenticate`.
    pub headers: Vec<HeaderToAdd>,
    /// Whether the body contains the policy, the rule and the role that decided. Default: `false`.
    pub reveal_policy: bool,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            status: 403,
            grpc_status: 7,
            body: "RBAC: access denied".into(),
            body_format: BodyFormat::default(),
            headers: Vec::new(),
            reveal_policy: false,
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
