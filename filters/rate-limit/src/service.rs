//! Calls to the rate limit service.
//!
//! A call belongs to the plugin, not to the request: other requests wait for its answer as well, and its
//! lease must not be lost when the client disconnects.

use crate::filter::{RateLimit, Stream, Worker};
use std::time::Duration;
use tollgate::{Context, Flow, GrpcCall, GrpcError, GrpcResult, Result, Signal};
use tollgate_rate_limit_policy::Ticket;
use tollgate_rate_limit_policy::remote::{Call, CallFailure, CallId};

const SERVICE: &str = "envoy.service.ratelimit.v3.RateLimitService";
const METHOD: &str = "ShouldRateLimit";

/// Extra time to wait for an answer, in case the host never reports one.
const GRACE: Duration = Duration::from_secs(1);

impl Worker {
    /// Makes a call, and holds the stream until it is answered.
    pub(crate) fn ask(
        &mut self,
        call: &Call,
        ticket: Ticket,
        stream: &mut Stream,
        cx: &mut Context<'_, RateLimit>,
    ) -> Result {
        let id = call.id;
        if let Err(error) = self.send(call, cx) {
            // Envoy returns an error for an unknown cluster, and for a cluster without a host.
            tollgate::log::debug!("cannot call the rate limit service: {error}");
            let now = self.world.now;
            self.policy.answered(id, Err(CallFailure::Unavailable), now);
            let decision = self.policy.ask_again(ticket, &mut self.world, now);
            return self.carry_out(decision, stream, cx);
        }
        self.wait_for(id, ticket, stream, cx)
    }

    /// Holds the stream until a call is answered.
    pub(crate) fn wait_for(
        &mut self,
        id: CallId,
        ticket: Ticket,
        stream: &mut Stream,
        cx: &mut Context<'_, RateLimit>,
    ) -> Result {
        stream.keep(ticket);
        self.waits(stream);
        let timeout = self.timeout() + GRACE;
        cx.wait(Signal(id.0), timeout, |filter, stream, _, cx| {
            filter.enter(|filter| filter.go_on_asking(stream, cx))
        })?;
        Ok(Flow::Pause)
    }

    fn go_on_asking(&mut self, stream: &mut Stream, cx: &mut Context<'_, RateLimit>) -> Result {
        self.waits_no_more(stream);
        let now = self.world.tell_time()?;
        let Some(ticket) = stream.ticket.take() else { return Ok(self.lost("the reservations")) };
        let decision = self.policy.ask_again(*ticket, &mut self.world, now);
        self.carry_out(decision, stream, cx)
    }

    fn send(&self, call: &Call, cx: &mut Context<'_, RateLimit>) -> Result<(), String> {
        let service = self.policy.plan().service.as_ref().ok_or("the configuration has none")?;
        let grpc =
            GrpcCall::new(&service.cluster, SERVICE, METHOD, call.message.clone()).timeout(self.timeout());
        let id = call.id;
        cx.plugin_grpc_call(&grpc, move |filter, answer, cx| {
            filter.update(|filter| filter.answered(id, answer, cx))
        })
        .map_err(|error| error.to_string())
    }

    fn answered(&mut self, id: CallId, answer: GrpcResult, cx: &mut Context<'_, RateLimit>) {
        // Without a clock, use the time of the previous callback.
        let now = self.world.tell_time().unwrap_or(self.world.now);
        self.policy.answered(id, answer.as_deref().map_err(failure), now);
        if let Err(error) = cx.signal(Signal(id.0)) {
            tollgate::log::error!("cannot wake requests that wait for the rate limit service: {error}");
        }
    }

    fn timeout(&self) -> Duration {
        Duration::from_nanos(self.policy.plan().service.as_ref().map_or(0, |service| service.asked.timeout))
    }
}

fn failure(error: &GrpcError) -> CallFailure {
    const UNAVAILABLE: u32 = 14;
    match error.status {
        _ if error.timed_out() => CallFailure::Timeout,
        UNAVAILABLE => CallFailure::Unavailable,
        status => CallFailure::Status(status),
    }
}
