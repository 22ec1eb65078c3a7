//! Requests that wait for a concurrency slot.
//!
//! A queued request keeps what earlier limits have given it, as if it were in flight already. Otherwise, a
//! limit that had room at first could reject it after its wait.

use super::ticket::{Queued, Ticket};
use super::{Policy, Round};
use crate::{Decision, Hold, Until};
use tollgate_counting::in_flight::{POLL, WaiterId};
use tollgate_policy::UnixNanos;

impl Policy {
    /// Returns queued requests to resume, because there may be room for them. Call this whenever a request
    /// ends, and after each decision other than to allow a new request.
    pub fn take_woken(&mut self) -> Vec<WaiterId> {
        self.queues.take_woken()
    }

    /// Removes a request from its queue.
    #[inline]
    pub(super) fn dequeue(&mut self, stood: Option<&Queued>) {
        if let Some(stood) = stood {
            self.queues.leave(stood.tag, stood.id);
        }
    }

    /// Keeps the place of a request in a queue, or adds it to one.
    pub(super) fn enqueue(
        &mut self,
        mut ticket: Ticket,
        tag: u64,
        (at, limit): (usize, usize),
        left: u64,
        stood: Option<Box<Queued>>,
        now: UnixNanos,
    ) -> Decision {
        let stands = match stood.as_deref() {
            // If the clock was set back, do not wait until it has caught up.
            Some(stood) if stood.tag == tag => Queued { since: stood.since.min(now), ..*stood },
            stood => {
                self.dequeue(stood);
                let since = stood.map_or(now, |stood| stood.since);
                Queued { id: self.queues.join(tag), tag, at, limit, since }
            }
        };
        ticket.queued = Some(Box::new(stands));
        let is_first = self.queues.first(tag) == Some(stands.id);
        let timeout = if is_first { left.min(POLL) } else { left };
        Decision::Hold(Hold { until: Until::Room(stands.id), timeout, ticket, call: None })
    }
}

impl Round<'_, '_> {
    /// Returns whether other requests of the queue come first. If the limit only counts, no request waits.
    pub(super) fn is_behind_others(&self, index: usize, tag: u64) -> bool {
        let first = self.policy.queues.first(tag);
        first.is_some() && first != self.stood.map(|stood| stood.id) && !self.only_counts(index)
    }
}
