//! Access of the policy to the host, and statistics.

use tollgate::Metrics;
use tollgate::metrics::{Counter, Family, NamedFamily};
use tollgate_counting::Host;
use tollgate_kit::{counts::Counts, decisions::Outcomes};
use tollgate_rate_limit_policy::{Environment, Event, Reason};

#[derive(Metrics)]
#[metrics(prefix = "rate_limit")]
pub(crate) struct Statistics {
    /// Events, by limit of the plan.
    #[metric(by(limit, event))]
    limit: NamedFamily<Family<Event>>,
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

    fn count(&mut self, limit: usize, event: Event) {
        self.statistics.limit.increment(limit, event);
    }
}
