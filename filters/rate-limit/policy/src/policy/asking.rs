//! Checks by the rate limit service.

use super::denied::{Denied, Room, Violated};
use super::ticket::{Asked, Rates, Standing, Ticket};
use super::{Policy, Round, holds};
use crate::key::{self, Facts};
use crate::model::{Limit, LimitService};
use crate::plan::{FailureMode, RateLimitService};
use crate::remote::{Ask, Call, CallFailure, CallId, Descriptor, Verdict};
use crate::{Decision, Environment, Event, Hold, Pass, Reason, Until};
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
    /// Processes the answer to a call, or its failure. Then resume each request that waits for it.
    pub fn answered(&mut self, call: CallId, answer: Result<&[u8], CallFailure>, now: UnixNanos) {
        let Some(remote) = &mut self.remote else { return };
        let outcome = remote.answered(call, answer, now);
        match (self.awaited.iter_mut().find(|(id, _)| *id == call), outcome) {
            (Some((_, awaited)), outcome) => *awaited = Some(outcome),
            // The request has ended or waits no longer. The answer only updates the cache.
            (None, Ask::Call(another)) => remote.abandoned(another.id),
            (None, Ask::Settled(_) | Ask::Wait(_)) => {}
        }
    }

    /// Decides again about a request whose call is answered, or took too long.
    pub(super) fn ask_again(
        &mut self,
        mut ticket: Ticket,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Decision {
        let asked = ticket.call.take().map(|call| self.outcome(call));
        match asked {
            Some(Some(outcome)) => self.go_on(outcome, ticket, env, now),
            // The call may still be answered, but this request does not wait longer.
            Some(None) if !ticket.asked.is_empty() => {
                self.judge(ticket, Verdict::failed(CallFailure::Timeout, false), env, now)
            }
            // The limits of the request are not known, so there is nothing to call the service with.
            _ if ticket.asked.is_empty() => match self.undecided(Reason::ServiceUnavailable) {
                Ok(by) => Decision::Pass(Pass { ticket, allowed_by: Some(by), ..Pass::default() }),
                Err(refusal) => {
                    self.give_back(&mut ticket, env, now);
                    Decision::Refuse(refusal)
                }
            },
            // It has already waited, so it may wait again.
            _ => self.ask(ticket, env, now, true),
        }
    }

    /// Returns how long a request may still be held for the rate limit service, in nanoseconds. All calls
    /// that it makes or waits for take at most the timeout of one.
    pub(super) fn left_to_ask(&self, ticket: &Ticket, now: UnixNanos) -> u64 {
        let timeout = self.plan.service.as_ref().map_or(0, |service| service.asked.timeout);
        let since = ticket.asked_at.unwrap_or(now);
        timeout.saturating_sub(now.0.saturating_sub(since.0))
    }

    /// Queries the service, after all limits on this Envoy had room.
    pub(super) fn ask(
        &mut self,
        mut ticket: Ticket,
        env: &mut dyn Environment,
        now: UnixNanos,
        may_wait: bool,
    ) -> Decision {
        ticket.asked_at.get_or_insert(now);
        let may_wait = may_wait && self.left_to_ask(&ticket, now) > 0;
        let descriptors: Vec<_> = ticket.asked.iter().map(|asked| asked.descriptor.clone()).collect();
        let asked = match &mut self.remote {
            Some(remote) if may_wait => remote.ask(&descriptors, now),
            Some(remote) => remote.known(&descriptors, now),
            None => Ask::Settled(Verdict::failed(CallFailure::Unavailable, false)),
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
            Ask::Call(call) if self.left_to_ask(&ticket, now) == 0 => {
                if let Some(remote) = &mut self.remote {
                    remote.abandoned(call.id);
                }
                self.judge(ticket, Verdict::failed(CallFailure::Timeout, false), env, now)
            }
            Ask::Call(call) => {
                self.awaited.push((call.id, None));
                ticket.call = Some(call.id);
                self.hold(call.id, Some(call), ticket, now)
            }
            Ask::Wait(id) => self.hold(id, None, ticket, now),
        }
    }

    fn hold(&self, id: CallId, call: Option<Call>, ticket: Ticket, now: UnixNanos) -> Decision {
        let timeout = self.left_to_ask(&ticket, now);
        Decision::Hold(Hold { until: Until::Answer(id), timeout, ticket, call })
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
        let mut denied: Option<Denied> = None;
        for (index, limit) in limits.iter().enumerate() {
            if verdict.from_cache {
                self.env.count(*limit, Event::CacheHit);
            }
            let Some(at) = verdict.over_limit.iter().position(|over| *over == index) else {
                self.env.count(*limit, Event::Ok);
                continue;
            };
            let wait = verdict.waits.get(at).copied().flatten();
            let reset = || verdict.quotas.get(index).copied().flatten().map(|quota| quota.reset);
            let room = wait.or_else(reset).map_or(Room::Unknown, Room::In);
            let violated = Violated { limit: *limit, rates: Rates::Service, rate: 0, room };
            match (self.deny(Reason::ServiceLimit, violated), &mut denied) {
                (Ok(()), _) => {}
                (Err(_), Some(denied)) => denied.violated.push(violated),
                (Err(first), denied) => *denied = Some(first),
            }
        }
        match denied {
            Some(denied) => Err(Denied { raw_body: verdict.raw_body, ..denied }),
            None => {
                self.ticket.request_headers.extend(verdict.request_headers);
                Ok(())
            }
        }
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
