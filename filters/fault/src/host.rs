//! Access of the policy to the host, and statistics. Names are Envoy's where Envoy's filter has the same
//! statistic (`source/extensions/filters/http/fault/fault_filter.h`).

use tollgate::metrics::{Counter, Family, Gauge, NamedFamily};
use tollgate::{Metrics, property, random};
use tollgate_counting::{Failure, SharedMemory};
use tollgate_fault_policy::{Environment, Event};
use tollgate_kit::counts::{Counts, failure};
use tollgate_policy::UnixNanos;

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
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.counts
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        self.counts.tell_time().map_err(failure)
    }

    fn random(&mut self) -> Result<u64, Failure> {
        random::bytes().map(u64::from_le_bytes).map_err(failure)
    }

    fn property(&mut self, path: &'static str) -> Result<Option<Vec<u8>>, Failure> {
        property::by_path(path).map_err(failure)
    }

    fn count(&mut self, statistic: usize, event: Event) {
        self.statistics.all.increment(event);
        if let Some(events) = self.statistics.rule.get(statistic) {
            events.increment(event);
        }
    }

    fn active(&mut self, change: i32) {
        self.statistics.active_faults.add(change);
    }
}
