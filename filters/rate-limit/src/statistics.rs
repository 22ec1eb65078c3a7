//! Counters of the filter.

use tollgate::Metrics;
use tollgate::metrics::{Counter, Family, NamedFamily};
use tollgate_rate_limit_policy::{Event, Reason};

#[derive(Metrics)]
#[metrics(prefix = "rate_limit")]
pub(crate) struct Statistics {
    /// Events, by limit of the plan.
    #[metric(by(limit, event))]
    limit: NamedFamily<Family<Event>>,
    #[metric(by(reason))]
    denied: Family<Reason>,
    failure_mode_allowed: Counter,
}

impl Statistics {
    pub(crate) fn happened(&self, limit: usize, event: Event) {
        if let Some(events) = self.limit.get(limit) {
            events.increment(event);
        }
    }

    pub(crate) fn refused(&self, reason: Reason) {
        self.denied.increment(reason);
    }

    /// Counts a request that was allowed although it could not be decided.
    pub(crate) fn allowed_on_error(&self) {
        self.failure_mode_allowed.increment();
    }
}
