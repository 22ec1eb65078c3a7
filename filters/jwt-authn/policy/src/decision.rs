//! The decision about a request.

use crate::Reason;
use std::borrow::Cow;
use tollgate_policy::{AllowedBy, HeaderEdit};

/// The decision about a request.
#[derive(Debug)]
pub enum Decision<'p> {
    /// Allow the request.
    Pass(Pass<'p>),
    /// Reject the request.
    Refuse(Refusal),
    /// Answer with the metadata of a protected resource (RFC 9728), a JSON object.
    Metadata(&'p [u8]),
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
    /// Why the request is allowed although it does not meet its requirement.
    pub allowed_by: Option<AllowedBy<Reason>>,
}

/// The response to a request that is rejected. Its headers are `www-authenticate`, `content-type`, `location`
/// and `retry-after`.
pub type Refusal = tollgate_policy::Refusal<Reason>;
