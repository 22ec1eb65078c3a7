//! Decisions about requests.

use crate::Reason;
use crate::result::Verdict;
use std::borrow::Cow;
use tollgate_counting::table::Place;
use tollgate_policy::{AllowedBy, HeaderEdit, HeaderName, HeaderValue, UnixNanos};

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
    /// Headers that a client sent to select a fallback cluster itself.
    pub(crate) forged: Vec<HeaderName>,
    /// Header that selects a fallback cluster.
    pub(crate) fallback: Option<(HeaderName, HeaderValue)>,
    /// Why the request is allowed although a breaker would reject it or could not be checked.
    pub allowed_by: Option<AllowedBy<Reason>>,
}

impl Pass {
    /// Returns the edits of the headers of the request. After any, the route must be selected again.
    pub fn edits(&self) -> Vec<HeaderEdit<'_>> {
        let removed = self.forged.iter().map(HeaderEdit::Remove);
        let fallback = self.fallback.iter();
        let set = fallback.map(|(name, value)| HeaderEdit::Set(name, Cow::Borrowed(value.as_bytes())));
        removed.chain(set).collect()
    }
}

/// Response to a rejected request.
pub type Refusal = tollgate_policy::Refusal<Reason>;

/// Admissions of a request by breakers, until it ends. Pass it to [`Policy::end`](crate::Policy::end) when
/// the request ends, in any way.
#[derive(Debug, Default)]
#[must_use = "a probe would never be returned"]
pub struct Ticket {
    pub(crate) admissions: Vec<Admission>,
    /// Whether the whole request has arrived from the client.
    pub is_sent: bool,
}

impl Ticket {
    /// Returns whether nothing of the request is left to count or to release.
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

impl Admission {
    /// Returns whether the admission has no result yet, or is in flight.
    pub(crate) fn is_held(&self) -> bool {
        self.in_flight || self.progress != Progress::Done
    }
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
