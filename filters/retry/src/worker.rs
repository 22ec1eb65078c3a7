//! The state of a worker, its access to the host, and the statistics.

use tollgate::metrics::Family;
use tollgate::{Metrics, UnixNanos, property, random};
use tollgate_kit::counts::Counts;
use tollgate_retry_policy::{Environment, Event, Policy, RetryReason};

#[derive(Metrics)]
#[metrics(prefix = "retry")]
pub(crate) struct Statistics {
    #[metric(flatten)]
    pub(crate) events: Family<Event>,
    #[metric(by(reason))]
    pub(crate) retries: Family<RetryReason>,
}

pub(crate) struct Worker {
    pub(crate) policy: Policy,
    pub(crate) world: World,
    /// Number of second attempts.
    pub(crate) hedges: u32,
}

/// Access of the policy to the host.
pub(crate) struct World(pub(crate) Counts);

impl Environment for World {
    type Memory = Counts;

    fn memory(&mut self) -> &mut Counts {
        &mut self.0
    }

    fn now(&mut self) -> UnixNanos {
        self.0.tell_time_or_last()
    }

    /// Without random numbers, waits as long as the back-off allows.
    fn draw(&mut self) -> u64 {
        random::bytes().map_or(u64::MAX, u64::from_le_bytes)
    }

    fn received_at(&mut self) -> Option<UnixNanos> {
        property::REQUEST_TIME.get().ok().flatten()
    }
}
