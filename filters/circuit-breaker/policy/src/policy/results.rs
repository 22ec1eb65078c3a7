//! Results of requests.

use super::{Policy, find_or_insert};
use crate::config::Mode;
use crate::decision::{Admission, Progress};
use crate::gradient::Limit;
use crate::key::property;
use crate::machine::{Change, Step};
use crate::record::{self, Header};
use crate::result::{self, Verdict};
use crate::window::{Outcome, Window};
use crate::{Environment, Event, Ticket};
use tollgate_counting::in_flight;
use tollgate_policy::{Headers, ResponseFacts, UnixNanos};

impl Policy {
    /// Counts the results of a request whose response headers have arrived.
    pub fn respond(
        &mut self,
        ticket: &mut Ticket,
        response: &ResponseFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) {
        let mut details: Option<Vec<u8>> = None;
        for admission in &mut ticket.admissions {
            let Some(breaker) = self.plan.breakers.get(admission.breaker) else { continue };
            // Without details, the response counts as one of the upstream.
            let read = &mut || {
                let read = || env.property(property::DETAILS).ok().flatten().unwrap_or_default();
                details.get_or_insert_with(read).clone()
            };
            let verdict = breaker.verdicts.of_headers(response, read);
            let took = now.since(admission.began).as_nanos() as u64;
            let waits_for_the_end = verdict == Verdict::Trailers
                || (verdict == Verdict::Success && breaker.verdicts.failures.incomplete_responses);
            if waits_for_the_end {
                admission.progress = Progress::Responding(took, verdict);
            } else {
                self.count(admission, verdict, took, env, now);
            }
        }
    }

    /// Counts the results of a request whose response trailers have arrived.
    pub fn respond_with_trailers(
        &mut self,
        ticket: &mut Ticket,
        trailers: Headers<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) {
        for admission in &mut ticket.admissions {
            let Progress::Responding(took, Verdict::Trailers) = admission.progress else { continue };
            let Some(breaker) = self.plan.breakers.get(admission.breaker) else { continue };
            let verdict = breaker.verdicts.of_trailers(trailers);
            self.count(admission, verdict, took, env, now);
        }
    }

    /// Returns whether the rest of the response decides about a result.
    pub fn waits_for_the_end(ticket: &Ticket) -> bool {
        ticket.admissions.iter().any(|admission| matches!(admission.progress, Progress::Responding(..)))
    }

    /// Counts the results of a request that is complete, or has broken off. The response code details can be
    /// read.
    pub fn complete(&mut self, ticket: &mut Ticket, env: &mut dyn Environment, now: UnixNanos) {
        if !Self::waits_for_the_end(ticket) {
            return;
        }
        let details = env.property(property::DETAILS).ok().flatten().unwrap_or_default();
        let broke_off = result::broke_off(&details);
        for admission in &mut ticket.admissions {
            let Progress::Responding(took, verdict) = admission.progress else { continue };
            let Some(breaker) = self.plan.breakers.get(admission.breaker) else { continue };
            let verdict = match verdict {
                _ if broke_off && breaker.verdicts.failures.resets => Verdict::Failure,
                Verdict::Success if details == b"via_upstream" => Verdict::Success,
                Verdict::Trailers if details == b"via_upstream" => {
                    breaker.verdicts.of_trailers(Headers::default())
                }
                // The client has left.
                _ => Verdict::Ignored,
            };
            self.count(admission, verdict, took, env, now);
        }
    }

    /// Releases what a request holds. A request without a result that took too long is slow.
    pub fn end(&mut self, ticket: Ticket, env: &mut dyn Environment, now: UnixNanos) {
        for admission in ticket.admissions {
            self.end_admission(admission, env, now);
        }
    }

    pub(super) fn end_admission(
        &mut self,
        mut admission: Admission,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) {
        if admission.progress != Progress::Done {
            let took = now.since(admission.began).as_nanos() as u64;
            let slow = self.plan.breakers.get(admission.breaker).and_then(|breaker| breaker.slow);
            let verdict = match admission.progress {
                Progress::Waiting if slow.is_some_and(|slow| took >= slow) => Verdict::Success,
                _ => Verdict::Ignored,
            };
            self.count(&mut admission, verdict, took, env, now);
        }
        if admission.in_flight {
            let (shared, place) = (env.shared(), admission.place);
            let vm = shared.vm();
            let left =
                shared.in_flight(place.page, &mut |record, _| in_flight::release(record, place.tag, vm));
            if left.is_err() {
                env.count(admission.breaker, Event::Error);
            }
        }
    }

    /// Counts a result.
    fn count(
        &mut self,
        admission: &mut Admission,
        verdict: Verdict,
        took: u64,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) {
        admission.progress = Progress::Done;
        let draw = self.draw();
        let index = admission.breaker;
        let Some(breaker) = self.plan.breakers.get(index) else { return };
        let failed = match verdict {
            Verdict::Success => false,
            Verdict::Failure => true,
            Verdict::Ignored | Verdict::Trailers => {
                // The admission is not counted, unless it was a permit of a probe, which others can use
                // again.
                if !admission.probe || self.release(admission, env, now) {
                    env.count(index, Event::Ignored);
                } else {
                    env.count(index, Event::Error);
                }
                return;
            }
        };
        let outcome = Outcome { failed, slow: breaker.slow.is_some_and(|slow| took >= slow) };
        let (epoch, place, began) = (admission.epoch, admission.place, admission.began);
        let mut counted = Counted::default();
        let stored = env.shared().page(place.page, &mut |page| {
            counted = Counted::default();
            let bytes = self.plan.record_bytes;
            // A record that was evicted is not added again by a result from before.
            if epoch != 0 && record::find(page, breaker.layout, bytes, place.tag).is_none() {
                return true;
            }
            let Some((mut record, evicted)) = find_or_insert(breaker, page, bytes, place.tag, now) else {
                return false;
            };
            counted.evicted = evicted;
            let mut step = Step::new(&breaker.numbers, &mut record, now, draw);
            counted.in_time = step.record(epoch, outcome, breaker.mode == Mode::Automatic);
            counted.changes = step.changes;
            if counted.in_time {
                if let Some(admission) = &breaker.admission {
                    Window::Time(admission.interval).push(record.admission, now, outcome);
                }
                if let Some(gradient) = &breaker.gradient {
                    let sampled = UnixNanos(began.0.saturating_add(took));
                    counted.limit = Some(gradient.sample(record.gradient, began, sampled, draw));
                }
            }
            record.save(now);
            true
        });
        if stored.is_err() {
            env.count(index, Event::Error);
            return;
        }
        self.report(index, &admission.key, &counted.changes, counted.evicted, env);
        if !counted.in_time {
            env.count(index, Event::Late);
            return;
        }
        env.count(index, if failed { Event::Failure } else { Event::Success });
        if outcome.slow {
            env.count(index, Event::Slow);
        }
        if let Some(limit) = counted.limit {
            self.show(index, &limit, env);
        }
    }

    /// Returns the permit of a probe.
    fn release(&self, admission: &Admission, env: &mut dyn Environment, now: UnixNanos) -> bool {
        let Some(breaker) = self.plan.breakers.get(admission.breaker) else { return true };
        let (place, epoch) = (admission.place, admission.epoch);
        let released = env.shared().page(place.page, &mut |page| {
            let Some(mut record) = record::find(page, breaker.layout, self.plan.record_bytes, place.tag)
            else {
                return true;
            };
            // With another configuration, the state has started again.
            if record.header.fingerprint == breaker.numbers.fingerprint {
                Step::new(&breaker.numbers, &mut record, now, 0).release(epoch);
                record.save(now);
            }
            true
        });
        released.is_ok()
    }
}

/// Result of one step for a response.
#[derive(Debug, Default)]
struct Counted {
    in_time: bool,
    changes: Vec<Change>,
    evicted: Option<Header>,
    limit: Option<Limit>,
}
