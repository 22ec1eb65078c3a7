//! The decision.

use crate::plan::Plan;
use crate::{Decision, Environment, Pass};
use tollgate_policy::{RequestFacts, UnixNanos};

/// The filter's mind: the plan, what it remembers, what is revoked.
pub struct Policy {
    plan: Plan,
}

impl Policy {
    /// A policy of a checked configuration. `seed` makes hashes unpredictable.
    pub fn new(plan: Plan, _seed: [u8; 16]) -> Self {
        Self { plan }
    }

    /// What it was made of.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What becomes of a request. `may_wait` is false once its time to wait is over.
    pub fn decide(
        &mut self,
        _request: &RequestFacts<'_>,
        _environment: &mut dyn Environment,
        _now: UnixNanos,
        _may_wait: bool,
    ) -> Decision<'_> {
        Decision::Pass(Pass::default())
    }
}
