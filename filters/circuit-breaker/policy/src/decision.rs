//! Decisions about requests.

use crate::Reason;
use crate::result::Verdict;
use tollgate_counting::table::Place;
use tollgate_policy::{AllowedBy, HeaderField, HeaderName, UnixNanos};

/// Decision about a request.
#[derive(Debug)]
pub enum Decision {
    /// Allows the request.
    Pass(Pass),
    /// Rejects the request, or answers it with a fallback.
    Refuse(Refusal),
}

/// Changes to an allowed request, and what to keep until its response.
#[derive(Debug, Default)]
pub struct Pass {
    /// Admissions of the request.
    pub ticket: Ticket,
    /// Headers to remove from the request.
    pub remove: Vec<HeaderName>,
    /// Headers to set for the route and the upstream. The route must be selected again.
    pub set: Vec<HeaderField>,
    /// Why the request is allowed although a breaker would reject it or could not be checked.
    pub allowed_by: Option<AllowedBy<Reason>>,
}

/// Response to a rejected request.
pub type Refusal = tollgate_policy::Refusal<Reason>;

/// Admissions of a request by breakers, until it ends. Pass it to [`Policy::end`](crate::Policy::end) when
/// the request ends, in any way.
#[derive(Debug, Default)]
#[must_use = "a probe would never be returned"]
pub struct Ticket {
    pub(crate) admissions: Vec<Admission>,
}

impl Ticket {
    /// Returns whether no breaker has admitted the request.
    pub fn is_empty(&self) -> bool {
        self.admissions.is_empty()
    }
}

/// Admission of a request by one breaker.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) breaker: usize,
    pub(crate) place: Place,
    /// Values of the key, for logs.
    pub(crate) key: Box<str>,
    /// Epoch in which the result counts.
    pub(crate) epoch: u32,
    pub(crate) probe: bool,
    /// Whether the request is counted as in flight.
    pub(crate) in_flight: bool,
    pub(crate) began: UnixNanos,
    pub(crate) progress: Progress,
}

/// Progress of a request to its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The response headers have not arrived.
    Waiting,
    /// The headers have arrived after this time in nanoseconds. The rest decides about the result, which is
    /// this one if the response is complete.
    Responding(u64, Verdict),
    /// The result is counted.
    Done,
}
