//! Decisions about requests.

use crate::audit::Audit;
use crate::rule::name_of;
use crate::{
    Decision, Effect, Environment, Facts, Plan, Reason, ReasonKind, Rule, Shadow, Verdict, response,
};
use tollgate_policy::{AllowedBy, InvalidPath, RequestFacts};

/// Name of the filter state with the decision.
const DECISION: &str = "rbac.decision";
/// Name of the filter state with the shadow verdict.
const SHADOW: &str = "rbac.shadow";

/// Decides about requests.
#[derive(Debug)]
pub struct Policy {
    plan: Plan,
    audit: Audit,
}

impl Policy {
    /// Creates a policy with a compiled configuration.
    pub fn new(plan: Plan) -> Self {
        Self { plan, audit: Audit::default() }
    }

    /// Returns the configuration.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Decides about a request.
    pub fn decide(&self, request: &RequestFacts<'_>, environment: &dyn Environment) -> Decision<'_> {
        let mut is_recorded = false;
        let mut decision = self.decide_and(request, environment, |facts, decision| {
            self.audit.record(&self.plan, facts, decision);
            is_recorded = true;
        });
        // A request with an invalid path is recorded with the path as it is.
        if !is_recorded {
            let readings = [request.path_only()];
            let facts = Facts::new(request, &readings, &self.plan.sources, environment);
            self.audit.record(&self.plan, &facts, &mut decision);
        }
        if decision.refusal.is_none() && self.plan.config.forward_normalized_path {
            decision.path = self.plan.normalized(request);
        }
        decision
    }

    /// Decides about a request, and passes the facts and the decision to `then`, unless its path is invalid.
    /// Decisions and explanations both use it, so that they never differ.
    pub(crate) fn decide_and<'p>(
        &'p self,
        request: &RequestFacts<'_>,
        environment: &dyn Environment,
        then: impl FnOnce(&Facts<'_>, &mut Decision<'p>),
    ) -> Decision<'p> {
        let plan = &self.plan;
        let decided = plan.with_facts(request, environment, |facts| {
            let mut decision = plan.decide(facts);
            then(facts, &mut decision);
            decision
        });
        decided.unwrap_or_else(|error| plan.undecided(Reason::InvalidPath(error)))
    }
}

impl Plan {
    /// Calls `then` with the facts about a request. Returns an error if its path is invalid.
    pub fn with_facts<R>(
        &self,
        request: &RequestFacts<'_>,
        environment: &dyn Environment,
        then: impl FnOnce(&Facts<'_>) -> R,
    ) -> Result<R, InvalidPath> {
        // A CONNECT request has no path, and no test of a path matches it.
        if request.path.is_empty() {
            return Ok(then(&Facts::new(request, &[b""], &self.sources, environment)));
        }
        let readings = self.config.path_normalization.readings_of(request)?;
        let mut list: Vec<&[u8]> = Vec::new();
        list.extend(readings.iter());
        Ok(then(&Facts::new(request, &list, &self.sources, environment)))
    }

    /// Returns the path to send upstream, if it differs.
    #[inline(never)]
    fn normalized(&self, request: &RequestFacts<'_>) -> Option<Vec<u8>> {
        let path = request.path_only();
        let normal = self.config.path_normalization.canonical(path).ok()?;
        let rest = request.path.get(path.len()..)?;
        (*normal != *path).then(|| [&*normal, rest].concat())
    }

    /// Decides about a request whose path is valid.
    pub fn decide(&self, facts: &Facts<'_>) -> Decision<'_> {
        let verdict = self.engine.verdict(facts, false);
        if facts.failed() {
            return self.undecided(Reason::HostError);
        }
        let mut decision = Decision { rule: verdict.by, logged: verdict.logged, ..Decision::default() };
        if self.has_shadow {
            let shadow = self.engine.verdict(facts, true);
            // A failure that only a policy in shadow mode meets does not change the decision.
            decision.shadow = Some(match facts.failed() {
                true => Shadow { reason: Some(ReasonKind::HostError), rule: None },
                false => Shadow::new(&shadow),
            });
        }
        if verdict.effect == Effect::Deny {
            let reason = verdict.by.map_or(Reason::NoRule, Reason::Rule);
            if self.config.enforcement.shadow {
                decision.allowed_by = Some(AllowedBy::Shadow(reason.kind()));
                decision.shadow = Some(Shadow::new(&verdict));
            } else {
                decision.refusal = Some(response::refusal(self, reason));
            }
        }
        self.describe(&mut decision);
        decision
    }

    /// Returns the decision about a request whose path is invalid, or that cannot be decided.
    #[cold]
    pub fn undecided<'p>(&'p self, reason: Reason<'p>) -> Decision<'p> {
        let enforcement = &self.config.enforcement;
        let allowed_by = match reason {
            // The client is at fault, not the host.
            Reason::InvalidPath(_) => enforcement.shadow.then(|| AllowedBy::Shadow(reason.kind())),
            _ => enforcement.allows_undecided(reason.kind()),
        };
        let mut decision = Decision { allowed_by, ..Decision::default() };
        if decision.allowed_by.is_none() {
            decision.refusal = Some(response::refusal(self, reason));
        }
        self.describe(&mut decision);
        decision
    }

    /// Adds the filter state.
    fn describe(&self, decision: &mut Decision<'_>) {
        let states = &self.config.filter_state;
        if states.decision {
            let decided = described(decision.refusal.is_some(), decision.rule);
            decision.filter_state.push((DECISION, decided));
        }
        if let Some(shadow) = decision.shadow.filter(|_| states.shadow) {
            decision.filter_state.push((SHADOW, described(shadow.denied(), shadow.rule)));
        }
    }
}

impl<'p> Shadow<'p> {
    fn new(verdict: &Verdict<'p>) -> Self {
        let kind = if verdict.by.is_some() { ReasonKind::Policy } else { ReasonKind::NoPolicy };
        Self { reason: (verdict.effect == Effect::Deny).then_some(kind), rule: verdict.by }
    }
}

fn described(denied: bool, rule: Option<&Rule>) -> Vec<u8> {
    let verb = if denied { "denied_by[" } else { "allowed_by[" };
    [verb, &name_of(rule), "]"].concat().into_bytes()
}
