//! What becomes of a request.

use crate::Reason;
use std::borrow::Cow;
use tollgate_policy::HeaderEdit;

/// What becomes of a request.
#[derive(Debug)]
pub enum Decision<'p> {
    /// It goes on.
    Pass(Pass<'p>),
    /// It is answered.
    Refuse(Refusal),
    /// Keys are on their way; ask again when they are here, or when the time to wait is over.
    Wait,
}

/// What is changed of a request that goes on.
#[derive(Debug, Default)]
pub struct Pass<'p> {
    /// In order.
    pub edits: Vec<HeaderEdit<'p>>,
    /// The path without the token that was in its query.
    pub path: Option<Vec<u8>>,
    /// What is left in the filter state: name and value.
    pub filter_state: Vec<(&'static str, Cow<'p, [u8]>)>,
    /// Whether the route is chosen anew.
    pub clear_route_cache: bool,
    /// It is a CORS preflight request that passed without a token.
    pub preflight: bool,
    /// Why it would have been refused, were it not for shadow mode or `on_error: allow`.
    pub in_spite_of: Option<Reason>,
}

/// The answer to a request that does not go on.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why: response code details, statistics, body.
    pub reason: Reason,
    /// The HTTP status; a gRPC client gets `grpc_status`.
    pub status: u16,
    /// The gRPC status.
    pub grpc_status: u8,
    /// `www-authenticate`, `content-type`, `location`, `retry-after`.
    pub headers: Vec<(&'static str, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}
