//! Reservations of a request.

use crate::Reason;
use crate::remote::{CallId, Descriptor};
use tollgate_counting::in_flight::WaiterId;
use tollgate_counting::rate::Quota;
use tollgate_counting::table::{Place, Step};
use tollgate_policy::{AllowedBy, UnixNanos};

/// Reservations of a request, and its state until the response. Pass it to
/// [`Policy::end`](crate::Policy::end) when the request ends, in any way.
#[derive(Clone, Debug, Default)]
#[must_use = "the reservations would never be refunded"]
pub struct Ticket {
    /// Costs taken from limits.
    pub(super) taken: Vec<Taken>,
    /// Concurrency slots: indices of limits, and places of keys.
    pub(super) in_flight: Vec<(usize, Place)>,
    /// Place in a queue for a concurrency slot.
    pub(super) queued: Option<Box<Queued>>,
    /// Descriptors for the rate limit service.
    pub(super) asked: Vec<Asked>,
    /// Quotas of the limits, for the response.
    pub(super) standings: Vec<Standing>,
    /// Call that the request made, while it has no verdict.
    pub(super) call: Option<CallId>,
    /// Headers from the rate limit service for the upstream.
    pub(super) request_headers: Vec<tollgate_policy::HeaderField>,
    /// Headers from the rate limit service for the response.
    pub(super) response_headers: Vec<tollgate_policy::HeaderField>,
    /// Wait for room in nanoseconds, and the time at which it began.
    pub(super) wait: (u64, UnixNanos),
    /// Limit that this wait is for.
    pub(super) waits_for: usize,
    /// Time at which the request was first held for the rate limit service.
    pub(super) asked_at: Option<UnixNanos>,
    /// Whether all limits had room, so that the request only waits for its turn.
    pub(super) is_admitted: bool,
    /// Whether rejections are not enforced for this request.
    pub(super) not_enforced: bool,
    /// Why the request is allowed although a limit had no room or could not be checked.
    pub(super) allowed_by: Option<AllowedBy<Reason>>,
    /// Whether the response has arrived.
    pub(super) responded: bool,
}

/// Cost taken from a limit.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub limit: usize,
    pub rates: Rates,
    pub place: Place,
    pub cost: u64,
    pub at: UnixNanos,
    /// For a delayed request, the time from which each rate counts it.
    pub turns: Vec<UnixNanos>,
}

/// Place of a request in a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queued {
    pub id: WaiterId,
    /// Tag of the key.
    pub tag: u64,
    /// Position of the limit to check next, in the list of the rule.
    pub at: usize,
    /// Index of that limit.
    pub limit: usize,
    /// Time at which the request was queued.
    pub since: UnixNanos,
}

/// Selects rates of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rates {
    /// Rates of the limit itself.
    Own,
    /// Rates of an override.
    Override(usize),
    /// Rates that apply while the rate limit service is unavailable.
    Fallback,
    /// Limit on requests in flight, which has no rates.
    InFlight,
    /// Limit of the rate limit service.
    Service,
}

/// Descriptor for the rate limit service.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub limit: usize,
    pub cost: u64,
    pub descriptor: Descriptor,
    /// Place of the key for the fallback rates.
    pub fallback: Option<Place>,
}

/// Quota of a rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub limit: usize,
    pub rates: Rates,
    /// Index of the rate; 0 for a limit of the service.
    pub rate: usize,
    pub quota: Quota,
}

impl Standing {
    /// Returns the quotas of the rates of a limit, from the page of the key.
    pub fn of_rates(step: &Step<'_>, page: &[u8], limit: usize, rates: Rates) -> impl Iterator<Item = Self> {
        step.quotas(page).map(move |(rate, quota)| Self { limit, rates, rate, quota })
    }
}

impl Ticket {
    /// Records why the request is allowed. The first reason counts, but a request that would have been
    /// rejected stays one, whatever else fails open.
    pub(super) fn allow(&mut self, by: AllowedBy<Reason>) {
        if !matches!(
            (self.allowed_by, by),
            (Some(AllowedBy::Shadow(_)), _) | (Some(_), AllowedBy::FailureMode(_))
        ) {
            self.allowed_by = Some(by);
        }
    }

    /// Records that a limit only has room after `wait` nanoseconds.
    pub(super) fn waits(&mut self, limit: usize, wait: u64, now: UnixNanos) {
        let left = self.left_to_wait(now);
        if wait > left {
            self.waits_for = limit;
        }
        self.wait = (wait.max(left), now);
    }

    /// Returns the limit for whose room the request waits.
    pub(super) fn waits_for(&self, now: UnixNanos) -> Option<usize> {
        let delayed = || (self.left_to_wait(now) > 0).then_some(self.waits_for);
        self.queued.as_ref().map(|queued| queued.limit).or_else(delayed)
    }

    /// Replaces the quotas of a limit that has been charged or refunded since.
    pub(super) fn show(standings: &mut [Standing], of: &Taken, quotas: impl Iterator<Item = (usize, Quota)>) {
        for (rate, quota) in quotas {
            let same = |one: &&mut Standing| (one.limit, one.rates, one.rate) == (of.limit, of.rates, rate);
            if let Some(standing) = standings.iter_mut().find(same) {
                standing.quota = quota;
            }
        }
    }

    /// Returns the remaining wait, which is never longer than the original one, even if the clock was set
    /// back.
    pub(super) fn left_to_wait(&self, now: UnixNanos) -> u64 {
        let (wait, since) = self.wait;
        wait.saturating_sub(now.0.saturating_sub(since.0))
    }

    /// Returns whether the ticket is needed for the response, or at the end.
    #[inline]
    pub fn matters(&self) -> bool {
        !(self.taken.is_empty()
            && self.in_flight.is_empty()
            && self.standings.is_empty()
            && self.response_headers.is_empty()
            && self.call.is_none()
            && self.queued.is_none()
            && self.asked.is_empty())
    }
}
