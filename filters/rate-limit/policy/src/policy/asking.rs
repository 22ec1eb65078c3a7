//! Checks by the rate limit service.

use super::ticket::{Asked, Rates, Standing, Ticket};
use super::{Denied, Policy, Round, holds};
use crate::key::{self, Facts};
use crate::model::{Limit, LimitService};
use crate::plan::{FailureMode, RateLimitService};
use crate::remote::{Ask, CallFailure, CallId, Descriptor, Verdict};
use crate::{Decision, Environment, Event, Pass, Reason};
use tollgate_policy::{OnError, UnixNanos};

impl<'a> Round<'a, '_> {
    /// Adds the descriptor of a limit to the call to the service.
    pub(super) fn will_ask(
        &mut self,
        index: usize,
        limit: &'a Limit,
        service: &LimitService,
        cost: u64,
        facts: &mut Facts<'a>,
    ) -> Result<(), Denied> {
        let entries = key::entries(&limit.key, facts, self.env);
        let hasher = || self.policy.placer.key(service.fingerprint);
        let fallback = match service.fallback.list.is_empty() {
            true => None,
            false => key::place(&limit.key, facts, self.env, hasher()),
        };
        if facts.take_failed() {
            return self.fail(index, Reason::HostError, self.policy.plan.enforcement.on_error);
        }
        let Some(entries) = entries else {
            self.env.count(index, Event::NoKey);
            return Ok(());
        };
        let entries = entries.into_iter().map(|entry| (entry.key.to_owned(), entry.value.into_owned()));
        let hits = if service.hits_addend { cost } else { 1 };
        let descriptor = Descriptor { entries: entries.collect(), hits, shadow: limit.shadow };
        self.ticket.asked.push(Asked { limit: index, cost, descriptor, fallback });
        Ok(())
    }
}

impl Policy {
    /// Processes the answer to a call, or its failure. Then call [`Policy::ask_again`] for each request that
    /// waits for it.
    pub fn answered(&mut self, call: CallId, answer: Result<&[u8], CallFailure>, now: UnixNanos) {
        let Some(remote) = &mut self.remote else { return };
        let outcome = remote.answered(call, answer, now);
        match (self.awaited.iter_mut().find(|(id, _)| *id == call), outcome) {
            (Some((_, awaited)), outcome) => *awaited = Some(outcome),
            // The request has ended. The answer only updates the cache.
            (None, Ask::Call(another)) => remote.abandoned(another.id),
            (None, Ask::Settled(_) | Ask::Wait(_)) => {}
        }
    }

    /// Decides again about a request whose call is answered, or took too long.
    pub fn ask_again(&mut self, mut ticket: Ticket, env: &mut dyn Environment, now: UnixNanos) -> Decision {
        match ticket.call.take().and_then(|call| self.outcome(call)) {
            Some(outcome) => self.go_on(outcome, ticket, env, now),
            // The limits of the request are not known, so there is nothing to call the service with.
            None if ticket.asked.is_empty() => match self.undecided(Reason::ServiceUnavailable) {
                Ok(by) => Decision::Pass(Pass { ticket, allowed_by: Some(by), ..Pass::default() }),
                Err(refusal) => {
                    self.give_back(&mut ticket, env, now);
                    Decision::Refuse(refusal)
                }
            },
            // It has already waited, so it may wait again.
            None => self.ask(ticket, env, now, true),
        }
    }

    /// Queries the service, after all limits on this Envoy had room.
    pub(super) fn ask(
        &mut self,
        ticket: Ticket,
        env: &mut dyn Environment,
        now: UnixNanos,
        may_wait: bool,
    ) -> Decision {
        let descriptors: Vec<_> = ticket.asked.iter().map(|asked| asked.descriptor.clone()).collect();
        let asked = match &mut self.remote {
            Some(remote) if may_wait => remote.ask(&descriptors, now),
            Some(remote) => remote.known(&descriptors, now),
            None => Ask::Settled(Verdict { failure: Some(CallFailure::Unavailable), ..Verdict::default() }),
        };
        self.go_on(asked, ticket, env, now)
    }

    fn go_on(
        &mut self,
        asked: Ask,
        mut ticket: Ticket,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Decision {
        match asked {
            Ask::Settled(verdict) => self.judge(ticket, verdict, env, now),
            Ask::Call(call) => {
                self.awaited.push((call.id, None));
                ticket.call = Some(call.id);
                Decision::Ask(call, ticket)
            }
            Ask::Wait(id) => Decision::Wait(id, ticket),
        }
    }

    /// Handles the end of a request that made a call.
    pub(super) fn abandon(&mut self, call: CallId) {
        // The request would have made another call.
        if let (Some(Ask::Call(another)), Some(remote)) = (self.outcome(call), &mut self.remote) {
            remote.abandoned(another.id);
        }
    }

    /// Returns the outcome of a request's own call; `None` if it is still pending.
    fn outcome(&mut self, call: CallId) -> Option<Ask> {
        let place = self.awaited.iter().position(|(id, _)| *id == call)?;
        self.awaited.swap_remove(place).1
    }

    /// Applies a verdict to a request.
    fn judge(
        &mut self,
        mut ticket: Ticket,
        verdict: Verdict,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Decision {
        let (stood, waited) = (None, false);
        let mut round = Round { policy: self, ticket: &mut ticket, env, now, may_wait: true, stood, waited };
        let judged = match verdict.failure {
            Some(_) => round.without_service(),
            None => round.with_verdict(verdict),
        };
        match judged {
            Ok(()) => self.pass(ticket, now),
            Err(denied) => self.refuse(ticket, denied, env, now),
        }
    }
}

impl Round<'_, '_> {
    /// Applies the answer of the service.
    fn with_verdict(&mut self, mut verdict: Verdict) -> Result<(), Denied> {
        let limits: Vec<_> = self.ticket.asked.iter().map(|asked| asked.limit).collect();
        for (limit, quota) in limits.iter().zip(verdict.quotas.iter()) {
            if let Some(quota) = *quota {
                let standing = Standing { limit: *limit, rates: Rates::Service, rate: 0, quota };
                self.ticket.standings.push(standing);
            }
        }
        self.ticket.response_headers.append(&mut verdict.response_headers);
        for (index, limit) in limits.iter().enumerate() {
            if verdict.from_cache {
                self.env.count(*limit, Event::CacheHit);
            }
            if !verdict.over_limit.contains(&index) {
                self.env.count(*limit, Event::Ok);
                continue;
            }
            let retry_after = verdict.quotas.get(index).copied().flatten().map(|quota| quota.reset);
            self.deny(Denied {
                reason: Reason::ServiceLimit,
                limit: *limit,
                rates: Rates::Service,
                rate: 0,
                retry_after,
                raw_body: verdict.raw_body.clone(),
            })?;
        }
        self.ticket.request_headers.extend(verdict.request_headers);
        Ok(())
    }

    /// Applies the failure mode while the service is unavailable.
    fn without_service(&mut self) -> Result<(), Denied> {
        let policy = self.policy;
        for asked in self.ticket.asked.clone() {
            let on_error = match (&policy.plan.service, asked.fallback) {
                (Some(RateLimitService { failure_mode: FailureMode::Local, .. }), Some(place)) => {
                    self.env.count(asked.limit, Event::Error);
                    self.take(asked.limit, Rates::Fallback, place, asked.cost)?;
                    continue;
                }
                (Some(service), _) if service.failure_mode == FailureMode::Deny => {
                    if holds(service.deny_percent, self.env) { OnError::Deny } else { OnError::Allow }
                }
                (Some(service), _) if service.failure_mode == FailureMode::Allow => OnError::Allow,
                _ => policy.plan.enforcement.on_error,
            };
            self.fail(asked.limit, Reason::ServiceUnavailable, on_error)?;
        }
        Ok(())
    }
}
