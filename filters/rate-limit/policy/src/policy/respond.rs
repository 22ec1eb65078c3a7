//! Changes by the response, and the end of a request.

use super::Policy;
use super::ticket::{Rates, Standing, Taken, Ticket};
use crate::model::Limit;
use crate::remote::{Call, Descriptor};
use crate::{Environment, Event, Settled, answer};
use tollgate_counting::table::{Page, Step};
use tollgate_counting::{Failure, in_flight};
use tollgate_policy::{ResponseFacts, UnixNanos};

impl Policy {
    /// Settles the cost when the response arrives. `response` has headers if they are
    /// [needed](Self::needs_response).
    pub fn respond(
        &mut self,
        ticket: &mut Ticket,
        response: &ResponseFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Settled {
        ticket.responded = true;
        let call = self.charge_service(ticket, response, env, now);
        self.settle(ticket, Some(response), env, now);
        let service = core::mem::take(&mut ticket.response_headers);
        let standings = self.standings(ticket);
        let headers = answer::headers(&self.plan.answers, &standings, response.headers, service);
        Settled { headers, call }
    }

    /// Returns whether the headers of the response are needed: for costs, or to combine their fields with
    /// those of the filter. `first` returns the first value of a field of the response.
    pub fn needs_response<T, E>(
        &self,
        ticket: &Ticket,
        mut first: impl FnMut(&str) -> Result<Option<T>, E>,
    ) -> Result<bool, E> {
        let mut needed = self.plan.needs.response_headers;
        if !ticket.standings.is_empty() {
            for name in answer::fields_to_combine(&self.plan.answers) {
                needed = needed || first(name)?.is_some();
            }
        }
        Ok(needed)
    }

    /// Ends a request, with or without a response.
    pub fn end(&mut self, mut ticket: Ticket, env: &mut dyn Environment, now: UnixNanos) {
        if !ticket.responded {
            if let Some(limit) = ticket.waits_for(now) {
                env.count(limit, Event::Cancelled);
            }
            self.settle(&mut ticket, None, env, now);
        }
        self.dequeue(ticket.queued.as_deref());
        self.leave(&mut ticket, env);
        if let Some(call) = ticket.call {
            self.abandon(call);
        }
    }

    /// Charges or refunds the difference to the final cost, which cannot change afterwards.
    fn settle(
        &self,
        ticket: &mut Ticket,
        response: Option<&ResponseFacts<'_>>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) {
        let Ticket { taken, standings, .. } = ticket;
        for taken in taken.drain(..) {
            let Some(limit) = self.plan.limits.get(taken.limit) else { continue };
            let cost = final_cost(limit, taken.limit, taken.cost, response, env);
            match cost.cmp(&taken.cost) {
                core::cmp::Ordering::Less => self.refund(&taken, taken.cost - cost, standings, env, now),
                core::cmp::Ordering::Equal => {}
                core::cmp::Ordering::Greater => self.charge(&taken, cost - taken.cost, standings, env, now),
            }
        }
    }

    /// Returns the call that counts, at the rate limit service, the costs beyond those of the request. The
    /// service cannot refund a cost.
    fn charge_service(
        &mut self,
        ticket: &Ticket,
        response: &ResponseFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Option<Call> {
        let mut charged = Vec::new();
        let mut descriptors = Vec::new();
        for asked in &ticket.asked {
            let Some(limit) = self.plan.limits.get(asked.limit) else { continue };
            if (limit.on_response.is_none() && !limit.cost.counts_body())
                || !limit.service.as_ref().is_some_and(|service| service.hits_addend)
            {
                continue;
            }
            let cost = final_cost(limit, asked.limit, asked.cost, Some(response), env);
            if let Some(hits @ 1..) = cost.checked_sub(asked.cost) {
                charged.push(asked.limit);
                descriptors.push(Descriptor { hits, ..asked.descriptor.clone() });
            }
        }
        if descriptors.is_empty() {
            return None;
        }
        let call = self.remote.as_mut().and_then(|remote| remote.charge(&descriptors, now));
        if call.is_none() {
            charged.into_iter().for_each(|limit| env.count(limit, Event::Error));
        }
        call
    }

    /// Refunds everything that was taken for a request.
    pub(super) fn give_back(&mut self, ticket: &mut Ticket, env: &mut dyn Environment, now: UnixNanos) {
        let Ticket { taken, standings, in_flight, .. } = &mut *ticket;
        for taken in taken.drain(..) {
            self.refund(&taken, taken.cost, standings, env, now);
        }
        let left = |standing: &Standing| {
            standing.rates == Rates::InFlight && in_flight.iter().any(|(limit, _)| *limit == standing.limit)
        };
        for standing in standings.iter_mut().filter(|standing| left(standing)) {
            let quota = &mut standing.quota;
            quota.remaining = quota.remaining.saturating_add(1).min(quota.limit);
        }
        self.leave(ticket, env);
    }

    /// Releases the concurrency slots of a request.
    fn leave(&mut self, ticket: &mut Ticket, env: &mut dyn Environment) {
        let vm = env.host().shared().vm();
        for (limit, place) in ticket.in_flight.drain(..) {
            self.queues.wake(place.tag);
            let left = env
                .host()
                .shared()
                .in_flight(place.page, &mut |record, _| in_flight::release(record, place.tag, vm));
            if left.is_err() {
                env.count(limit, Event::Error);
            }
        }
    }

    fn refund(
        &self,
        taken: &Taken,
        cost: u64,
        standings: &mut [Standing],
        env: &mut dyn Environment,
        now: UnixNanos,
    ) {
        let step = self.step(taken, now);
        let shown = self.plan.answers.shows_standings();
        let done = env.host().shared().page(taken.place.page, &mut |bytes| {
            let changed = step.refund(&mut Page(bytes), taken.at, &taken.turns, cost);
            if shown {
                Ticket::show(standings, taken, step.quotas(bytes));
            }
            changed
        });
        self.note(done, taken, env);
    }

    fn charge(
        &self,
        taken: &Taken,
        cost: u64,
        standings: &mut [Standing],
        env: &mut dyn Environment,
        now: UnixNanos,
    ) {
        let step = self.step(taken, now);
        let shown = self.plan.answers.shows_standings();
        let done = env.host().shared().page(taken.place.page, &mut |bytes| {
            step.charge(&mut Page(bytes), cost);
            if shown {
                Ticket::show(standings, taken, step.quotas(bytes));
            }
            true
        });
        self.note(done, taken, env);
    }

    fn step(&self, taken: &Taken, now: UnixNanos) -> Step<'_> {
        let rates = self.rates(taken.limit, taken.rates);
        Step { place: taken.place, rates, cost: taken.cost, now, max_wait: 0 }
    }

    /// Counts a failed refund or charge. The request continues anyway.
    fn note(&self, done: Result<(), Failure>, taken: &Taken, env: &mut dyn Environment) {
        if done.is_err() {
            env.count(taken.limit, Event::Error);
        }
    }
}

/// Returns the total cost of a request of which `taken` is charged.
fn final_cost(
    limit: &Limit,
    index: usize,
    taken: u64,
    response: Option<&ResponseFacts<'_>>,
    env: &mut dyn Environment,
) -> u64 {
    // By now, the length of the body is known, even without a `content-length`.
    let mut asked = taken;
    if limit.cost.counts_body() {
        match body_bytes(env) {
            Ok(bytes) => asked = limit.cost.of_body(bytes).max(taken),
            Err(_) => env.count(index, Event::Error),
        }
    }
    match (&limit.on_response, response) {
        (None, _) => asked,
        (Some(rule), Some(response)) => rule.cost(response, asked),
        (Some(rule), None) if rule.refund_without_response => 0,
        (Some(_), None) => asked,
    }
}

/// Returns the size of the request body so far, or its `content-length`: Envoy's `request.size`.
fn body_bytes(env: &mut dyn Environment) -> Result<u64, Failure> {
    let Some(size) = env.host().property("request\0size")? else { return Ok(0) };
    let size = size.try_into().map_err(|_| Failure::Host)?;
    Ok(i64::from_le_bytes(size).max(0).unsigned_abs())
}
