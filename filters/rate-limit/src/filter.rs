//! The shell: reads the inputs of the policy from a request, and carries out its decisions.

use crate::statistics::Statistics;
use crate::world::World;
use tollgate::{
    ConfigError, Context, Error, Flow, Headers, HttpFilter, Phase, Reply, Request, RequestHeaders, Response,
    Result, State,
};
use tollgate_kit::counts::Counts;
use tollgate_kit::facts;
use tollgate_policy::ResponseDetails;
use tollgate_rate_limit_policy::{Config, Decision, HeaderChanges, Pass, Plan, Policy, Reason, Ticket};

/// The filter. Its state changes with each request.
pub struct RateLimit(State<Worker>);

/// The reservations of a stream.
pub(crate) type Stream = Option<Box<Ticket>>;

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
    /// Whether the latest call of the service could not be made.
    pub(crate) is_unreachable: bool,
}

#[tollgate::filter(grpc_callouts, timers)]
impl HttpFilter for RateLimit {
    type Config = Config;
    type Stream = Stream;

    fn new(config: Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        let plan = Plan::new(config)?;
        for warning in plan.warnings() {
            tollgate::log::warn!("{warning}");
        }
        let limits = plan.limits.iter().map(|limit| &limit.name);
        let statistics = Statistics::define(plan.enforcement.stat_prefix.as_str(), limits)?;
        let (mut counts, seed) = Counts::new("rate_limit", &plan.domain, plan.pages)?;
        if plan.needs.in_flight {
            counts.start_heartbeat(cx, |filter: &Self, beat| {
                filter.update(|worker| beat(&mut worker.world.counts))
            })?;
        }
        let world = World { counts, statistics };
        Ok(Self(State::new(Worker { policy: Policy::new(plan, seed), world, is_unreachable: false })))
    }

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        self.enter(|worker| worker.on_request(request))
    }

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        self.enter(|worker| worker.on_response(response))
    }

    fn on_end(&self, stream: Stream, cx: &mut Context<'_, Self>) {
        if let Some(ticket) = stream {
            self.update(|worker| worker.end(*ticket, cx));
        }
    }

    fn on_error(&self, error: Error, phase: Phase) -> Flow {
        tollgate::log::error!("cannot decide about a request: {error}");
        match phase {
            // Without the state, neither the failure mode nor the status is known.
            Phase::Request => self
                .0
                .enter(|worker| worker.undecided())
                .unwrap_or_else(|_| Reply::new(503).details(Reason::HostError.details()).into()),
            Phase::Response => Flow::Continue,
        }
    }
}

impl Worker {
    #[inline]
    fn on_request(&mut self, request: &mut Request<'_, RateLimit>) -> Result {
        let (headers, stream, cx) = request.parts();
        let now = self.world.counts.tell_time()?;
        let Self { policy, world, .. } = self;
        let may_wait = cx.waiting_streams() < policy.plan().max_waiting;
        let needed = policy.plan().needs.request_headers;
        let decision =
            facts::of_request(headers, needed, |request, _| policy.decide(request, world, now, may_wait))?;
        match decision {
            Decision::Pass(pass) => self.pass(pass, stream, Some(headers)),
            decision => self.carry_out(decision, stream, cx),
        }
    }

    fn on_response(&mut self, response: &mut Response<'_, RateLimit>) -> Result {
        let (headers, stream, cx) = response.parts();
        let Some(ticket) = stream else { return Ok(Flow::Continue) };
        let now = self.world.counts.tell_time()?;
        let Self { policy, world, .. } = self;
        let mut needed = policy.plan().needs.response_headers;
        for name in policy.fields_to_combine(ticket) {
            needed = needed || headers.first(name)?.is_some();
        }
        let settled =
            facts::of_response(headers, needed, |response, _| policy.respond(ticket, response, world, now))?;
        if let Some(call) = settled.call {
            self.send_or_fail(&call, cx);
        }
        apply(headers, &settled.headers)?;
        Ok(Flow::Continue)
    }

    /// Releases what a request holds.
    pub(crate) fn end(&mut self, ticket: Ticket, cx: &mut Context<'_, RateLimit>) {
        let now = self.world.counts.tell_time_or_last();
        self.policy.end(ticket, &mut self.world, now);
        self.wake(cx);
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
            Err(refusal) => self.refuse(refusal),
        }
    }

    pub(crate) fn refuse(&self, refusal: tollgate_rate_limit_policy::Refusal) -> Flow {
        self.world.statistics.refused(refusal.reason);
        refusal.into()
    }

    #[inline]
    pub(crate) fn pass(
        &self,
        mut pass: Pass,
        stream: &mut Stream,
        headers: Option<&mut RequestHeaders<'_>>,
    ) -> Result {
        keep(core::mem::take(&mut pass.ticket), stream);
        self.allow(&pass, headers)
    }

    #[inline]
    pub(crate) fn allow(&self, pass: &Pass, headers: Option<&mut RequestHeaders<'_>>) -> Result {
        if let Some(by) = pass.allowed_by {
            self.world.statistics.allowed(by);
        }
        if let Some(headers) = headers {
            apply(headers, &pass.request_headers)?;
        }
        Ok(Flow::Continue)
    }
}

fn apply(headers: &mut Headers, changes: &HeaderChanges) -> Result<(), Error> {
    for (name, value) in &changes.set {
        headers.set(name, value)?;
    }
    for (name, value) in &changes.add {
        headers.add(name, value)?;
    }
    Ok(())
}

/// Keeps reservations with the stream.
pub(crate) fn keep(ticket: Ticket, stream: &mut Stream) {
    *stream = ticket.matters().then(|| Box::new(ticket));
}
