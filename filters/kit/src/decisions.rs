//! Parts of decisions that all shells carry out in the same way.

use tollgate::metrics::{Counter, Family};
use tollgate::{Error, Flow, Phase, Reply, property};
use tollgate_policy::{AllowedBy, Label, Refusal, ResponseDetails};

/// Decides about a message for which a callback failed: a response passes, because its request was allowed.
/// `undecided` decides about a request as configured. If it fails too, neither the failure mode nor the
/// status is known, so the request is rejected for this reason.
pub fn on_error<R: ResponseDetails>(
    error: Error,
    phase: Phase,
    reason: R,
    undecided: impl FnOnce() -> Result<Flow, Error>,
) -> Flow {
    tollgate::log::error!("cannot decide about a request: {error}");
    match phase {
        Phase::Request => undecided().unwrap_or_else(|_| Reply::new(503).details(reason.details()).into()),
        Phase::Response => Flow::Continue,
    }
}

/// Statistics of a filter that rejects requests.
pub trait Outcomes<R: Label> {
    /// Returns the counters: requests rejected for each reason, those that would be rejected without shadow
    /// mode, and those that were allowed although they could not be checked.
    fn counters(&self) -> (&Family<R>, &Family<R>, Counter);

    /// Allows a request, and counts it if it would be rejected or could not be checked.
    fn allow(&self, by: Option<AllowedBy<R>>) -> Flow {
        let (_, shadow_denied, failure_mode_allowed) = self.counters();
        match by {
            Some(AllowedBy::Shadow(reason)) => shadow_denied.increment(reason),
            Some(AllowedBy::FailureMode(_)) => failure_mode_allowed.increment(),
            None => {}
        }
        Flow::Continue
    }

    /// Rejects a request, and counts it.
    fn refuse(&self, refusal: Refusal<R>) -> Flow
    where
        R: ResponseDetails,
    {
        self.counters().0.increment(refusal.reason);
        refusal.into()
    }

    /// Allows or rejects a request that could not be checked.
    fn settle(&self, undecided: Result<AllowedBy<R>, Refusal<R>>) -> Flow
    where
        R: ResponseDetails,
    {
        match undecided {
            Ok(by) => self.allow(Some(by)),
            Err(refusal) => self.refuse(refusal),
        }
    }
}

/// Reports a decision in the filter state. A failure to report it must not change it.
pub fn report(name: &'static str, value: &[u8]) {
    if let Err(error) = property::set_state(name, value) {
        tollgate::log::warn!("cannot set the filter state `{name}`: {error}");
    }
}
