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
    /// Rejects the request.
    Refuse(Refusal),
    /// Holds the request.
    Hold(Hold),
}

/// A request to hold until an event or for a time, whichever comes first. Then call
/// [`crate::Policy::resume`].
#[derive(Debug)]
pub struct Hold {
    /// Event that ends the hold.
    pub until: Until,
    /// Maximum time in nanoseconds.
    pub timeout: u64,
    /// Reservations of the request.
    pub ticket: Ticket,
    /// Call of the rate limit service to make first. Pass its answer to [`crate::Policy::answered`]. If it
    /// cannot be made, do so at once, and do not hold the request.
    pub call: Option<Call>,
}

/// Event that ends the hold of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Nothing happens before the time has passed: the request waits for its turn.
    Turn,
    /// There may be room for the queued request: [`crate::Policy::take_woken`] returns it.
    Room(WaiterId),
    /// The answer to a call of this or another request of the worker.
    Answer(CallId),
}

impl Until {
    /// Returns the number of the event.
    pub fn number(self) -> u32 {
        match self {
            Self::Turn => 0,
            Self::Room(WaiterId(id)) => id << 2 | 1,
            Self::Answer(CallId(id)) => id << 2 | 2,
        }
    }
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
