//! Access of the policy to the host.

use crate::statistics::Statistics;
use tollgate::property;
use tollgate_circuit_breaker_policy::gradient::Limit;
use tollgate_circuit_breaker_policy::{Environment, Event, Report};
use tollgate_counting::{Failure, SharedMemory};
use tollgate_kit::counts::{Counts, failure};

pub(crate) struct World {
    pub(crate) counts: Counts,
    pub(crate) statistics: Statistics,
}

impl Environment for World {
    #[inline]
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.counts
    }

    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        property::by_path(path).map_err(failure)
    }

    fn count(&mut self, breaker: usize, event: Event) {
        self.statistics.happened(breaker, event);
    }

    fn changed(&mut self, report: &Report<'_>) {
        self.statistics.changed(report.breaker, &report.change);
        tollgate::log::warn!("{report}");
    }

    fn limited(&mut self, breaker: usize, limit: &Limit) {
        self.statistics.limited(breaker, limit);
    }
}
