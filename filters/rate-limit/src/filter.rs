//! The shell: reads the inputs of the policy from a request and its response.

use crate::decision::apply;
use crate::world::{Statistics, World};
use tollgate::{ConfigError, Context, Error, Flow, HttpFilter, Phase, Request, Response, Result, State};
use tollgate_kit::counts::Counts;
use tollgate_kit::decisions::{self, Outcomes};
use tollgate_kit::facts;
use tollgate_rate_limit_policy::{Config, Plan, Policy, Reason, Ticket};

/// The filter. Its state changes with each request.
pub struct RateLimit(pub(crate) State<Worker>);

/// The reservations of a stream.
pub(crate) type Stream = Option<Box<Ticket>>;

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
        plan.warnings().iter().for_each(|warning| tollgate::log::warn!("{warning}"));
        let limits = plan.limits.iter().map(|limit| &limit.name);
        let statistics = Statistics::define(plan.enforcement.stat_prefix.as_str(), limits)?;
        let (mut counts, seed) = Counts::new("rate_limit", &plan.domain, plan.pages)?;
        if plan.needs.in_flight {
            counts.start_heartbeat(cx, |filter: &Self| &filter.0, |worker| &mut worker.world.counts)?;
        }
        let world = World { counts, statistics };
        Ok(Self(State::new(Worker { policy: Policy::new(plan, seed), world, is_unreachable: false })))
    }

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let (headers, stream, cx) = request.parts();
        self.0.enter(|worker| {
            let now = worker.world.counts.tell_time()?;
            let Worker { policy, world, .. } = worker;
            let may_wait = cx.waiting_streams() < policy.plan().max_waiting;
            let needed = policy.plan().needs.request_headers;
            let decision =
                facts::of_request(headers, needed, |facts, _| policy.decide(facts, world, now, may_wait))?;
            worker.carry_out(decision, headers, stream, cx)
        })?
    }

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        let (headers, stream, cx) = response.parts();
        let Some(ticket) = stream else { return Ok(Flow::Continue) };
        self.0.enter(|worker| {
            let now = worker.world.counts.tell_time()?;
            let Worker { policy, world, .. } = worker;
            let needed = policy.needs_response(ticket, |name| headers.first(name))?;
            let settled =
                facts::of_response(headers, needed, |facts, _| policy.respond(ticket, facts, world, now))?;
            if let Some(call) = settled.call {
                worker.send(call, cx);
            }
            apply(headers, &settled.headers)
        })?
    }

    fn on_end(&self, stream: Stream, cx: &mut Context<'_, Self>) {
        if let Some(ticket) = stream {
            self.0.update(|worker| worker.end(*ticket, cx));
        }
    }

    fn on_error(&self, error: Error, phase: Phase) -> Flow {
        let undecided = |Worker { policy, world, .. }: &mut Worker| {
            world.statistics.settle(policy.undecided(Reason::HostError))
        };
        decisions::on_error(error, phase, Reason::HostError, || self.0.enter(undecided))
    }
}
