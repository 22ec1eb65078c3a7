//! Carries out decisions: holds requests until their turn, until other requests end, or until the rate limit
//! service answers.
//!
//! A call of the service belongs to the plugin, not to the request: other requests wait for its answer as
//! well, and its lease must not be lost when the client disconnects.

use crate::filter::{RateLimit, Stream, Worker};
use std::time::Duration;
use tollgate::{Context, Error, Flow, GrpcCall, GrpcResult, Headers, RequestHeaders, Result, Signal};
use tollgate_kit::{decisions::Outcomes, facts};
use tollgate_policy::RequestFacts;
use tollgate_rate_limit_policy::remote::{Call, CallFailure, CallId, METHOD, SERVICE};
use tollgate_rate_limit_policy::{Decision, HeaderChanges, Hold, Ticket, Until};

type Cx<'a> = Context<'a, RateLimit>;

impl Worker {
    pub(crate) fn carry_out(
        &mut self,
        decision: Decision,
        headers: &mut RequestHeaders<'_>,
        stream: &mut Stream,
        cx: &mut Cx<'_>,
    ) -> Result {
        self.wake(cx);
        match decision {
            Decision::Pass(pass) => {
                *stream = pass.ticket.matters().then(|| Box::new(pass.ticket));
                let _ = self.world.statistics.allow(pass.allowed_by);
                apply(headers, &pass.request_headers)
            }
            Decision::Refuse(refusal) => Ok(self.world.statistics.refuse(refusal)),
            Decision::Hold(Hold { until, timeout, ticket, call }) => {
                if call.is_some_and(|call| !self.send(call, cx)) {
                    let (now, nothing) = (self.world.counts.now(), RequestFacts::default());
                    let decision = self.policy.resume(ticket, &nothing, &mut self.world, now);
                    return self.carry_out(decision, headers, stream, cx);
                }
                // Kept with the stream, which may end before the event.
                *stream = Some(Box::new(ticket));
                // Rounded up to the resolution of the host's timers: no request may continue too early.
                let timeout = Duration::from_millis(timeout.div_ceil(1_000_000));
                cx.wait(Signal(until.number()), timeout, |filter, stream, _, cx| {
                    filter.0.enter(|worker| worker.resume(stream, cx))?
                })?;
                Ok(Flow::Pause)
            }
        }
    }

    fn resume(&mut self, stream: &mut Stream, cx: &mut Cx<'_>) -> Result {
        // A request that was admitted, or that is first in its queue, must not be lost for lack of a clock.
        let now = self.world.counts.tell_time_or_last();
        let Some(ticket) = stream.take() else { return Err(Error::OutsideStream.into()) };
        let Some((mut headers, cx)) = cx.held_request() else {
            self.end(*ticket, cx);
            return Err(Error::OutsideStream.into());
        };
        let needed = self.policy.needs_request(&ticket);
        if needed && let Err(error) = headers.pairs() {
            // The request cannot be decided, so it must leave the queue.
            self.end(*ticket, cx);
            return Err(error.into());
        }
        let Self { policy, world, .. } = self;
        let decision =
            facts::of_request(&mut headers, needed, |facts, _| policy.resume(*ticket, facts, world, now))?;
        self.carry_out(decision, &mut headers, stream, cx)
    }

    /// Makes a call. Returns `false` if it failed at once.
    pub(crate) fn send(&mut self, call: Call, cx: &mut Cx<'_>) -> bool {
        let (id, (cluster, timeout)) = (call.id, self.policy.plan().callout());
        let grpc = GrpcCall::new(cluster, SERVICE, METHOD, call.message).timeout(timeout);
        let sent = cx.plugin_grpc_call(&grpc, move |filter, answer, cx| {
            filter.0.update(|worker| worker.answered(id, answer, cx));
        });
        let Err(error) = sent else { return true };
        // Envoy returns an error for an unknown cluster, and for a cluster without a host.
        if !core::mem::replace(&mut self.is_unreachable, true) {
            tollgate::log::warn!(
                "rate limit service: cluster `{cluster}` does not exist or has no host: {error}"
            );
        }
        self.policy.answered(id, Err(CallFailure::Unavailable), self.world.counts.now());
        false
    }

    fn answered(&mut self, id: CallId, answer: GrpcResult, cx: &mut Cx<'_>) {
        let now = self.world.counts.tell_time_or_last();
        self.is_unreachable &= answer.is_err();
        let answer = answer.as_deref().map_err(|error| CallFailure::new(error.status, error.timed_out()));
        self.policy.answered(id, answer, now);
        signal(Until::Answer(id), cx);
    }

    /// Releases what a request holds.
    pub(crate) fn end(&mut self, ticket: Ticket, cx: &mut Cx<'_>) {
        let now = self.world.counts.tell_time_or_last();
        self.policy.end(ticket, &mut self.world, now);
        self.wake(cx);
    }

    /// Wakes queued requests for which there may be room.
    fn wake(&mut self, cx: &mut Cx<'_>) {
        self.policy.take_woken().into_iter().for_each(|id| signal(Until::Room(id), cx));
    }
}

pub(crate) fn apply(headers: &mut Headers, changes: &HeaderChanges) -> Result {
    changes.set.iter().try_for_each(|(name, value)| headers.set(name, value))?;
    changes.add.iter().try_for_each(|(name, value)| headers.add(name, value))?;
    Ok(Flow::Continue)
}

fn signal(event: Until, cx: &mut Cx<'_>) {
    if let Err(error) = cx.signal(Signal(event.number())) {
        tollgate::log::error!("cannot resume held requests: {error}");
    }
}
