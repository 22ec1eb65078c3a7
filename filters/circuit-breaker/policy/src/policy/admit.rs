//! Admission of a request by one breaker.

use super::{Denial, Policy};
use crate::config::Mode;
use crate::decision::{Admission, Progress};
use crate::gradient::Limit;
use crate::machine::{Change, Step, Verdict};
use crate::plan::Breaker;
use crate::record::{self, Header};
use crate::window::Window;
use crate::{Environment, Pass, Reason, key};
use tollgate_counting::Failure;
use tollgate_counting::in_flight::{self, Acquire};
use tollgate_counting::table::Place;
use tollgate_policy::{RequestFacts, UnixNanos};

impl Policy {
    /// Has a breaker decide, and adds its admission to the ticket.
    pub(super) fn admit(
        &mut self,
        index: usize,
        request: &RequestFacts<'_>,
        pass: &mut Pass,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Result<(), Denial> {
        let draw = self.draw();
        let Some(breaker) = self.plan.breakers.get(index) else { return Ok(()) };
        match breaker.mode {
            Mode::Disabled => return Ok(()),
            Mode::ForcedOpen => return Err(Denial::new(Reason::ForcedOpen)),
            Mode::Automatic | Mode::MetricsOnly => {}
        }
        let (place, key) = match self.kept.get(index) {
            Some(Some(kept)) => (kept.place, Box::default()),
            _ => key::find(&breaker.key, request, env, self.placer.key(breaker.key_fingerprint))
                .map_err(|_: Failure| Denial::new(Reason::HostError))?,
        };
        let mut answer = Answer::default();
        env.host()
            .shared()
            .page(place.page, &mut |page| {
                answer = self.consult(breaker, page, place, now, draw);
                // Storing an unchanged page costs less than reading it, and fails if another worker changed
                // it.
                true
            })
            .map_err(|_: Failure| Denial::new(Reason::SharedState))?;
        self.report(index, &key, &answer.changes, answer.evicted, env);
        let (epoch, probe) = match answer.verdict {
            Some(Verdict::Uncounted) => return Ok(()),
            Some(Verdict::Admitted { epoch, probe }) => (epoch, probe),
            Some(Verdict::Open(left)) => {
                return Err(Denial { reason: Reason::Open, retry_after: Some(left) });
            }
            Some(Verdict::HalfOpen) => {
                return Err(Denial { reason: Reason::HalfOpen, retry_after: Some(0) });
            }
            Some(Verdict::ForcedOpen) => return Err(Denial::new(Reason::ForcedOpen)),
            None => return Err(Denial::new(Reason::SharedState)),
        };
        let mut admission = Admission {
            breaker: index,
            place,
            key,
            epoch,
            probe,
            in_flight: false,
            began: now,
            progress: Progress::Waiting,
        };
        if answer.throttled {
            return Err(Denial::new(Reason::Throttled));
        }
        if let Some(limit) = answer.limit {
            self.show(index, &limit, env);
            match self.enter(place, limit.limit, env, now) {
                Ok(Acquire::Acquired) => admission.in_flight = true,
                other => {
                    self.cancel_admission(&admission, env, now);
                    let reason = if other.is_ok() { Reason::ConcurrencyLimited } else { Reason::SharedState };
                    return Err(Denial::new(reason));
                }
            }
        }
        pass.ticket.admissions.push(admission);
        Ok(())
    }

    /// Counts a request as in flight, unless the limit is reached.
    fn enter(
        &self,
        place: Place,
        limit: u32,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Result<Acquire, Failure> {
        let shared = env.host().shared();
        let vm = shared.vm();
        let mut entered = Acquire::Full;
        shared.in_flight(place.page, &mut |record, members| {
            entered = in_flight::acquire(record, place.tag, vm, limit, members, now);
            entered == Acquire::Acquired
        })?;
        Ok(entered)
    }

    /// Decides about a request, from the page of its key. A key without a record is closed.
    fn consult(&self, breaker: &Breaker, page: &mut [u8], place: Place, now: UnixNanos, draw: u64) -> Answer {
        let (layout, bytes) = (breaker.layout, self.plan.record_bytes);
        let mut answer = Answer::default();
        let mut record = match record::find(page, layout, bytes, place.tag) {
            Some(record) => record,
            None if breaker.gradient.is_none() => {
                answer.verdict = Some(Verdict::Admitted { epoch: 0, probe: false });
                return answer;
            }
            None => {
                let Some((record, evicted)) = record::insert(page, layout, bytes, place.tag, now) else {
                    return answer;
                };
                answer.evicted = evicted;
                record
            }
        };
        let mut step = Step::new(&breaker.numbers, &mut record, now, draw);
        let verdict = step.admit();
        answer.changes = step.changes;
        answer.verdict = Some(verdict);
        if let Verdict::Admitted { probe: false, .. } = verdict
            && let Some(admission) = &breaker.admission
            && breaker.has_triggers()
        {
            let totals = Window::Time(admission.interval).totals(record.admission, now);
            answer.throttled = admission.rejects(&totals, draw);
        }
        if let (Verdict::Admitted { .. }, Some(gradient)) = (verdict, &breaker.gradient)
            && breaker.has_triggers()
            && !answer.throttled
        {
            answer.limit = Some(gradient.limit(record.gradient, now));
        }
        record.save(now);
        answer
    }
}

/// Result of one step for a request.
#[derive(Debug, Default)]
struct Answer {
    /// Verdict of the state machine; `None` if the page is too small for a record.
    verdict: Option<Verdict>,
    throttled: bool,
    limit: Option<Limit>,
    changes: Vec<Change>,
    evicted: Option<Header>,
}
