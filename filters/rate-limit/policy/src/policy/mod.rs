//! The whole decision, of its parts.
//!
//! A request is counted by one limit after the other: first on this Envoy, then, if all had room, by the rate limit service.
//! One without room ends it, and what the limits before had given is given back. So a request that is refused costs nobody
//! anything, but while several workers decide at once it may for a moment stand in the way of another: never is more
//! admitted than any limit allows, and now and then one less.

mod asking;
mod in_line;
mod local;
mod respond;
#[cfg(test)]
mod tests;
mod ticket;

pub use ticket::Ticket;

use crate::in_flight::Lines;
use crate::key::Facts;
use crate::plan::{NamedRate, OnError};
use crate::remote::{Ask, CallId, Remote};
use crate::table::Placer;
use crate::{Decision, Environment, Event, Pass, Plan, Reason, Refusal, answer};
use ticket::{InLine, Rates, Standing};
use tollgate_policy::{Percent, RequestFacts, UnixNanos};

/// Decides about requests, and remembers what the rate limit service said.
#[derive(Debug)]
pub struct Policy {
    plan: Plan,
    placer: Placer,
    /// Of each limit, whether nothing that was taken is ever given back: then who was refused once is refused until time
    /// has passed, whatever others do.
    only_taken: Vec<bool>,
    /// Whether what was taken has to be known until the response: to change it, or to give it back.
    remembers: bool,
    remote: Option<Remote>,
    /// Calls for which the request that made them waits, and what they came to.
    awaited: Vec<(CallId, Option<Ask>)>,
    /// Who waits until others are in flight no more.
    lines: Lines,
}

impl Policy {
    /// Of a plan. `seed` is random and shared by all workers of the Envoy.
    pub fn new(plan: Plan, seed: [u8; 16]) -> Self {
        let alone = |index| {
            let others = |limits: &Vec<usize>| limits.contains(&index) && limits.len() > 1;
            !plan.rules.iter().any(|rule| others(&rule.limits)) && !others(&plan.otherwise)
        };
        let only_taken = plan
            .limits
            .iter()
            .enumerate()
            .map(|(index, limit)| alone(index) && limit.on_response.is_none() && limit.service.is_none());
        let only_taken: Vec<_> = only_taken.collect();
        Self {
            placer: Placer::new(seed, plan.pages),
            remembers: only_taken.contains(&false)
                || plan.limits.iter().any(|limit| limit.cost.counts_body()),
            only_taken,
            remote: plan.service.clone().map(|service| Remote::new(&plan.domain, service.asked, seed)),
            awaited: Vec::new(),
            lines: Lines::default(),
            plan,
        }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What becomes of a request. With `may_wait` it may be one that waits.
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

    /// Asks the limits that count the request, but for those that gave before it stood in line with this ticket.
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
            None => Ticket { lenient: !holds(self.plan.filter_enforced, env), ..Ticket::default() },
        };
        let stood = ticket.in_line.take();
        let limits = self.plan.rules.first(request).map_or(&self.plan.otherwise, |rule| &rule.limits);
        let mut round = Round {
            policy: self,
            ticket: &mut ticket,
            env,
            now,
            may_wait,
            stood: stood.as_deref(),
            waited: false,
        };
        let mut facts = Facts::new(request);
        for (at, index) in limits.iter().enumerate().skip(stood.as_ref().map_or(0, |stood| stood.at)) {
            if let Err(halt) = round.count(*index, &mut facts) {
                return match halt {
                    Halt::Denied(denied) => {
                        self.leave_line(stood.as_deref());
                        self.refuse(ticket, denied, env, now)
                    }
                    Halt::InLine { tag, left } => self.stand_in_line(ticket, tag, at, left, stood, now),
                };
            }
        }
        self.leave_line(stood.as_deref());
        if ticket.asked.is_empty() {
            return self.pass(ticket, now);
        }
        self.ask(ticket, env, now, may_wait)
    }

    fn pass(&self, mut ticket: Ticket, now: UnixNanos) -> Decision {
        let mut headers = core::mem::take(&mut ticket.request_headers);
        if ticket.in_spite_of.is_some() {
            headers.extend(answer::not_enforced(&self.plan.answers));
        }
        let wait = ticket.left_to_wait(now);
        let pass = Pass { request_headers: headers, in_spite_of: ticket.in_spite_of, ticket };
        match wait {
            0 => Decision::Pass(pass),
            _ => Decision::Delay(wait, pass),
        }
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
        let violated = ticket.standings.iter().position(|standing| denied.is_about(standing));
        let Denied { reason, retry_after, raw_body, .. } = denied;
        let grpc = answer::is_grpc(&self.plan.answers, env);
        let cause = answer::Cause { reason, violated, retry_after, raw_body, grpc };
        let mut refusal = answer::refuse(&self.plan.answers, &standings, cause);
        refusal.headers.append(&mut ticket.response_headers);
        Decision::Refuse(refusal)
    }

    /// The answer to a request that nothing can be said of.
    pub fn unavailable(&self, reason: Reason) -> Refusal {
        let cause =
            answer::Cause { reason, violated: None, retry_after: None, raw_body: Vec::new(), grpc: false };
        answer::refuse(&self.plan.answers, &[], cause)
    }

    /// Rates of a limit.
    fn rates(&self, limit: usize, rates: Rates) -> &[NamedRate] {
        let Some(limit) = self.plan.limits.get(limit) else { return &[] };
        match rates {
            Rates::Own => &limit.rates,
            Rates::Override(index) => limit.overrides.list().get(index).map_or(&[], |other| &other.rates),
            Rates::Fallback => limit.service.as_ref().map_or(&[], |service| &service.fallback),
            Rates::InFlight | Rates::Service => &[],
        }
    }

    /// Where limits stand, as clients know them.
    fn standings(&self, ticket: &Ticket) -> Vec<answer::Standing<'_>> {
        let standing = |standing: &Standing| {
            let limit = self.plan.limits.get(standing.limit)?;
            let rate = self.rates(standing.limit, standing.rates).get(standing.rate);
            let (policy, unit) = match (standing.rates, rate) {
                (Rates::InFlight, _) => (&limit.in_flight_name, answer::Unit::ConcurrentRequests),
                (_, Some(rate)) => (&rate.name, limit.cost.unit()),
                (_, None) => (&limit.name, limit.cost.unit()),
            };
            Some(answer::Standing { policy, quota: standing.quota, unit })
        };
        ticket.standings.iter().filter_map(standing).collect()
    }
}

/// One request on its way through the limits.
struct Round<'a, 'e> {
    policy: &'a Policy,
    ticket: &'e mut Ticket,
    env: &'e mut dyn Environment,
    now: UnixNanos,
    may_wait: bool,
    /// Where it stood in line until now.
    stood: Option<&'e InLine>,
    /// Whether it did for the limit that counts it.
    waited: bool,
}

/// Why a request does not go on at once.
enum Halt {
    /// It is refused.
    Denied(Denied),
    /// It is to wait until others of its key, known by its tag, are in flight no more, for so many nanoseconds at most.
    InLine { tag: u64, left: u64 },
}

impl From<Denied> for Halt {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

/// Why a request is refused.
struct Denied {
    reason: Reason,
    limit: usize,
    rates: Rates,
    /// The rate that has no room longest.
    rate: usize,
    /// In nanoseconds.
    retry_after: Option<u64>,
    /// The body that the rate limit service has for it.
    raw_body: Vec<u8>,
}

impl Denied {
    fn is_about(&self, standing: &Standing) -> bool {
        (self.limit, self.rates, self.rate) == (standing.limit, standing.rates, standing.rate)
    }
}

impl Round<'_, '_> {
    /// A limit has no room: the request is refused, unless that is only counted.
    fn deny(&mut self, denied: Denied) -> Result<(), Denied> {
        if self.only_counts(denied.limit) {
            self.env.count(denied.limit, Event::ShadowLimited);
            self.ticket.in_spite_of.get_or_insert(denied.reason);
            return Ok(());
        }
        self.env.count(denied.limit, Event::Limited);
        Err(denied)
    }

    /// Whether a limit refuses nothing, for this request.
    fn only_counts(&self, limit: usize) -> bool {
        self.ticket.lenient || self.policy.plan.limits.get(limit).is_some_and(|limit| limit.shadow)
    }

    /// A limit could not be asked: what then is for the configuration to say. Where refusals are only counted, this one is
    /// too.
    fn fail(&mut self, limit: usize, reason: Reason, on_error: OnError) -> Result<(), Denied> {
        self.env.count(limit, Event::Error);
        match if self.only_counts(limit) { OnError::Allow } else { on_error } {
            OnError::Deny => Err(Denied {
                reason,
                limit,
                rates: Rates::Service,
                rate: 0,
                retry_after: None,
                raw_body: Vec::new(),
            }),
            OnError::Allow => {
                self.ticket.in_spite_of.get_or_insert(reason);
                Ok(())
            }
        }
    }
}

/// Whether a request is of the share; there is no draw where it makes no difference.
fn holds(share: Percent, env: &mut dyn Environment) -> bool {
    match share.per_million() {
        0 => false,
        1_000_000 => true,
        _ => share.holds(env.draw()),
    }
}
