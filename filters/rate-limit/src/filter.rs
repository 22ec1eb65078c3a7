//! The shell: reads the inputs of the policy from a request, and carries out its decisions.

use crate::statistics::Statistics;
use crate::world::World;
use std::time::Duration;
use tollgate::{
    ConfigError, Context, Error, Flow, HttpFilter, Phase, Reply, Request, RequestHeaders, Response, Result,
    State,
};
use tollgate_policy::{RequestFacts, ResponseDetails, ResponseFacts, UnixNanos};
use tollgate_rate_limit_policy::in_flight::HEARTBEAT;
use tollgate_rate_limit_policy::{Config, Decision, Pass, Plan, Policy, Reason, Ticket};

/// The filter. Its state changes with each request.
pub struct RateLimit(State<Worker>);

impl RateLimit {
    /// Calls `change` with the state, from a task of a stream.
    #[inline]
    pub(crate) fn enter(&self, change: impl FnOnce(&mut Worker) -> Result) -> Result {
        self.0.enter(change)?
    }

    /// Calls `change` with the state, where no stream waits for the result.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Worker)) {
        if let Err(error) = self.0.enter(change) {
            tollgate::log::error!("cannot update the limits: {error}");
        }
    }
}

pub(crate) struct Worker {
    pub(crate) policy: Policy,
    pub(crate) world: World,
    /// Number of waiting requests of this worker, for room or for the rate limit service.
    waiting: usize,
}

/// State of a stream.
#[derive(Default)]
pub struct Stream {
    pub(crate) ticket: Option<Box<Ticket>>,
    waits: bool,
}

impl Stream {
    pub(crate) fn keep(&mut self, ticket: Ticket) {
        self.ticket = ticket.matters().then(|| Box::new(ticket));
    }
}

#[tollgate::filter(grpc_callouts, timers)]
impl HttpFilter for RateLimit {
    type Config = Config;
    type Stream = Stream;

    fn new(config: Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        let plan = Plan::new(config)?;
        let statistics = Statistics::define(
            plan.enforcement.stat_prefix.as_str(),
            plan.limits.iter().map(|limit| &limit.name),
        )?;
        let seed = World::seed(&plan)?;
        let mut world = World::new(&plan, statistics)?;
        if plan.needs.in_flight {
            world.tell_time()?;
            world.beat();
            cx.plugin_every(Duration::from_nanos(HEARTBEAT), |filter, _| {
                filter.update(|filter| {
                    // Without a clock there is no heartbeat, and other workers remove this one after a while.
                    match filter.world.tell_time() {
                        Ok(_) => filter.world.beat(),
                        Err(error) => tollgate::log::warn!("no heartbeat of this worker: {error}"),
                    }
                });
            })?;
        }
        Ok(Self(State::new(Worker { policy: Policy::new(plan, seed), world, waiting: 0 })))
    }

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        self.enter(|filter| filter.on_request(request))
    }

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        self.enter(|filter| filter.on_response(response))
    }

    fn on_end(&self, stream: Stream, cx: &mut Context<'_, Self>) {
        self.update(|filter| filter.on_end(stream, cx));
    }

    fn on_error(&self, error: Error, phase: Phase) -> Flow {
        tollgate::log::error!("cannot decide about a request: {error}");
        match phase {
            // Without the state, neither the failure mode nor the status is known.
            Phase::Request => self
                .0
                .enter(|filter| filter.undecided())
                .unwrap_or_else(|_| Reply::new(503).details(Reason::HostError.details()).into()),
            Phase::Response => Flow::Continue,
        }
    }
}

impl Worker {
    #[inline]
    fn on_request(&mut self, request: &mut Request<'_, RateLimit>) -> Result {
        let (headers, stream, cx) = request.parts();
        let now = self.world.tell_time()?;
        let decision = if self.policy.plan().needs.request_headers {
            let pairs = headers.pairs()?;
            let mut list = Vec::with_capacity(pairs.len());
            list.extend(pairs.iter());
            self.decide(&RequestFacts::from_pairs(&list), now)
        } else {
            self.decide(&RequestFacts::default(), now)
        };
        if let Decision::Pass(pass) = decision {
            return self.pass(pass, stream, Some(headers));
        }
        self.carry_out(decision, stream, cx)
    }

    fn on_response(&mut self, response: &mut Response<'_, RateLimit>) -> Result {
        let (headers, stream, _) = response.parts();
        let Some(ticket) = &mut stream.ticket else { return Ok(Flow::Continue) };
        let now = self.world.tell_time()?;
        let mut list = Vec::new();
        let pairs;
        if self.policy.plan().needs.response_headers {
            pairs = headers.pairs()?;
            list.reserve_exact(pairs.len());
            list.extend(pairs.iter());
        }
        let facts = ResponseFacts::from_pairs(&list);
        for (name, value) in self.policy.respond(ticket, &facts, &mut self.world, now) {
            headers.set(&name, value)?;
        }
        Ok(Flow::Continue)
    }

    fn on_end(&mut self, mut stream: Stream, cx: &mut Context<'_, RateLimit>) {
        self.waits_no_more(&mut stream);
        if let Some(ticket) = stream.ticket {
            let now = self.world.tell_time().unwrap_or(self.world.now);
            self.policy.end(*ticket, &mut self.world, now);
            self.wake(cx);
        }
    }

    /// Decides a held request of which something is missing that was kept with its stream.
    #[cold]
    pub(crate) fn lost(&mut self, missing: &str) -> Flow {
        tollgate::log::error!("cannot decide about a held request: {missing} are missing");
        self.undecided()
    }

    /// Decides a request that cannot be checked.
    fn undecided(&mut self) -> Flow {
        match self.policy.undecided(Reason::HostError) {
            Ok(by) => {
                self.world.statistics.allowed(by);
                Flow::Continue
            }
            Err(refusal) => {
                self.world.statistics.refused(refusal.reason);
                refusal.into()
            }
        }
    }

    #[inline]
    fn decide(&mut self, request: &RequestFacts<'_>, now: UnixNanos) -> Decision {
        let may_wait = self.waiting < self.policy.plan().max_waiting;
        self.policy.decide(request, &mut self.world, now, may_wait)
    }

    /// Carries out a decision, for a new stream or a held one.
    #[inline(never)]
    pub(crate) fn carry_out(
        &mut self,
        decision: Decision,
        stream: &mut Stream,
        cx: &mut Context<'_, RateLimit>,
    ) -> Result {
        self.wake(cx);
        match decision {
            Decision::Pass(pass) => self.pass(pass, stream, cx.held_request_headers().as_mut()),
            Decision::Delay(wait, mut pass) => {
                self.waits(stream);
                // Kept with the stream, which may end during the delay.
                stream.keep(core::mem::take(&mut pass.ticket));
                cx.after(milliseconds(wait), move |filter, stream, cx| {
                    filter.enter(|filter| {
                        filter.waits_no_more(stream);
                        filter.go_on(&pass, cx.held_request_headers().as_mut())
                    })
                })?;
                Ok(Flow::Pause)
            }
            Decision::Enqueue(id, wait, ticket) => self.enqueue(id, wait, ticket, stream, cx),
            Decision::Refuse(refusal) => {
                self.world.statistics.refused(refusal.reason);
                Ok(refusal.into())
            }
            Decision::Ask(call, ticket) => self.ask(&call, ticket, stream, cx),
            Decision::Wait(id, ticket) => self.wait_for(id, ticket, stream, cx),
        }
    }

    #[inline]
    fn pass(
        &mut self,
        mut pass: Pass,
        stream: &mut Stream,
        headers: Option<&mut RequestHeaders<'_>>,
    ) -> Result {
        stream.keep(core::mem::take(&mut pass.ticket));
        self.go_on(&pass, headers)
    }

    #[inline]
    fn go_on(&self, pass: &Pass, headers: Option<&mut RequestHeaders<'_>>) -> Result {
        if let Some(by) = pass.allowed_by {
            self.world.statistics.allowed(by);
        }
        if let Some(headers) = headers {
            for (name, value) in &pass.request_headers {
                headers.set(name, value)?;
            }
        }
        Ok(Flow::Continue)
    }

    pub(crate) fn waits(&mut self, stream: &mut Stream) {
        if !stream.waits {
            stream.waits = true;
            self.waiting += 1;
        }
    }

    pub(crate) fn waits_no_more(&mut self, stream: &mut Stream) {
        if stream.waits {
            stream.waits = false;
            self.waiting = self.waiting.saturating_sub(1);
        }
    }
}

/// Rounds up to milliseconds, the resolution of the host's timers: no request may continue too early.
pub(crate) fn milliseconds(nanos: u64) -> Duration {
    Duration::from_millis(nanos.div_ceil(1_000_000))
}
