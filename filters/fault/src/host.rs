//! Access of the policy to the host, and statistics. Names are Envoy's where Envoy's filter has the same
//! statistic (`source/extensions/filters/http/fault/fault_filter.h`).

use tollgate::Metrics;
use tollgate::metrics::{Counter, Family, Gauge, NamedFamily};
use tollgate_fault_policy::{Environment, Event};
use tollgate_kit::counts::Counts;

#[derive(Metrics)]
#[metrics(prefix = "fault")]
pub(crate) struct Statistics {
    active_faults: Gauge,
    pub(crate) control_fetched: Counter,
    pub(crate) control_failed: Counter,
    #[metric(flatten)]
    all: Family<Event>,
    /// Events, by the rule that selected the request.
    #[metric(by(rule, event))]
    rule: NamedFamily<Family<Event>>,
}

pub(crate) struct Host {
    pub(crate) counts: Counts,
    pub(crate) statistics: Statistics,
}

impl Environment for Host {
    fn host(&mut self) -> &mut dyn tollgate_counting::Host {
        &mut self.counts
    }

    fn count(&mut self, statistic: usize, event: Event) {
        self.statistics.all.increment(event);
        self.statistics.rule.increment(statistic, event);
    }

    fn active(&mut self, change: i32) {
        self.statistics.active_faults.add(change);
    }
}
