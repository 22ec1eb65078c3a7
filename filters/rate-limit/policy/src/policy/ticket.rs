//! What was taken for a request, until it is over.

use crate::Reason;
use crate::in_flight::LineId;
use crate::rate::Quota;
use crate::remote::{CallId, Descriptor};
use crate::table::Place;
use tollgate_policy::UnixNanos;

/// What was taken for a request: what is to be changed by its response, given back, and said to the client. Give it to
/// [`Policy::end`](crate::Policy::end) when the request is over, whatever became of it.
#[derive(Clone, Debug, Default)]
#[must_use = "what was taken would never be given back"]
pub struct Ticket {
    /// From which limits.
    pub(super) taken: Vec<Taken>,
    /// In flight: from which limits, at which places.
    pub(super) in_flight: Vec<(usize, Place)>,
    /// Where it waits until others are in flight no more.
    pub(super) in_line: Option<Box<InLine>>,
    /// About whom the rate limit service is asked.
    pub(super) asked: Vec<Asked>,
    /// Where the limits stand, for the response.
    pub(super) standings: Vec<Standing>,
    /// The call that it made, while there is no verdict.
    pub(super) call: Option<CallId>,
    /// What the rate limit service adds for the upstream.
    pub(super) request_headers: Vec<(String, Vec<u8>)>,
    /// What the rate limit service adds to the response.
    pub(super) response_headers: Vec<(String, Vec<u8>)>,
    /// How long it waits for room, in nanoseconds, and since when.
    pub(super) wait: (u64, UnixNanos),
    /// A refusal is none.
    pub(super) lenient: bool,
    /// Why it would have been refused.
    pub(super) in_spite_of: Option<Reason>,
    /// A response has come.
    pub(super) responded: bool,
}

/// What was taken from a limit.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub limit: usize,
    pub rates: Rates,
    pub place: Place,
    pub cost: u64,
    pub at: UnixNanos,
    /// If it waits: when its turn is in each of the rates.
    pub turns: Vec<UnixNanos>,
}

/// Where a request stands in line.
#[derive(Clone, Copy, Debug)]
pub(super) struct InLine {
    pub id: LineId,
    /// What its key is known by.
    pub tag: u64,
    /// Which of the limits that count it is the next to be asked.
    pub at: usize,
    /// When it came.
    pub since: UnixNanos,
}

/// Which rates of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rates {
    /// Its own.
    Own,
    /// Those of an override.
    Override(usize),
    /// Those that hold while the rate limit service cannot be asked.
    Fallback,
    /// None: how many may be in flight.
    InFlight,
    /// The one that the rate limit service keeps.
    Service,
}

/// A descriptor that the rate limit service is asked about.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub limit: usize,
    pub cost: u64,
    pub descriptor: Descriptor,
    /// Where its key is kept while the service cannot be asked.
    pub fallback: Option<Place>,
}

/// Where a rate stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub limit: usize,
    pub rates: Rates,
    /// Which of them; of a limit that the rate limit service keeps, there is one.
    pub rate: usize,
    pub quota: Quota,
}

impl Ticket {
    /// There is room only after so many nanoseconds.
    pub(super) fn waits(&mut self, wait: u64, now: UnixNanos) {
        self.wait = (wait.max(self.left_to_wait(now)), now);
    }

    /// How long it still has to wait. No longer than it was to, whatever becomes of the clock.
    pub(super) fn left_to_wait(&self, now: UnixNanos) -> u64 {
        let (wait, since) = self.wait;
        wait.saturating_sub(now.0.saturating_sub(since.0))
    }

    /// Whether anything of it is needed later: by the response, or at the end.
    #[inline]
    pub fn matters(&self) -> bool {
        !(self.taken.is_empty()
            && self.in_flight.is_empty()
            && self.standings.is_empty()
            && self.response_headers.is_empty()
            && self.call.is_none()
            && self.in_line.is_none()
            && self.asked.is_empty())
    }
}
