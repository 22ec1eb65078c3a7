//! Requests that wait: for room, in a queue until other requests end, or for the rate limit service.
//!
//! A call of the service belongs to the plugin, not to the request: other requests wait for its answer as
//! well, and its lease must not be lost when the client disconnects.

use crate::filter::{RateLimit, Stream, Worker, keep};
use std::time::Duration;
use tollgate::{Context, Flow, GrpcCall, GrpcResult, Result, Signal};
use tollgate_counting::in_flight::WaiterId;
use tollgate_kit::facts;
use tollgate_rate_limit_policy::remote::{Call, CallFailure, CallId, METHOD, SERVICE};
use tollgate_rate_limit_policy::{Decision, Ticket};

type Cx<'a> = Context<'a, RateLimit>;

impl Worker {
    /// Carries out a decision, except that to allow a new stream.
    #[inline(never)]
    pub(crate) fn carry_out(&mut self, decision: Decision, stream: &mut Stream, cx: &mut Cx<'_>) -> Result {
        self.wake(cx);
        match decision {
            Decision::Pass(pass) => self.pass(pass, stream, cx.held_request_headers().as_mut()),
            Decision::Refuse(refusal) => Ok(self.refuse(refusal)),
            Decision::Delay(wait, mut pass) => {
                // Kept with the stream, which may end during the delay.
                keep(core::mem::take(&mut pass.ticket), stream);
                cx.after(milliseconds(wait), move |filter, _, cx| {
                    filter.enter(|worker| worker.allow(&pass, cx.held_request_headers().as_mut()))
                })?;
                Ok(Flow::Pause)
            }
            Decision::Enqueue(id, wait, ticket) => {
                hold(of_waiter(id), milliseconds(wait), ticket, stream, cx, Self::decide_queued)
            }
            Decision::Ask(call, ticket) => self.ask(&call, ticket, stream, cx),
            Decision::Wait(id, ticket) => {
                let left = self.policy.left_to_ask(&ticket, self.world.counts.now());
                hold(of_call(id), milliseconds(left), ticket, stream, cx, Self::ask_again)
            }
        }
    }

    fn decide_queued(&mut self, stream: &mut Stream, cx: &mut Cx<'_>) -> Result {
        let Some(ticket) = stream.take() else { return Ok(self.lost("the reservations")) };
        let mut ticket = Some(ticket);
        let decision = self.decide_with_headers(&mut ticket, cx);
        if let Some(ticket) = ticket {
            // The request cannot be decided, so it must leave the queue.
            self.end(*ticket, cx);
        }
        match decision? {
            Some(decision) => self.carry_out(decision, stream, cx),
            None => Ok(self.lost("the headers")),
        }
    }

    fn decide_with_headers(
        &mut self,
        ticket: &mut Stream,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Decision>, tollgate::Error> {
        let now = self.world.counts.tell_time()?;
        let Self { policy, world, .. } = self;
        let Some(mut headers) = cx.held_request_headers() else { return Ok(None) };
        let needed = policy.plan().needs.request_headers;
        facts::of_request(&mut headers, needed, |request, _| {
            ticket.take().map(|ticket| policy.decide_queued(*ticket, request, world, now))
        })
    }

    /// Wakes queued requests for which there may be room.
    pub(crate) fn wake(&mut self, cx: &mut Cx<'_>) {
        for id in self.policy.take_woken() {
            if let Err(error) = cx.signal(of_waiter(id)) {
                tollgate::log::error!("cannot wake a queued request: {error}");
            }
        }
    }

    /// Makes a call, and holds the stream until it is answered.
    fn ask(&mut self, call: &Call, ticket: Ticket, stream: &mut Stream, cx: &mut Cx<'_>) -> Result {
        let now = self.world.counts.now();
        let decision = match self.send_or_fail(call, cx) {
            true => Decision::Wait(call.id, ticket),
            false => self.policy.ask_again(ticket, &mut self.world, now),
        };
        self.carry_out(decision, stream, cx)
    }

    /// Makes a call. Returns `false` if it failed at once.
    pub(crate) fn send_or_fail(&mut self, call: &Call, cx: &mut Cx<'_>) -> bool {
        let Err(error) = self.send(call, cx) else { return true };
        // Envoy returns an error for an unknown cluster, and for a cluster without a host.
        if !core::mem::replace(&mut self.is_unreachable, true) {
            let cluster = self.policy.plan().service.as_ref().map_or("", |service| service.cluster.as_str());
            tollgate::log::warn!(
                "cannot call the rate limit service: cluster `{cluster}` does not exist or has no host: {error}"
            );
        }
        self.policy.answered(call.id, Err(CallFailure::Unavailable), self.world.counts.now());
        false
    }

    fn ask_again(&mut self, stream: &mut Stream, cx: &mut Cx<'_>) -> Result {
        let now = self.world.counts.tell_time()?;
        let Some(ticket) = stream.take() else { return Ok(self.lost("the reservations")) };
        let decision = self.policy.ask_again(*ticket, &mut self.world, now);
        self.carry_out(decision, stream, cx)
    }

    fn send(&self, call: &Call, cx: &mut Cx<'_>) -> Result<(), String> {
        let service = self.policy.plan().service.as_ref().ok_or("the configuration has none")?;
        let grpc = GrpcCall::new(&service.cluster, SERVICE, METHOD, call.message.clone());
        let id = call.id;
        cx.plugin_grpc_call(&grpc.timeout(self.timeout()), move |filter, answer, cx| {
            filter.update(|worker| worker.answered(id, answer, cx))
        })
        .map_err(|error| error.to_string())
    }

    fn answered(&mut self, id: CallId, answer: GrpcResult, cx: &mut Cx<'_>) {
        let now = self.world.counts.tell_time_or_last();
        self.is_unreachable &= answer.is_err();
        let answer = answer.as_deref().map_err(|error| CallFailure::new(error.status, error.timed_out()));
        self.policy.answered(id, answer, now);
        if let Err(error) = cx.signal(of_call(id)) {
            tollgate::log::error!("cannot wake requests that wait for the rate limit service: {error}");
        }
    }

    fn timeout(&self) -> Duration {
        Duration::from_nanos(self.policy.plan().service.as_ref().map_or(0, |service| service.asked.timeout))
    }
}

/// Holds the stream until the signal, but not longer than `timeout`, and then calls `then`.
fn hold(
    signal: Signal,
    timeout: Duration,
    ticket: Ticket,
    stream: &mut Stream,
    cx: &mut Cx<'_>,
    then: fn(&mut Worker, &mut Stream, &mut Cx<'_>) -> Result,
) -> Result {
    keep(ticket, stream);
    cx.wait(signal, timeout, move |filter, stream, _, cx| filter.enter(|worker| then(worker, stream, cx)))?;
    Ok(Flow::Pause)
}

/// Calls of the service use the signals from 0 upwards, queued requests those from the largest downwards.
fn of_call(CallId(id): CallId) -> Signal {
    Signal(id)
}

fn of_waiter(WaiterId(id): WaiterId) -> Signal {
    Signal(!id)
}

/// Rounds up to milliseconds, the resolution of the host's timers: no request may continue too early.
fn milliseconds(nanos: u64) -> Duration {
    Duration::from_millis(nanos.div_ceil(1_000_000))
}
