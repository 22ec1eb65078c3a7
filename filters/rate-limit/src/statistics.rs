//! Counters of the filter.

use tollgate::Error;
use tollgate::metrics::Counter;
use tollgate_rate_limit_policy::{Event, Plan, Reason};

pub(crate) struct Statistics {
    /// Counters of events, one set per limit of the plan.
    limits: Vec<[Counter; Event::ALL.len()]>,
    reasons: [Counter; Reason::ALL.len()],
    allowed_on_error: Counter,
}

impl Statistics {
    /// Defines the counters. Their names only contain names from the configuration, never values of a client.
    pub(crate) fn define(plan: &Plan) -> Result<Self, Error> {
        let dot = if plan.stat_prefix.is_empty() { "" } else { "." };
        let counter = |name: &str| Counter::define(&format!("rate_limit.{}{dot}{name}", plan.stat_prefix));
        let allowed_on_error = counter("failure_mode_allowed")?;
        let mut limits = Vec::new();
        for limit in &plan.limits {
            let mut counters = [allowed_on_error; Event::ALL.len()];
            for (counter_of, event) in counters.iter_mut().zip(Event::ALL) {
                *counter_of = counter(&format!("limit.{}.{}", limit.name, event.name()))?;
            }
            limits.push(counters);
        }
        let mut reasons = [allowed_on_error; Reason::ALL.len()];
        for (counter_of, reason) in reasons.iter_mut().zip(Reason::ALL) {
            *counter_of = counter(&format!("denied.{}", reason.name()))?;
        }
        Ok(Self { limits, reasons, allowed_on_error })
    }

    pub(crate) fn happened(&self, limit: usize, event: Event) {
        if let Some(counter) = self.limits.get(limit).and_then(|counters| counters.get(event as usize)) {
            counter.increment();
        }
    }

    pub(crate) fn refused(&self, reason: Reason) {
        if let Some(counter) = self.reasons.get(reason as usize) {
            counter.increment();
        }
    }

    /// Counts a request that was allowed although it could not be decided.
    pub(crate) fn allowed_on_error(&self) {
        self.allowed_on_error.increment();
    }
}
