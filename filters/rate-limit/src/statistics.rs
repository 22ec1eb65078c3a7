//! Counters of the filter.

use tollgate::Metrics;
use tollgate::metrics::{Counter, Family, NamedFamily};
use tollgate_policy::AllowedBy;
use tollgate_rate_limit_policy::{Event, Reason};

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

impl Statistics {
    pub(crate) fn happened(&self, limit: usize, event: Event) {
        if let Some(events) = self.limit.get(limit) {
            events.increment(event);
        }
    }

    pub(crate) fn refused(&self, reason: Reason) {
        self.denied.increment(reason);
    }

    /// Counts a request that was allowed although a limit had no room or could not be checked.
    pub(crate) fn allowed(&self, by: AllowedBy<Reason>) {
        match by {
            AllowedBy::Shadow(reason) => self.shadow_denied.increment(reason),
            AllowedBy::FailureMode(_) => self.failure_mode_allowed.increment(),
        }
    }
}
