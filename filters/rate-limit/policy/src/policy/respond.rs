//! Changes by the response, and the end of a request.

use super::Policy;
use super::ticket::{Taken, Ticket};
use crate::{Environment, Event, answer};
use tollgate_counting::table::{Page, Step};
use tollgate_counting::{Failure, in_flight};
use tollgate_policy::{ResponseFacts, UnixNanos};

impl Policy {
    /// Settles the cost when the response arrives, and returns the headers to add to it.
    pub fn respond(
        &mut self,
        ticket: &mut Ticket,
        response: &ResponseFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Vec<tollgate_policy::HeaderField> {
        ticket.responded = true;
        self.settle(ticket, Some(response), env, now);
        let mut headers = answer::headers(&self.plan.answers, &self.standings(ticket));
        headers.append(&mut ticket.response_headers);
        headers
    }

    /// Ends a request, with or without a response.
    pub fn end(&mut self, mut ticket: Ticket, env: &mut dyn Environment, now: UnixNanos) {
        if !ticket.responded {
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
        for taken in ticket.taken.drain(..) {
            let Some(limit) = self.plan.limits.get(taken.limit) else { continue };
            // By now, the length of the body is known, even without a `content-length`.
            let mut asked = taken.cost;
            if limit.cost.counts_body() {
                match body_bytes(env) {
                    Ok(bytes) => asked = limit.cost.of_body(bytes).max(taken.cost),
                    Err(_) => env.count(taken.limit, Event::Error),
                }
            }
            let cost = match (&limit.on_response, response) {
                (None, _) => asked,
                (Some(rule), Some(response)) => rule.cost(response, asked),
                (Some(rule), None) if rule.refund_without_response => 0,
                (Some(_), None) => asked,
            };
            match cost.cmp(&taken.cost) {
                core::cmp::Ordering::Less => self.refund(&taken, taken.cost - cost, env, now),
                core::cmp::Ordering::Equal => {}
                core::cmp::Ordering::Greater => self.charge(&taken, cost - taken.cost, env, now),
            }
        }
    }

    /// Refunds everything that was taken for a request.
    pub(super) fn give_back(&mut self, ticket: &mut Ticket, env: &mut dyn Environment, now: UnixNanos) {
        for taken in ticket.taken.drain(..) {
            self.refund(&taken, taken.cost, env, now);
        }
        self.leave(ticket, env);
    }

    /// Releases the concurrency slots of a request.
    fn leave(&mut self, ticket: &mut Ticket, env: &mut dyn Environment) {
        let vm = env.shared().vm();
        for (limit, place) in ticket.in_flight.drain(..) {
            self.queues.wake(place.tag);
            let left = env
                .shared()
                .in_flight(place.page, &mut |record, _| in_flight::release(record, place.tag, vm));
            if left.is_err() {
                env.count(limit, Event::Error);
            }
        }
    }

    fn refund(&self, taken: &Taken, cost: u64, env: &mut dyn Environment, now: UnixNanos) {
        let step = self.step(taken, now);
        let done = env
            .shared()
            .page(taken.place.page, &mut |bytes| step.refund(&mut Page(bytes), taken.at, &taken.turns, cost));
        self.note(done, taken, env);
    }

    fn charge(&self, taken: &Taken, cost: u64, env: &mut dyn Environment, now: UnixNanos) {
        let step = self.step(taken, now);
        let done = env.shared().page(taken.place.page, &mut |bytes| {
            step.charge(&mut Page(bytes), cost);
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

/// Returns the size of the request body so far, or its `content-length`: Envoy's `request.size`.
fn body_bytes(env: &mut dyn Environment) -> Result<u64, Failure> {
    let Some(size) = env.property("request\0size")? else { return Ok(0) };
    let size = size.try_into().map_err(|_| Failure::Host)?;
    Ok(i64::from_le_bytes(size).max(0).unsigned_abs())
}
