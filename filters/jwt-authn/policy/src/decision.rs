//! The decision about a request.

use crate::Reason;
use std::borrow::Cow;
use tollgate_policy::HeaderEdit;

/// The decision about a request.
#[derive(Debug)]
pub enum Decision<'p> {
    /// Allow the request.
    Pass(Pass<'p>),
    /// Reject the request.
    Refuse(Refusal),
    /// Wait: a fetch is in progress. Decide again when it ends, or when the time to wait is over.
    Wait,
}

/// Changes to a request that is allowed.
#[derive(Debug, Default)]
pub struct Pass<'p> {
    /// Header edits, in order.
    pub edits: Vec<HeaderEdit<'p>>,
    /// New path, without the token in its query.
    pub path: Option<Vec<u8>>,
    /// Filter state to set: name and value.
    pub filter_state: Vec<(&'static str, Cow<'p, [u8]>)>,
    /// Whether to select the route again.
    pub clear_route_cache: bool,
    /// Whether this is a CORS preflight request that is allowed without a token.
    pub preflight: bool,
    /// Reason for which the request would be rejected without shadow mode or `on_error: allow`.
    pub would_reject: Option<Reason>,
}

/// The response to a request that is rejected.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Reason, for the response code details, the statistics and the body.
    pub reason: Reason,
    /// HTTP status; a gRPC client gets `grpc_status`.
    pub status: u16,
    /// gRPC status.
    pub grpc_status: u8,
    /// `www-authenticate`, `content-type`, `location`, `retry-after`.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// Body.
    pub body: Vec<u8>,
}
