//! Costs of requests.

use tollgate_policy::{Config, HeaderMatcher, HeaderName, StatusRange};

/// Cost of a request. An object with exactly one field.
#[derive(Clone, Debug, Config)]
pub enum Cost {
    /// Fixed cost of each request. With 0, a request takes nothing, but needs room for 1: for a cost that
    /// only the response determines.
    Number(u64),
    /// Cost from a request header.
    Header(HeaderCost),
    /// Cost from the size of the body.
    BodyBytes(BodyCost),
}

/// Cost from a request header, at least 1. If the header is repeated, the largest value counts. Clients can
/// write any header, so let an earlier filter set or remove it.
#[derive(Clone, Debug, Config)]
pub struct HeaderCost {
    /// Name of the header.
    pub name: HeaderName,
    /// Cost of a request if the header is missing or not a number. Default: 1.
    #[config(default = 1)]
    pub default: u64,
    /// Maximum cost of a request.
    pub max: u64,
}

/// Cost of 1 for each `per` bytes of the body, rounded up, and at least 1. The cost of `content-length` is
/// reserved before the request continues. Bytes beyond that are charged with the response; if there is no
/// room for them, the key owes them.
#[derive(Clone, Debug, Config)]
pub struct BodyCost {
    /// Number of bytes that cost 1.
    pub per: u64,
    /// Maximum cost of a request.
    pub max: u64,
}

/// Changes to the cost of a request by its response. At least one field is required.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct OnResponse {
    /// Statuses of the responses that cost anything. For other responses, the cost is refunded. Default: all.
    pub statuses: Vec<StatusRange>,
    /// Headers of the responses that cost anything; all must match. For other responses, the cost is
    /// refunded. Default: all.
    pub headers: Vec<HeaderMatcher>,
    /// Response header that contains the total cost of the request. With `service`, the difference to the
    /// cost of the request is counted by another call.
    pub cost_header: Option<CostHeader>,
    /// Whether to refund the cost of a request that gets no response, too. Default: `false`.
    pub refund_without_response: bool,
}

/// Cost from a response header. Without the header, the cost of the request does not change.
#[derive(Clone, Debug, Config)]
pub struct CostHeader {
    /// Name of the header.
    pub name: HeaderName,
    /// Maximum cost of a request.
    pub max: u64,
}
