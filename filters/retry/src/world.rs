//! Access of the policy to the host, and the statistics.

use tollgate::Metrics;
use tollgate::metrics::Family;
use tollgate_counting::Host;
use tollgate_kit::counts::Counts;
use tollgate_retry_policy::{Environment, Event, RetryReason};

#[derive(Metrics)]
#[metrics(prefix = "retry")]
pub(crate) struct Statistics {
    #[metric(flatten)]
    events: Family<Event>,
    #[metric(by(reason))]
    retries: Family<RetryReason>,
}

/// Access of the policy to the host.
pub(crate) struct World {
    pub(crate) counts: Counts,
    pub(crate) statistics: Statistics,
}

impl Environment for World {
    fn host(&mut self) -> &mut dyn Host {
        &mut self.counts
    }

    fn count(&mut self, event: Event) {
        self.statistics.events.increment(event);
    }

    fn count_retries(&mut self, reason: RetryReason, retries: u32) {
        self.statistics.retries.add(reason, retries);
    }
}
