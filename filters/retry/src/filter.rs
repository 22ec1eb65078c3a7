//! The shell: reads the headers, applies the edits of the policy, and holds the responses that it replays.

use crate::world::{Statistics, World};
use tollgate::{
    ConfigError, Context, Error, Flow, HttpFilter, Phase, Request, RequestBody, Response, ResponseBody,
    ResponseTrailers, Result, State,
};
use tollgate_kit::replace::{Held, Replaced};
use tollgate_kit::{counts::Counts, facts, replay};
use tollgate_policy::{Headers, replay::Wait};
use tollgate_retry_policy::{self as policy, Config, Event, FRAME, PAGE_WORDS, Plan, Policy, Wake};

/// The filter.
pub struct Retry(State<(Policy, World)>);

/// State of a stream.
#[derive(Default)]
pub struct Stream {
    pub(crate) state: policy::Stream,
    pub(crate) held: Held,
}

#[tollgate::filter(http_callouts, timers)]
impl HttpFilter for Retry {
    type Config = Config;
    type Stream = Stream;

    fn new(config: Config, _: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        let plan = Plan::new(config)?;
        let statistics = Statistics::define(plan.stat_prefix())?;
        let (domain, pages) = (plan.domain(), plan.pages());
        let (counts, _) = Counts::with_entries("retry", &domain, pages, size_of::<u64>(), PAGE_WORDS)?;
        Ok(Self(State::new((Policy::new(plan), World { counts, statistics }))))
    }

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let (headers, stream, cx) = request.parts();
        let ended = headers.end_of_stream();
        let (flow, hedge_delay) = facts::of_request(headers, true, |facts, headers| {
            self.decide(|policy, world| {
                let decision = policy.on_request(&mut stream.state, facts, ended, world);
                headers.apply(&decision.edits)?;
                let flow = decision.refusal.map_or(Flow::Continue, Flow::from);
                Ok::<_, Error>((flow, decision.hedge_delay))
            })
        })???;
        if let Some(delay) = hedge_delay {
            replay::after(cx, delay, Wake::Hedge)?;
        }
        Ok(flow)
    }

    fn on_request_body(&self, request: &mut RequestBody<'_, Self>) -> Result {
        let (body, stream, _) = request.parts();
        let size = body.size();
        let part = || body.range(0, size).ok();
        self.decide(|policy, world| {
            policy.on_request_body(&mut stream.state, (size, body.end_of_stream()), part, world);
        })?;
        Ok(Flow::Continue)
    }

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        let (headers, stream, cx) = response.parts();
        let ended = headers.end_of_stream();
        let step = self.decide(|policy, world| {
            let needed = policy.settle(&mut stream.state, world);
            facts::of_response(headers, needed, |facts, _| {
                policy.respond(&mut stream.state, *facts, ended, world)
            })
        })??;
        replay::carry_out(self, stream, cx, Some(headers), step)
    }

    fn on_response_body(&self, response: &mut ResponseBody<'_, Self>) -> Result {
        let (body, stream, cx) = response.parts();
        if stream.held.on_body(body)? || stream.state.wait() == Wait::Nothing {
            return Ok(Flow::Continue);
        }
        let (part, start) = ((body.size(), body.end_of_stream()), body.range(0, FRAME)?);
        match self.decide(|policy, world| policy.hold(&mut stream.state, part, &start, world))? {
            Some(step) => replay::carry_out(self, stream, cx, None, step),
            None => {
                stream.held.keep(body);
                self.respond_rest(stream, cx, Some(body.read(body.size())?))
            }
        }
    }

    fn on_response_trailers(&self, response: &mut ResponseTrailers<'_, Self>) -> Result {
        let (trailers, stream, cx) = response.parts();
        match stream.held.on_trailers(trailers)? {
            Replaced::No if stream.state.wait() == Wait::Trailers => self.respond_rest(stream, cx, None),
            Replaced::WithoutBody => self.count(Event::Undeliverable),
            Replaced::No | Replaced::Yes => Ok(Flow::Continue),
        }
    }

    /// The number of attempts can still be read.
    fn on_end(&self, mut stream: Stream, _: &mut Context<'_, Self>) {
        if let Err(error) = self.decide(|policy, world| policy.end(&mut stream.state, world)) {
            tollgate::log::debug!("cannot end a stream: {error}");
        }
    }

    /// Sends the request with the edits that were made, or passes the response on: without a retry, a client
    /// receives the same as without the filter.
    fn on_error(&self, error: Error, _: Phase) -> Flow {
        tollgate::log::error!("cannot retry: {error}");
        self.count(Event::HostError).unwrap_or(Flow::Continue)
    }
}

impl Retry {
    /// Makes a decision.
    pub(crate) fn decide<T>(&self, decide: impl FnOnce(&mut Policy, &mut World) -> T) -> Result<T, Error> {
        self.0.enter(|(policy, world)| decide(policy, world))
    }

    fn count(&self, event: Event) -> Result {
        self.decide(|_, world| policy::Environment::count(world, event))?;
        Ok(Flow::Continue)
    }

    /// Decides about the body and the trailers of a response.
    fn respond_rest(&self, stream: &mut Stream, cx: &mut Context<'_, Self>, body: Option<Vec<u8>>) -> Result {
        let trailers = cx.held_response_trailers().ok_or(Error::OutsideStream)?;
        let trailers: Vec<_> = trailers.pairs()?.iter().collect();
        let step = self.decide(|policy, world| {
            policy.respond_rest(&mut stream.state, Headers(&trailers), body.as_deref(), world)
        })?;
        replay::carry_out(self, stream, cx, None, step)
    }
}
