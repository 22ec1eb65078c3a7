//! The shell: reads the headers, applies the edits of the policy, and holds the responses that it replays.

use crate::worker::{Statistics, Worker, World};
use std::time::Duration;
use tollgate::{
    AccessLog, ConfigError, Context, Error, Flow, HttpFilter, Phase, Request, RequestBody, Response,
    ResponseBody, ResponseHeaders, ResponseTrailers, Result, State, property,
};
use tollgate_kit::{
    counts::Counts,
    facts,
    replace::{Held, Replaced},
};
use tollgate_policy::Headers;
use tollgate_retry_policy::{
    self as policy, Config, Event, Events, FRAME, Head, Plan, Policy, RetryReason, Step, Wait,
};

/// Response code details of the router for a cluster without a healthy host
/// (`ResponseCodeDetails::NoHealthyUpstream`).
const NO_HEALTHY_HOST: &[u8] = b"no_healthy_upstream";

/// The filter.
pub struct Retry {
    pub(crate) worker: State<Worker>,
    pub(crate) statistics: Statistics,
}

/// State of a stream.
#[derive(Default)]
pub struct Stream {
    pub(crate) state: policy::Stream,
    /// Whether the filter answers, so that no other response matters.
    pub(crate) is_answered: bool,
    pub(crate) held: Held,
    /// Signal of the second attempt, if there is one.
    pub(crate) hedge: u32,
    /// Whether the response waits for the second attempt.
    pub(crate) is_waiting: bool,
    /// The step that follows a second attempt for which the response waits.
    pub(crate) next: Option<Step>,
}

#[tollgate::filter(http_callouts, timers)]
impl HttpFilter for Retry {
    type Config = Config;
    type Stream = Stream;

    fn new(config: Config, _: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        let plan = Plan::new(config)?;
        let statistics = Statistics::define(plan.stat_prefix())?;
        let (counts, _) = Counts::new("retry", &plan.domain(), plan.pages())?;
        Ok(Self {
            worker: State::new(Worker { policy: Policy::new(plan), world: World(counts), hedges: 0 }),
            statistics,
        })
    }

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let (headers, stream, cx) = request.parts();
        let ended = headers.end_of_stream();
        let flow = facts::of_request(headers, true, |facts, headers| {
            self.decide(|policy, world, events| {
                let decision = policy.on_request(facts, ended, world);
                (stream.state, *events) = (decision.stream, decision.events);
                headers.apply(&decision.edits)?;
                Ok::<_, Error>(decision.refusal.map_or(Flow::Continue, Flow::from))
            })
        })???;
        if let Some(delay) = self.decide(|policy, _, _| policy.hedge_delay(&stream.state))? {
            cx.after(Duration::from_nanos(delay), Self::hedge)?;
        }
        Ok(flow)
    }

    fn on_request_body(&self, request: &mut RequestBody<'_, Self>) -> Result {
        let (body, stream, _) = request.parts();
        let (size, ended) = (body.size(), body.end_of_stream());
        let part = || body.range(0, size).ok();
        self.decide(|policy, _, events| {
            *events = policy.on_request_body(&mut stream.state, size, ended, part)
        })?;
        Ok(Flow::Continue)
    }

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        let (headers, stream, cx) = response.parts();
        self.settle(&mut stream.state)?;
        if stream.is_answered {
            return Ok(Flow::Continue);
        }
        let ended = headers.end_of_stream();
        if self.decide(|policy, _, _| policy.needs_response(&stream.state))? {
            let step = facts::of_response(headers, true, |facts, _| {
                let head = Head { status: facts.status, headers: facts.headers, ..Head::default() };
                self.decide(|policy, world, events| {
                    policy.respond(&mut stream.state, head, ended, world, events)
                })
            })??;
            if let Some(step) = step {
                stream.is_answered = true;
                return self.carry_out(stream, cx, Some(headers), step);
            }
        }
        self.mark(headers, &stream.state)?;
        match stream.state.wait() {
            Wait::Nothing => return Ok(Flow::Continue),
            Wait::Body => return Ok(Flow::AwaitBody),
            Wait::Trailers => headers.body_may_change()?,
        }
        Ok(Flow::Continue)
    }

    fn on_response_body(&self, response: &mut ResponseBody<'_, Self>) -> Result {
        let (body, stream, cx) = response.parts();
        if stream.held.on_body(body)? || stream.state.wait() == Wait::Nothing {
            return Ok(Flow::Continue);
        }
        let (size, start) = (body.size(), body.range(0, FRAME)?);
        if !self.decide(|policy, _, events| policy.hold(&mut stream.state, size, &start, events))? {
            return Ok(Flow::Continue);
        }
        if !body.end_of_stream() {
            if let Some(time) = self.decide(|policy, _, _| policy.hold_time(&mut stream.state))? {
                cx.after(Duration::from_nanos(time), |filter, stream, _| {
                    let passes = filter.decide(|policy, _, events| policy.release(&mut stream.state, events));
                    Ok(if passes? { Flow::Continue } else { Flow::Pause })
                })?;
            }
            return Ok(Flow::Pause);
        }
        stream.held.keep(body);
        self.respond_rest(stream, cx, Some(body.read(size)?))
    }

    fn on_response_trailers(&self, response: &mut ResponseTrailers<'_, Self>) -> Result {
        let (trailers, stream, cx) = response.parts();
        let replaced = stream.held.on_trailers(trailers)?;
        if replaced == Replaced::WithoutBody {
            self.statistics.events.increment(Event::Undeliverable);
        }
        if replaced != Replaced::No || stream.state.wait() != Wait::Trailers {
            return Ok(Flow::Continue);
        }
        self.respond_rest(stream, cx, None)
    }

    /// Returns the retries of a request that got no response.
    fn on_log(&self, log: &mut AccessLog<'_, Self>) {
        if let Err(error) = self.settle(&mut log.stream.state) {
            tollgate::log::debug!("cannot return unused retries: {error}");
        }
    }

    fn on_end(&self, mut stream: Stream, _: &mut Context<'_, Self>) {
        if let Err(error) = self.decide(|policy, _, _| policy.end(&mut stream.state)) {
            tollgate::log::debug!("cannot end a stream: {error}");
        }
    }

    /// Sends the request with the edits that were made, or passes the response on: without a retry, a client
    /// receives the same as without the filter.
    fn on_error(&self, error: Error, _: Phase) -> Flow {
        tollgate::log::error!("cannot retry: {error}");
        self.statistics.events.increment(Event::HostError);
        Flow::Continue
    }
}

impl Retry {
    /// Makes a decision, and counts its events.
    pub(crate) fn decide<T>(
        &self,
        decide: impl FnOnce(&mut Policy, &mut World, &mut Events) -> T,
    ) -> Result<T, Error> {
        let mut events = Events::new();
        let decision = self.worker.enter(|Worker { policy, world, .. }| decide(policy, world, &mut events));
        events.into_iter().for_each(|event| self.statistics.events.increment(event));
        decision
    }

    /// Returns the retries that the router did not make.
    fn settle(&self, stream: &mut policy::Stream) -> Result<(), Error> {
        if self.decide(|policy, _, _| policy.needs_attempts(stream))? {
            let attempts = property::UPSTREAM_REQUEST_ATTEMPT_COUNT.get().ok().flatten();
            let made = self.decide(|policy, world, _| policy.settle(stream, attempts, world))?;
            let details = || property::RESPONSE_CODE_DETAILS.get().ok().flatten();
            if attempts.unwrap_or(0) == 0 && details().is_some_and(|details| details == NO_HEALTHY_HOST) {
                self.decide(|policy, _, _| policy.answered_by_router(stream))?;
            }
            self.statistics.retries.add(RetryReason::Router, made);
        }
        Ok(())
    }

    /// Writes the number of attempts, if it is configured.
    pub(crate) fn mark(
        &self,
        headers: &mut ResponseHeaders<'_>,
        stream: &policy::Stream,
    ) -> Result<(), Error> {
        self.decide(|policy, _, _| match policy.attempts_header(stream) {
            Some((name, attempts)) => headers.set(name.as_str(), attempts),
            None => Ok(()),
        })?
    }

    /// Decides about the body and the trailers of a response.
    fn respond_rest(&self, stream: &mut Stream, cx: &mut Context<'_, Self>, body: Option<Vec<u8>>) -> Result {
        let held = cx.held_response_headers();
        let retry_after = held.map_or(Ok(None), |headers| headers.first("retry-after"))?;
        let trailers = cx.held_response_trailers().ok_or(Error::OutsideStream)?;
        let trailers: Vec<_> = trailers.pairs()?.iter().collect();
        let rest = (Headers(&trailers), retry_after.as_deref());
        let step = self.decide(|policy, world, events| {
            policy.respond_rest(&mut stream.state, rest, body.as_deref(), world, events)
        })?;
        step.map_or(Ok(Flow::Continue), |step| self.carry_out(stream, cx, None, step))
    }
}
