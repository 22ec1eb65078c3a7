//! Decisions about requests and responses.

mod limits;
mod select;

use crate::body::BodyFault;
use crate::injected::{Decision, Details, Injected, ResponseDecision, ResponseState, Then};
use crate::rule::ResponseFault;
use crate::{Document, Environment, Event, Plan};
use tollgate_counting::Failure;
use tollgate_counting::table::Placer;
use tollgate_policy::{Duration, HeaderEdit, Refusal, RequestFacts, UnixNanos};

/// The policy.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) plan: Plan,
    placer: Placer,
    /// Whether the last valid document of the control endpoint stops all faults.
    pub(crate) is_stopped: bool,
}

impl Policy {
    /// Creates the policy. `seed` is random and shared by all workers.
    pub fn new(plan: Plan, seed: [u8; 16]) -> Self {
        let placer = Placer::new(seed, plan.pages());
        Self { plan, placer, is_stopped: false }
    }

    /// Returns the compiled configuration.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Decides about a request. `document` is the current one of the control endpoint.
    pub fn decide(
        &self,
        request: &RequestFacts<'_>,
        document: Option<&Document>,
        env: &mut dyn Environment,
    ) -> Decision<'_> {
        let mut edits = Vec::new();
        self.remove_headers(request, &mut edits);
        let injected = match self.select(request, document, env) {
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

    /// Returns the names and values of the filter state of a request.
    pub fn filter_state<'i>(&self, injected: &'i Injected) -> impl Iterator<Item = (&'static str, &'i str)> {
        let mark = self.plan.mark.filter_state.then_some(("fault.injected", &*injected.mark));
        let metadata = injected.rule.metadata.as_deref().map(|json| ("fault.filter_metadata", json));
        mark.into_iter().chain(metadata)
    }

    /// Decides about what is held, after its delay or earlier. If all faults were stopped in the meantime,
    /// the request gets no further ones.
    pub fn resume(
        &self,
        injected: &mut Injected,
        document: Option<&Document>,
        env: &mut dyn Environment,
    ) -> Then {
        if !self.is_enabled(document) {
            self.stop(injected, env);
        }
        let was_request = core::mem::take(&mut injected.delay) > 0;
        if !injected.lasts() {
            self.release(injected, env);
        }
        if was_request {
            return self.fail(injected, env);
        }
        if injected.holds_body() {
            return self.pace(injected, env, BodyFault::resume);
        }
        self.after_response_delay(injected)
    }

    /// Ends the faults of a request, except changes of a body that has begun.
    fn stop(&self, injected: &mut Injected, env: &mut dyn Environment) {
        self.release(injected, env);
        self.count(injected, Event::Stopped, env);
        (injected.reply, injected.reset) = (None, false);
        if injected.holds_body() {
            injected.body().into_iter().for_each(BodyFault::stop_pacing);
        } else {
            injected.response = None;
        }
    }

    /// Decides about a part of the body of a response, after [`BodyFault::change`].
    pub fn pass(
        &self,
        injected: &mut Injected,
        bytes: usize,
        end_of_stream: bool,
        env: &mut dyn Environment,
    ) -> Then {
        self.pace(injected, env, |body, now| body.pass(bytes, end_of_stream, now))
    }

    /// Decides about the body with the time. Without the time, the rate has no limit.
    fn pace(
        &self,
        injected: &mut Injected,
        env: &mut dyn Environment,
        decide: impl FnOnce(&mut BodyFault, UnixNanos) -> Then,
    ) -> Then {
        let Some(body) = injected.body() else { return Then::Pass };
        let now = if body.has_rate() { env.host().now() } else { Ok(UnixNanos::default()) };
        if now.is_err() {
            body.stop_pacing();
        }
        let then = decide(body, now.unwrap_or_default());
        if now.is_err() {
            self.count(injected, Event::HostError, env);
        }
        then
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

    fn marked(&self, mut reply: Box<Refusal<Details>>, injected: &Injected) -> Box<Refusal<Details>> {
        if self.plan.mark.response {
            let name = self.plan.mark.header.name().as_str().to_owned();
            reply.headers.push((name.into(), injected.mark.clone().into_bytes()));
        }
        reply
    }

    /// Decides about the response to a request. Not called for a response of this filter. If all faults were
    /// stopped in the meantime, or no upstream sent the response, it gets no further ones.
    pub fn respond<'i>(
        &'i self,
        injected: &'i mut Injected,
        document: Option<&Document>,
        env: &mut dyn Environment,
    ) -> ResponseDecision<'i> {
        if injected.response.is_some() {
            if !self.is_enabled(document) {
                self.stop(injected, env);
            } else if !self.reaches(injected, env) {
                self.release(injected, env);
                injected.response = None;
            }
        }
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

    /// Returns whether the faults of a response apply to it: those other than a rate, which Envoy limits for
    /// each response, only if an upstream sent it.
    fn reaches(&self, injected: &Injected, env: &mut dyn Environment) -> bool {
        if injected.rule.response.as_ref().is_some_and(ResponseFault::is_rate_only) {
            return true;
        }
        match env.host().property("response\0code_details") {
            // The retry filter answers with what an upstream sent.
            Ok(details) => matches!(
                details.as_deref().unwrap_or_default(),
                b"" | b"via_upstream" | b"retry_replayed" | b"retry_hedged"
            ),
            Err(_) => {
                self.count(injected, Event::HostError, env);
                false
            }
        }
    }

    fn after_response_delay(&self, injected: &mut Injected) -> Then {
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
