//! Decisions about requests.

use crate::remote::{Call, CallId};
use crate::{Reason, Ticket};
use tollgate_counting::in_flight::WaiterId;
use tollgate_policy::AllowedBy;

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
    /// Calls the rate limit service first. Pass the answer to [`crate::Policy::answered`].
    Ask(Call, Ticket),
    /// Holds the request until the answer to a pending call of another request of this worker. Then call
    /// [`crate::Policy::ask_again`].
    Wait(CallId, Ticket),
}

/// Changes to an allowed request, and what to keep until its response.
#[derive(Debug, Default)]
pub struct Pass {
    /// Names and values of headers to set for the upstream.
    pub request_headers: Vec<tollgate_policy::HeaderField>,
    /// Reservations of the request.
    pub ticket: Ticket,
    /// Why the request is allowed although a limit had no room or could not be checked.
    pub allowed_by: Option<AllowedBy<Reason>>,
}

/// Response to a rejected request. Its headers are `retry-after`, `ratelimit`, `ratelimit-policy`,
/// `x-ratelimit-*`, `content-type` and configured ones.
pub type Refusal = tollgate_policy::Refusal<Reason>;
