//! Access of the policy to the host, and statistics.

use tollgate::metrics::{Counter, Family, Gauge, NamedFamily};
use tollgate::{Flow, Metrics};
use tollgate_circuit_breaker_policy::gradient::Limit;
use tollgate_circuit_breaker_policy::machine::Status;
use tollgate_circuit_breaker_policy::{Environment, Event, Reason, Refusal, Report};
use tollgate_counting::Host;
use tollgate_kit::{counts::Counts, decisions::Outcomes};

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

impl Outcomes<Reason> for Statistics {
    fn counters(&self) -> (&Family<Reason>, &Family<Reason>, Counter) {
        (&self.denied, &self.shadow_denied, self.failure_mode_allowed)
    }

    fn refuse(&self, refusal: Refusal) -> Flow {
        if refusal.reason != Reason::Admin {
            self.denied.increment(refusal.reason);
        }
        refusal.into()
    }
}

pub(crate) struct World {
    pub(crate) counts: Counts,
    pub(crate) statistics: Statistics,
}

impl Environment for World {
    #[inline]
    fn host(&mut self) -> &mut dyn Host {
        &mut self.counts
    }

    fn count(&mut self, breaker: usize, event: Event) {
        self.statistics.breaker.increment(breaker, event);
    }

    fn changed(&mut self, report: &Report<'_>) {
        let Statistics { open, half_open, .. } = &self.statistics;
        if let (Some(open), Some(half_open)) = (open.get(report.breaker), half_open.get(report.breaker)) {
            open.add(report.change.difference(Status::is_open));
            half_open.add(report.change.difference(|status| status == Status::HalfOpen));
        }
        tollgate::log::warn!("{report}");
    }

    fn limited(&mut self, breaker: usize, limit: &Limit) {
        let Statistics { concurrency_limit, min_rtt_us, .. } = &self.statistics;
        if let (Some(concurrency), Some(rtt)) = (concurrency_limit.get(breaker), min_rtt_us.get(breaker)) {
            concurrency.set(limit.limit.into());
            rtt.set(limit.min_rtt.into());
        }
    }
}
