//! Results of requests.

use super::{Policy, find_or_insert};
use crate::config::Mode;
use crate::decision::{Admission, Progress};
use crate::gradient::Limit;
use crate::key::property;
use crate::machine::{Change, Step};
use crate::record::{self, Header};
use crate::result::Verdict;
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
                let read = || env.host().property(property::DETAILS).ok().flatten().unwrap_or_default();
                details.get_or_insert_with(read).clone()
            };
            let verdict = breaker.verdicts.of_headers(response, read);
            let took = breaker.upstream_time(now.since(admission.began).as_nanos() as u64, response);
            let waits_for_the_end = verdict == Verdict::Trailers
                || (verdict == Verdict::Success && breaker.verdicts.failures.incomplete_responses);
            if waits_for_the_end {
                admission.progress = Progress::Responding(took, verdict);
            } else {
                self.count(admission, verdict, took, env, now);
            }
        }
        ticket.admissions.retain(Admission::is_held);
    }

    /// Counts the results of a request whose response trailers have arrived, with this `grpc-status`.
    pub fn finish(
        &mut self,
        ticket: &mut Ticket,
        grpc_status: Option<&[u8]>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) {
        for admission in &mut ticket.admissions {
            let Progress::Responding(took, Verdict::Trailers) = admission.progress else { continue };
            let Some(breaker) = self.plan.breakers.get(admission.breaker) else { continue };
            let verdict = breaker.verdicts.of_trailers(grpc_status);
            self.count(admission, verdict, took, env, now);
        }
    }

    /// Returns whether the rest of the response decides about a result.
    pub fn waits_for_the_end(ticket: &Ticket) -> bool {
        ticket.admissions.iter().any(|admission| matches!(admission.progress, Progress::Responding(..)))
    }

    /// Releases what a request holds, and counts the results that it still has. The response code details can
    /// be read.
    pub fn end(&mut self, mut ticket: Ticket, env: &mut dyn Environment, now: UnixNanos) {
        if ticket.admissions.iter().any(|admission| admission.progress != Progress::Done) {
            let details = env.host().property(property::DETAILS).ok().flatten().unwrap_or_default();
            for admission in &mut ticket.admissions {
                let Some(breaker) = self.plan.breakers.get(admission.breaker) else { continue };
                let (took, verdict) = match admission.progress {
                    Progress::Responding(took, verdict) => (took, breaker.verdicts.of_end(verdict, &details)),
                    // The reply of retry to a response without a body passes no other filter.
                    Progress::Waiting if details.starts_with(b"retry_") => {
                        let took = now.since(admission.began).as_nanos() as u64;
                        let response = ResponseFacts { status: status(env), headers: Headers(&[]) };
                        (took, breaker.verdicts.of_headers(&response, &mut || details.clone()))
                    }
                    _ => continue,
                };
                self.count(admission, verdict, took, env, now);
            }
        }
        for admission in ticket.admissions {
            self.end_admission(admission, ticket.is_sent, env, now);
        }
    }

    /// Releases what an admission holds. A request without a response that took too long is a timeout, unless
    /// the upstream was still waiting for the body.
    fn end_admission(
        &mut self,
        mut admission: Admission,
        is_sent: bool,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) {
        if admission.progress != Progress::Done {
            let took = now.since(admission.began).as_nanos() as u64;
            let breaker = self.plan.breakers.get(admission.breaker);
            let verdict = match breaker {
                Some(breaker)
                    if is_sent && admission.progress == Progress::Waiting && breaker.is_slow(took) =>
                {
                    if breaker.verdicts.failures.timeouts {
                        Verdict::Failure
                    } else {
                        Verdict::Success
                    }
                }
                _ => Verdict::Ignored,
            };
            self.count(&mut admission, verdict, took, env, now);
        }
        leave(&admission, env);
    }

    /// Releases what the admissions of a request hold that is not sent to its upstream.
    pub(super) fn cancel(&self, ticket: Ticket, env: &mut dyn Environment, now: UnixNanos) {
        ticket.admissions.iter().for_each(|admission| self.cancel_admission(admission, env, now));
    }

    /// Releases what an admission holds, without a result.
    pub(super) fn cancel_admission(&self, admission: &Admission, env: &mut dyn Environment, now: UnixNanos) {
        if admission.probe && !self.release(admission, env, now) {
            env.count(admission.breaker, Event::Error);
        }
        leave(admission, env);
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
        let outcome = Outcome { failed, slow: breaker.is_slow(took) };
        let (epoch, place, began) = (admission.epoch, admission.place, admission.began);
        let mut counted = Counted::default();
        let stored = env.host().shared().page(place.page, &mut |page| {
            counted = Counted::default();
            let bytes = self.plan.record_bytes;
            // A record that was evicted is not added again by a result from before.
            if epoch != 0 && record::position(page, bytes, place.tag).is_none() {
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
        let released = env.host().shared().page(place.page, &mut |page| {
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

/// Returns the status of a response that has ended; 0 if it cannot be read.
fn status(env: &mut dyn Environment) -> u16 {
    let code = env.host().property(property::STATUS).ok().flatten().unwrap_or_default();
    code.first_chunk().map_or(0, |low| u16::from_le_bytes(*low))
}

/// Ends the count of a request as in flight.
fn leave(admission: &Admission, env: &mut dyn Environment) {
    if !admission.in_flight {
        return;
    }
    let (shared, place) = (env.host().shared(), admission.place);
    let vm = shared.vm();
    let left = shared.in_flight(place.page, &mut |record, _| in_flight::release(record, place.tag, vm));
    if left.is_err() {
        env.count(admission.breaker, Event::Error);
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
