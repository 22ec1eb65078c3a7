//! Limits of faults: active ones, and those of a client.

use super::Policy;
use crate::injected::Injected;
use crate::rule::Rule;
use crate::{Environment, Event};
use tollgate_counting::in_flight::{self, Acquire};
use tollgate_counting::table::{Outcome, Page, Step};
use tollgate_counting::{Failure, client_address};
use tollgate_policy::{RequestFacts, UnixNanos};

/// Record and tag of the active faults. One record for all: all workers must agree on the count.
const PAGE: u32 = 0;
const TAG: u64 = 1;

impl Policy {
    /// Returns whether there is room for a fault. If it lasts, it takes a slot.
    pub(super) fn enter(
        &self,
        injected: &mut Injected,
        now: UnixNanos,
        env: &mut dyn Environment,
    ) -> Result<bool, Failure> {
        let lasts = injected.lasts();
        if let Some(max) = self.plan.max_active {
            let vm = env.host().shared().vm();
            let mut has_room = false;
            env.host().shared().in_flight(PAGE, &mut |record, members| {
                if lasts {
                    has_room = in_flight::acquire(record, TAG, vm, max, members, now) == Acquire::Acquired;
                    return has_room;
                }
                has_room = in_flight::count(record, TAG, vm, members, now) < max;
                false
            })?;
            if !has_room {
                return Ok(false);
            }
            injected.has_slot = lasts;
        }
        if lasts {
            injected.active = true;
            env.active(1);
        }
        Ok(true)
    }

    /// Ends the active fault of a request, if it has one.
    pub(super) fn release(&self, injected: &mut Injected, env: &mut dyn Environment) {
        if core::mem::take(&mut injected.active) {
            env.active(-1);
        }
        if core::mem::take(&mut injected.has_slot) {
            let vm = env.host().shared().vm();
            let released =
                env.host().shared().in_flight(PAGE, &mut |record, _| in_flight::release(record, TAG, vm));
            if released.is_err() {
                // The slot stays taken while this VM runs.
                env.count(injected.rule.statistic.min(self.plan.other_statistics()), Event::HostError);
            }
        }
    }

    /// Takes a fault from the maximum of the client. Returns `false` if there is no room.
    pub(super) fn take_from_client(
        &self,
        request: &RequestFacts<'_>,
        rule: &Rule,
        now: UnixNanos,
        env: &mut dyn Environment,
    ) -> Result<bool, Failure> {
        let Some(cap) = &self.plan.cap else { return Ok(true) };
        let mut key = self.placer.key(0);
        let mut identified = false;
        for value in cap.header.iter().flat_map(|name| request.headers.all(name.as_ref())) {
            key.value(value);
            identified = true;
        }
        if !identified {
            let address = client_address(env.host())?.map(|address| address.to_string());
            key.value(address.unwrap_or_default().as_bytes());
        }
        let rates = [cap.rate];
        let step = Step { place: key.place(), rates: &rates, cost: 1, now, max_wait: 0 };
        let mut taken = false;
        env.host().shared().page(step.place.page, &mut |bytes| {
            taken = matches!(step.take(&mut Page(bytes)), Outcome::Taken { .. });
            taken
        })?;
        if !taken {
            env.count(rule.statistic.min(self.plan.other_statistics()), Event::ClientOverflow);
        }
        Ok(taken)
    }
}
