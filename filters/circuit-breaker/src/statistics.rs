//! Statistics of the filter.

use tollgate::metrics::{Counter, Family, Gauge, NamedFamily};
use tollgate::{Flow, Metrics};
use tollgate_circuit_breaker_policy::gradient::Limit;
use tollgate_circuit_breaker_policy::machine::{Change, Status};
use tollgate_circuit_breaker_policy::{Event, Reason, Refusal};
use tollgate_policy::AllowedBy;

#[derive(Metrics)]
#[metrics(prefix = "circuit_breaker")]
pub(crate) struct Statistics {
    /// Events, by breaker of the plan.
    #[metric(by(breaker, event))]
    breaker: NamedFamily<Family<Event>>,
    /// Number of keys whose breaker is open.
    #[metric(by(breaker))]
    open: NamedFamily<Gauge>,
    /// Number of keys whose breaker is half-open.
    #[metric(by(breaker))]
    half_open: NamedFamily<Gauge>,
    /// Adaptive concurrency limit, of a breaker without a key.
    #[metric(by(breaker))]
    concurrency_limit: NamedFamily<Gauge>,
    /// Minimum round-trip time, of a breaker without a key.
    #[metric(by(breaker))]
    min_rtt_us: NamedFamily<Gauge>,
    #[metric(by(reason))]
    denied: Family<Reason>,
    #[metric(by(reason))]
    shadow_denied: Family<Reason>,
    failure_mode_allowed: Counter,
}

impl Statistics {
    pub(crate) fn happened(&self, breaker: usize, event: Event) {
        if let Some(events) = self.breaker.get(breaker) {
            events.increment(event);
        }
    }

    pub(crate) fn changed(&self, breaker: usize, change: &Change) {
        let (open, half_open) = (self.open.get(breaker), self.half_open.get(breaker));
        if let (Some(open), Some(half_open)) = (open, half_open) {
            open.add(change.difference(Status::is_open));
            half_open.add(change.difference(|status| status == Status::HalfOpen));
        }
    }

    pub(crate) fn limited(&self, breaker: usize, limit: &Limit) {
        let (concurrency, rtt) = (self.concurrency_limit.get(breaker), self.min_rtt_us.get(breaker));
        if let (Some(concurrency), Some(rtt)) = (concurrency, rtt) {
            concurrency.set(limit.limit.into());
            rtt.set(limit.min_rtt.into());
        }
    }

    /// Counts a rejected request.
    pub(crate) fn refused(&self, refusal: Refusal) -> Flow {
        if refusal.reason != Reason::Admin {
            self.denied.increment(refusal.reason);
        }
        refusal.into()
    }

    /// Counts a request that is allowed although a breaker would reject it or could not be checked.
    pub(crate) fn allowed(&self, by: Option<AllowedBy<Reason>>) -> Flow {
        match by {
            Some(AllowedBy::Shadow(reason)) => self.shadow_denied.increment(reason),
            Some(AllowedBy::FailureMode(_)) => self.failure_mode_allowed.increment(),
            None => {}
        }
        Flow::Continue
    }
}
