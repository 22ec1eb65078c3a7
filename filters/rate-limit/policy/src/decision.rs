//! Decisions about requests.

use crate::remote::{Call, CallId};
use crate::{Reason, Ticket};
use tollgate_counting::in_flight::WaiterId;
use tollgate_policy::{AllowedBy, HeaderField};

/// Decision about a request.
#[derive(Debug)]
pub enum Decision {
    /// Allows the request.
    Pass(Pass),
    /// Allows the request after a delay in nanoseconds.
    Delay(u64, Pass),
    /// Holds the request in a queue until another request of its key ends, at most for a time in nanoseconds.
    /// Then call [`crate::Policy::decide_queued`]. The request may be [woken](crate::Policy::take_woken)
    /// earlier.
    Enqueue(WaiterId, u64, Ticket),
    /// Rejects the request.
    Refuse(Refusal),
    /// Calls the rate limit service first, and holds the request until the answer. Pass the answer to
    /// [`crate::Policy::answered`], and then call [`crate::Policy::ask_again`]: at the latest after
    /// [`crate::Policy::left_to_ask`], with or without an answer.
    Ask(Call, Ticket),
    /// Holds the request in the same way until the answer to a pending call of another request of this
    /// worker.
    Wait(CallId, Ticket),
}

/// Changes to the headers of a request or a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderChanges {
    /// Headers to set, which replace those of the same name.
    pub set: Vec<HeaderField>,
    /// Headers to add to those of the same name.
    pub add: Vec<HeaderField>,
}

/// Changes to a response, and what to do after it.
#[derive(Debug, Default)]
pub struct Settled {
    /// Changes to the headers.
    pub headers: HeaderChanges,
    /// Call that counts, at the rate limit service, the cost that the response has determined. Its answer
    /// goes to [`crate::Policy::answered`]; no request waits for it.
    pub call: Option<Call>,
}

/// Changes to an allowed request, and what to keep until its response.
#[derive(Debug, Default)]
pub struct Pass {
    /// Changes to the headers for the upstream.
    pub request_headers: HeaderChanges,
    /// Reservations of the request.
    pub ticket: Ticket,
    /// Why the request is allowed although a limit had no room or could not be checked.
    pub allowed_by: Option<AllowedBy<Reason>>,
}

/// Response to a rejected request. Its headers are `retry-after`, `ratelimit`, `ratelimit-policy`,
/// `x-ratelimit-*`, `content-type` and configured ones.
pub type Refusal = tollgate_policy::Refusal<Reason>;
