//! Decisions about requests and responses.

mod limits;
mod select;

use crate::injected::{Decision, Injected, Reply, ResponseDecision, ResponseState, Then};
use crate::{Control, Environment, Event, Plan};
use tollgate_counting::Failure;
use tollgate_counting::table::Placer;
use tollgate_policy::{Duration, HeaderEdit, RequestFacts};

/// The policy.
#[derive(Clone, Debug)]
pub struct Policy {
    plan: Plan,
    placer: Placer,
}

impl Policy {
    /// Creates the policy. `seed` is random and shared by all workers.
    pub fn new(plan: Plan, seed: [u8; 16]) -> Self {
        let placer = Placer::new(seed, plan.pages());
        Self { plan, placer }
    }

    /// Returns the compiled configuration.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Decides about a request.
    pub fn decide(
        &self,
        request: &RequestFacts<'_>,
        control: Control<'_>,
        env: &mut dyn Environment,
    ) -> Decision<'_> {
        let mut edits = Vec::new();
        self.remove_headers(request, &mut edits);
        let injected = match self.select(request, control, env) {
            Ok(injected) => injected,
            Err(Failure::Host | Failure::Contended) => {
                env.count(usize::MAX, Event::HostError);
                None
            }
        };
        let Some(mut injected) = injected else {
            return Decision { edits, then: Then::Pass, injected: None };
        };
        let then = match injected.delay {
            0 => self.fail(&mut injected, env),
            delay => {
                self.count(&injected, Event::DelaysInjected, env);
                Then::Delay(milliseconds(delay))
            }
        };
        Decision { edits, then, injected: Some(injected) }
    }

    /// Decides about a request after its delay. `stopped` is whether the control endpoint has stopped all
    /// faults: then the request gets no further ones.
    pub fn after_delay(&self, injected: &mut Injected, stopped: bool, env: &mut dyn Environment) -> Then {
        injected.delay = 0;
        if injected.response.as_ref().is_none_or(|response| response.rate.is_none()) || stopped {
            self.release(injected, env);
        }
        if stopped {
            self.count(injected, Event::Stopped, env);
            (injected.reply, injected.reset, injected.response) = (None, false, None);
        }
        self.fail(injected, env)
    }

    /// Aborts or resets a request, if it has such a fault.
    fn fail(&self, injected: &mut Injected, env: &mut dyn Environment) -> Then {
        if let Some(reply) = injected.reply.take() {
            injected.response = None;
            self.release(injected, env);
            self.count(injected, Event::AbortsInjected, env);
            return Then::Reply(self.marked(reply, injected));
        }
        if injected.reset {
            injected.response = None;
            self.release(injected, env);
            self.count(injected, Event::ResetsInjected, env);
            return Then::Reset;
        }
        Then::Pass
    }

    fn marked(&self, mut reply: Box<Reply>, injected: &Injected) -> Box<Reply> {
        if self.plan.mark.response {
            let name = self.plan.mark.header.name().as_str().to_owned();
            reply.headers.push((name.into(), injected.mark.clone().into_bytes()));
        }
        reply
    }

    /// Decides about the response to a request. Not called for a response of this filter.
    pub fn respond<'i>(
        &'i self,
        injected: &'i mut Injected,
        env: &mut dyn Environment,
    ) -> ResponseDecision<'i> {
        let mut decision = ResponseDecision { edits: Vec::new(), changes_length: false, then: Then::Pass };
        if let Some(response) = &injected.response {
            if response.rate.is_some() {
                self.count(injected, Event::ResponseRlInjected, env);
            }
            if injected.rule.response.as_ref().is_some_and(|fault| !fault.is_rate_only()) {
                self.count(injected, Event::ResponsesInjected, env);
            }
        }
        decision.then = match injected.response.as_mut() {
            Some(ResponseState { delay: delay @ 1.., .. }) => {
                Then::Delay(milliseconds(core::mem::take(delay)))
            }
            _ => self.after_response_delay(injected),
        };
        let injected = &*injected;
        if self.plan.mark.response {
            let mark = injected.mark.as_bytes().into();
            decision.edits.push(HeaderEdit::Set(self.plan.mark.header.name(), mark));
        }
        if let (Some(fault), Some(response)) = (&injected.rule.response, &injected.response) {
            decision.edits.extend(fault.remove.iter().map(HeaderEdit::Remove));
            decision
                .edits
                .extend(fault.set.iter().map(|(name, value)| HeaderEdit::Set(name, (&**value).into())));
            decision.changes_length = response.body.as_ref().is_some_and(|body| body.changes_length());
        }
        decision
    }

    /// Decides about a response after its delay.
    pub fn after_response_delay(&self, injected: &mut Injected) -> Then {
        match injected.response.as_mut().and_then(|response| response.replace.take()) {
            Some(reply) => Then::Reply(self.marked(reply, injected)),
            None => Then::Pass,
        }
    }

    /// Releases what a request holds. Call it at the end of its stream, however it ends.
    pub fn end(&self, mut injected: Box<Injected>, env: &mut dyn Environment) {
        self.release(&mut injected, env);
    }

    fn count(&self, injected: &Injected, event: Event, env: &mut dyn Environment) {
        env.count(injected.rule.statistic.min(self.plan.other_statistics()), event);
    }
}

fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_nanos(milliseconds.saturating_mul(1_000_000))
}
