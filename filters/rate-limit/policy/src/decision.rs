//! What becomes of a request.

use crate::in_flight::LineId;
use crate::remote::{Call, CallId};
use crate::{Reason, Ticket};

/// What becomes of a request.
#[derive(Debug)]
pub enum Decision {
    /// It goes on.
    Pass(Pass),
    /// It goes on after so many nanoseconds, in its turn.
    Delay(u64, Pass),
    /// It stands in line until a request of its key is in flight no more, or so many nanoseconds are over; then see
    /// [`crate::Policy::decide_in_line`]. It may be [woken](crate::Policy::take_woken) before.
    StandInLine(LineId, u64, Ticket),
    /// It is answered.
    Refuse(Refusal),
    /// The rate limit service is asked first; see [`crate::Policy::answered`].
    Ask(Call, Ticket),
    /// Another request of this worker asks for the same just now; see [`crate::Policy::ask_again`].
    Wait(CallId, Ticket),
}

/// What is done to a request that goes on, and remembered until its response.
#[derive(Debug, Default)]
pub struct Pass {
    /// For the upstream: the name, and what is added.
    pub request_headers: Vec<(String, Vec<u8>)>,
    /// What was taken for it.
    pub ticket: Ticket,
    /// Why it would have been refused, were it not for shadow mode, `filter_enforced` or a failure mode.
    pub in_spite_of: Option<Reason>,
}

/// The answer to a request that does not go on.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The HTTP status; a gRPC client gets `grpc_status`.
    pub status: u16,
    /// The gRPC status.
    pub grpc_status: u8,
    /// `retry-after`, `ratelimit`, `ratelimit-policy`, `x-ratelimit-*`, `content-type` and what was configured.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}
