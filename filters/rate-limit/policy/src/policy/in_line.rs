//! Requests that wait until others are in flight no more.
//!
//! What the limits before have given stays taken, as if it were in flight already: who has waited is not to be refused
//! because of what there was room for when they came.

use super::ticket::{InLine, Ticket};
use super::{Policy, Round};
use crate::in_flight::{LineId, POLL};
use crate::{Decision, Environment};
use tollgate_policy::{RequestFacts, UnixNanos};

impl Policy {
    /// A request that stands in line was woken, or has waited for as long as it was said to. `request` is what it was when
    /// it came.
    #[inline(never)]
    pub fn decide_in_line(
        &mut self,
        mut ticket: Ticket,
        request: &RequestFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Decision {
        self.count(request, Some(&mut ticket), env, now, true)
    }

    /// Who of those who stand in line is to be asked again, since there may be room for them. To be looked at whenever a
    /// request has ended, or was decided in any way but at once.
    pub fn take_woken(&mut self) -> Vec<LineId> {
        self.lines.take_woken()
    }

    /// It is in line no more.
    #[inline]
    pub(super) fn leave_line(&mut self, stood: Option<&InLine>) {
        if let Some(stood) = stood {
            self.lines.leave(stood.tag, stood.id);
        }
    }

    /// It keeps its place in line, or takes one.
    pub(super) fn stand_in_line(
        &mut self,
        mut ticket: Ticket,
        tag: u64,
        at: usize,
        left: u64,
        stood: Option<Box<InLine>>,
        now: UnixNanos,
    ) -> Decision {
        let stands = match stood.as_deref() {
            // A clock that was set back is no reason to stand there until it has caught up.
            Some(stood) if stood.tag == tag => InLine { since: stood.since.min(now), ..*stood },
            stood => {
                self.leave_line(stood);
                InLine { id: self.lines.join(tag), tag, at, since: stood.map_or(now, |stood| stood.since) }
            }
        };
        ticket.in_line = Some(Box::new(stands));
        let is_first = self.lines.first(tag) == Some(stands.id);
        Decision::StandInLine(stands.id, if is_first { left.min(POLL) } else { left }, ticket)
    }
}

impl Round<'_, '_> {
    /// Whether others are to be asked first. Where refusals are only counted nobody waits.
    pub(super) fn is_behind_others(&self, index: usize, tag: u64) -> bool {
        let first = self.policy.lines.first(tag);
        first.is_some() && first != self.stood.map(|stood| stood.id) && !self.only_counts(index)
    }
}
