//! Decisions about requests.
//!
//! The limits of a request are checked one after another: first on this Envoy, then, if all had room, by the
//! rate limit service. The first limit without room rejects the request, and what earlier limits have given
//! is refunded. So a rejected request costs nothing. While several workers decide at once, it can take the
//! room of another request for a moment: no limit ever admits more than it allows, but it may sometimes admit
//! one less.

mod asking;
mod denied;
mod local;
mod queue;
mod respond;
#[cfg(test)]
mod tests;
mod ticket;

pub use ticket::Ticket;

use crate::key::Facts;
use crate::model::NamedRates;
use crate::plan::Rule;
use crate::remote::{Ask, CallId, Remote};
use crate::{Decision, Environment, Event, HeaderChanges, Hold, Pass, Plan, Reason, Refusal, Until, answer};
use denied::{Denied, Violated};
use std::borrow::Cow;
use ticket::{Queued, Rates, Standing};
use tollgate_counting::in_flight::Queues;
use tollgate_counting::rate::Rate;
use tollgate_counting::table::Placer;
use tollgate_policy::{AllowedBy, InvalidPath, OnError, Percent, RequestFacts, UnixNanos};

/// Decides about requests, and caches the answers of the rate limit service.
#[derive(Debug)]
pub struct Policy {
    plan: Plan,
    placer: Placer,
    /// For each limit, whether it never refunds anything. Then a key that was rejected stays rejected until
    /// time has passed, regardless of other requests.
    never_refunds: Vec<bool>,
    /// Whether reservations must be kept until the response, to change or refund them.
    remembers: bool,
    remote: Option<Remote>,
    /// Calls whose requests wait for them, and their outcomes.
    awaited: Vec<(CallId, Option<Ask>)>,
    /// Queues of requests that wait for a concurrency slot.
    queues: Queues,
}

impl Policy {
    /// Returns a policy for a plan. `seed` is random and shared by all workers of the Envoy.
    pub fn new(plan: Plan, seed: [u8; 16]) -> Self {
        let alone = |index| {
            let others = |limits: &Vec<usize>| limits.contains(&index) && limits.len() > 1;
            !plan.rules.iter().any(|rule| others(&rule.limits)) && !others(&plan.otherwise)
        };
        let never_refunds = plan
            .limits
            .iter()
            .enumerate()
            .map(|(index, limit)| alone(index) && limit.on_response.is_none() && limit.service.is_none());
        let never_refunds: Vec<_> = never_refunds.collect();
        Self {
            placer: Placer::new(seed, plan.pages),
            remembers: never_refunds.contains(&false)
                || plan.limits.iter().any(|limit| limit.cost.counts_body()),
            never_refunds,
            remote: plan.service.clone().map(|service| Remote::new(&plan.domain, service.asked, seed)),
            awaited: Vec::new(),
            queues: Queues::default(),
            plan,
        }
    }

    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Decides about a request. Without `may_wait`, the decision is never to wait.
    #[inline]
    pub fn decide(
        &mut self,
        request: &RequestFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
        may_wait: bool,
    ) -> Decision {
        if !holds(self.plan.filter_enabled, env) {
            return Decision::Pass(Pass::default());
        }
        self.count(request, None, env, now, may_wait)
    }

    /// Checks the limits of the request. If it was queued with the ticket `begun`, skips the limits that have
    /// already given.
    #[inline(never)]
    fn count(
        &mut self,
        request: &RequestFacts<'_>,
        begun: Option<&mut Ticket>,
        env: &mut dyn Environment,
        now: UnixNanos,
        may_wait: bool,
    ) -> Decision {
        let mut ticket = match begun {
            Some(ticket) => core::mem::take(ticket),
            None => Ticket { not_enforced: !holds(self.plan.filter_enforced, env), ..Ticket::default() },
        };
        let stood = ticket.queued.take();
        let Ok(limits) = limits_of(&self.plan, request) else {
            self.dequeue(stood.as_deref());
            return self.refuse_path(ticket, env, now);
        };
        let mut round = Round {
            policy: self,
            ticket: &mut ticket,
            env,
            now,
            may_wait,
            stood: stood.as_deref(),
            waited: false,
        };
        let mut facts = Facts::new(request, round.policy.plan.path_normalization);
        for (at, index) in limits.iter().enumerate().skip(stood.as_ref().map_or(0, |stood| stood.at)) {
            if let Err(halt) = round.count(*index, &mut facts) {
                return match halt {
                    Halt::Denied(mut denied) => {
                        round.look_ahead(limits.get(at + 1..).unwrap_or_default(), &mut facts, &mut denied);
                        self.dequeue(stood.as_deref());
                        self.refuse(ticket, denied, env, now)
                    }
                    Halt::Queued { tag, left } => self.enqueue(ticket, tag, (at, *index), left, stood, now),
                    Halt::InvalidPath => {
                        self.dequeue(stood.as_deref());
                        self.refuse_path(ticket, env, now)
                    }
                };
            }
        }
        self.dequeue(stood.as_deref());
        if ticket.asked.is_empty() {
            return self.pass(ticket, now);
        }
        self.ask(ticket, env, now, may_wait)
    }

    /// Allows a request, after its turn if it has one.
    fn pass(&self, mut ticket: Ticket, now: UnixNanos) -> Decision {
        match ticket.left_to_wait(now) {
            0 => self.allow(ticket),
            timeout => {
                ticket.is_admitted = true;
                Decision::Hold(Hold { until: Until::Turn, timeout, ticket, call: None })
            }
        }
    }

    fn allow(&self, mut ticket: Ticket) -> Decision {
        // Headers of the service are added, as in Envoy.
        let add = core::mem::take(&mut ticket.request_headers);
        let set = match ticket.allowed_by {
            Some(_) => answer::not_enforced(&self.plan.answers),
            None => Vec::new(),
        };
        let request_headers = HeaderChanges { set, add };
        Decision::Pass(Pass { request_headers, allowed_by: ticket.allowed_by, ticket })
    }

    /// Decides again about a request that was [held](Hold). `request` must be the same as at first; without
    /// [`needs_request`](Self::needs_request), it may be empty.
    pub fn resume(
        &mut self,
        mut ticket: Ticket,
        request: &RequestFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Decision {
        match ticket.queued {
            Some(_) => self.count(request, Some(&mut ticket), env, now, true),
            None if ticket.is_admitted => self.pass(ticket, now),
            None => self.ask_again(ticket, env, now),
        }
    }

    /// Returns whether the facts about a request are needed to decide again about it.
    pub fn needs_request(&self, ticket: &Ticket) -> bool {
        self.plan.needs.request_headers && ticket.queued.is_some()
    }

    fn refuse(
        &mut self,
        mut ticket: Ticket,
        denied: Denied,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Decision {
        self.give_back(&mut ticket, env, now);
        let standings = self.standings(&ticket);
        let place = |violated: &Violated| ticket.standings.iter().position(|one| violated.is(one));
        let violated = denied.violated.iter().filter_map(place).collect();
        let retry_after = denied.retry_after();
        let grpc = answer::is_grpc(&self.plan.answers, env);
        let Denied { reason, raw_body, .. } = denied;
        let service = core::mem::take(&mut ticket.response_headers);
        let cause = answer::Cause { reason, violated, retry_after, raw_body, service, grpc };
        Decision::Refuse(answer::refuse(&self.plan.answers, &standings, cause))
    }

    /// Decides about a request whose path cannot be read with certainty, so that its limits are unknown.
    #[cold]
    #[inline(never)]
    fn refuse_path(&mut self, mut ticket: Ticket, env: &mut dyn Environment, now: UnixNanos) -> Decision {
        self.give_back(&mut ticket, env, now);
        let reason = Reason::InvalidPath;
        if ticket.not_enforced || self.plan.enforcement.shadow {
            ticket.allow(AllowedBy::Shadow(reason));
            return self.pass(ticket, now);
        }
        let grpc = answer::is_grpc(&self.plan.answers, env);
        Decision::Refuse(answer::refuse(&self.plan.answers, &[], answer::Cause::new(reason, grpc)))
    }

    /// Decides about a request that cannot be checked: returns why it is allowed, or the response.
    pub fn undecided(&self, reason: Reason) -> Result<AllowedBy<Reason>, Refusal> {
        self.plan
            .enforcement
            .allows_undecided(reason)
            .ok_or_else(|| answer::refuse(&self.plan.answers, &[], answer::Cause::new(reason, false)))
    }

    /// Returns rates of a limit.
    fn rates(&self, limit: usize, rates: Rates) -> &[Rate] {
        self.named_rates(limit, rates).map_or(&[], |rates| &rates.list)
    }

    fn named_rates(&self, limit: usize, rates: Rates) -> Option<&NamedRates> {
        let limit = self.plan.limits.get(limit)?;
        match rates {
            Rates::Own => Some(&limit.rates),
            Rates::Override(index) => limit.overrides.list().get(index).map(|other| &other.rates),
            Rates::Fallback => limit.service.as_ref().map(|service| &service.fallback),
            Rates::InFlight | Rates::Service => None,
        }
    }

    /// Returns the quotas of the limits, with the names that clients see.
    fn standings(&self, ticket: &Ticket) -> Vec<answer::Standing<'_>> {
        let standing = |standing: &Standing| {
            let limit = self.plan.limits.get(standing.limit)?;
            let named = self.named_rates(standing.limit, standing.rates);
            let name = named.and_then(|rates| rates.names.get(standing.rate));
            let (policy, unit) = match (standing.rates, name) {
                (Rates::InFlight, _) => (&limit.in_flight_name, answer::Unit::ConcurrentRequests),
                (Rates::Service, _) if limit.service.is_some() => {
                    let name = limit.service.as_ref().map_or(&limit.name, |service| &service.policy_name);
                    (name, limit.cost.unit())
                }
                (_, Some(name)) => (name, limit.cost.unit()),
                (_, None) => (&limit.name, limit.cost.unit()),
            };
            Some(answer::Standing { policy, quota: standing.quota, unit })
        };
        ticket.standings.iter().filter_map(standing).collect()
    }
}

/// Returns the limits for a request. If its path can be read in several ways, these are the limits for each
/// of them, because the upstream may use any. If one of those has no room, the others keep what they took,
/// unless the policy keeps reservations anyway.
fn limits_of<'p>(plan: &'p Plan, request: &RequestFacts<'_>) -> Result<Cow<'p, [usize]>, InvalidPath> {
    let selected = plan.rules.select(request, &plan.path_normalization)?;
    let limits = |rule: Option<&'p Rule>| rule.map_or(&*plan.otherwise, |rule| &*rule.limits);
    let mut all = Cow::Borrowed(limits(selected.first));
    for rule in selected.others {
        for index in limits(rule) {
            if !all.contains(index) {
                all.to_mut().push(*index);
            }
        }
    }
    Ok(all)
}

/// Decision in progress: one request and its limits.
struct Round<'a, 'e> {
    policy: &'a Policy,
    ticket: &'e mut Ticket,
    env: &'e mut dyn Environment,
    now: UnixNanos,
    may_wait: bool,
    /// Place of the request in a queue until now.
    stood: Option<&'e Queued>,
    /// Whether the request was queued for the current limit.
    waited: bool,
}

/// Reason why a request cannot continue at once.
enum Halt {
    /// The request is rejected.
    Denied(Denied),
    /// The request must wait for a slot of the key with this tag, at most for `left` nanoseconds.
    Queued { tag: u64, left: u64 },
    /// The path cannot be read with certainty, and a key needs it.
    InvalidPath,
}

impl From<Denied> for Halt {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl Round<'_, '_> {
    /// Handles a limit without room: rejects the request, unless the limit only counts.
    fn deny(&mut self, reason: Reason, violated: Violated) -> Result<(), Denied> {
        if self.only_counts(violated.limit) {
            self.env.count(violated.limit, Event::ShadowLimited);
            self.ticket.allow(AllowedBy::Shadow(reason));
            return Ok(());
        }
        self.env.count(violated.limit, Event::Limited);
        Err(Denied::new(reason, violated))
    }

    /// Returns whether a limit only counts for this request, and cannot reject it.
    fn only_counts(&self, limit: usize) -> bool {
        self.ticket.not_enforced || self.policy.plan.limits.get(limit).is_some_and(|limit| limit.shadow)
    }

    /// Handles a limit that could not be checked, as configured. If the limit only counts, the request is
    /// allowed.
    fn fail(&mut self, limit: usize, reason: Reason, on_error: OnError) -> Result<(), Denied> {
        self.env.count(limit, Event::Error);
        match on_error {
            OnError::Allow => self.ticket.allow(AllowedBy::FailureMode(reason)),
            OnError::Deny if self.only_counts(limit) => self.ticket.allow(AllowedBy::Shadow(reason)),
            OnError::Deny => {
                return Err(Denied { reason, violated: Vec::new(), raw_body: Vec::new() });
            }
        }
        Ok(())
    }
}

/// Returns whether a request is inside a share. Draws no random number for 0 % and 100 %. Without random
/// numbers, every request is inside, so that limits apply.
fn holds(share: Percent, env: &mut dyn Environment) -> bool {
    match share.per_million() {
        0 => false,
        1_000_000 => true,
        _ => share.holds(env.host().random().unwrap_or(0)),
    }
}
