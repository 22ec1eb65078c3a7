//! Statistics. Names are Envoy's where Envoy has the same statistic
//! (`source/extensions/filters/common/rbac/utility.h`).

use tollgate::Metrics;
use tollgate::metrics::{Counter, Family, NamedFamily};
use tollgate_policy::AllowedBy;
use tollgate_rbac_policy::{Decision, Event, Plan, ReasonKind, Rule};

#[derive(Metrics)]
#[metrics(prefix = "rbac")]
pub(crate) struct Statistics {
    allowed: Counter,
    #[metric(by(reason))]
    denied: Family<ReasonKind>,
    shadow_allowed: Counter,
    #[metric(by(reason))]
    shadow_denied: Family<ReasonKind>,
    failure_mode_allowed: Counter,
    audit_lines_dropped: Counter,
    /// Decisions, by the policy that decided.
    #[metric(by(policy, event))]
    policy: NamedFamily<Family<Event>>,
}

impl Statistics {
    #[inline]
    pub(crate) fn count(&self, plan: &Plan, decision: &Decision<'_>) {
        match (&decision.refusal, &decision.allowed_by) {
            (Some(refusal), _) => {
                self.denied.increment(refusal.reason.kind());
                self.decided(plan, decision.rule, Event::Denied);
            }
            (None, Some(AllowedBy::FailureMode(_))) => self.failure_mode_allowed.increment(),
            (None, Some(AllowedBy::Shadow(reason))) => self.shadow_denied.increment(*reason),
            (None, None) => {
                self.allowed.increment();
                self.decided(plan, decision.rule, Event::Allowed);
            }
        }
        if let Some(shadow) = &decision.shadow {
            match shadow.reason {
                // Shadow mode of the whole filter was counted above.
                Some(_) if decision.allowed_by.is_some() => {}
                Some(reason) => self.shadow_denied.increment(reason),
                None => self.shadow_allowed.increment(),
            }
            let event = if shadow.denied() { Event::ShadowDenied } else { Event::ShadowAllowed };
            self.decided(plan, shadow.rule, event);
        }
        self.decided(plan, decision.logged, Event::Logged);
        self.audit_lines_dropped.add(decision.audit_dropped.into());
    }

    fn decided(&self, plan: &Plan, rule: Option<&Rule>, event: Event) {
        if let Some(events) = rule.and_then(|rule| self.policy.get(plan.statistic_of(rule))) {
            events.increment(event);
        }
    }
}
