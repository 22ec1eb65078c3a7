//! The shell: what the policy needs of a request is read, and no more; what it decides is carried out.

use crate::service;
use crate::statistics::Statistics;
use crate::world::World;
use std::time::Duration;
use tollgate::{
    ConfigError, Context, Error, Flow, HttpFilter, Phase, Reply, RequestHeaders, ResponseHeaders, Result, clock,
};
use tollgate_policy::{RequestFacts, ResponseFacts, UnixNanos};
use tollgate_rate_limit_policy::plan::OnError;
use tollgate_rate_limit_policy::{Config, Decision, Pass, Plan, Policy, Reason, Refusal, Ticket};

pub(crate) struct RateLimit {
    pub(crate) policy: Policy,
    pub(crate) world: World,
    /// Requests of this worker that wait: for room, or for the rate limit service.
    waiting: usize,
}

/// What is remembered of a request, if there is anything to remember.
#[derive(Default)]
pub(crate) struct Stream {
    pub(crate) ticket: Option<Box<Ticket>>,
    waits: bool,
}

#[tollgate::filter(grpc_callouts, timers)]
impl HttpFilter for RateLimit {
    type Config = Config;
    type Stream = Stream;

    fn new(config: Config, cx: &mut Context<'_, Self>) -> std::result::Result<Self, ConfigError> {
        let plan = Plan::new(config).map_err(|problem| ConfigError::new(problem.path, problem.message))?;
        let statistics = Statistics::define(&plan)?;
        let world = World::new(&plan, statistics)?;
        let policy = Policy::new(plan, world.seed()?);
        let filter = Self { policy, world, waiting: 0 };
        if filter.policy.plan().needs.in_flight {
            cx.plugin_every(HEARTBEAT, |filter, _| filter.world.beat())?;
        }
        Ok(filter)
    }

    fn on_request_headers(
        &mut self,
        stream: &mut Stream,
        headers: &mut RequestHeaders<'_>,
        cx: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        self.world.now = now()?;
        let may_wait = self.waiting < self.policy.plan().max_waiting;
        let decision = if self.policy.plan().needs.request_headers {
            let pairs = headers.take_pairs()?;
            let list: Vec<_> = pairs.iter().collect();
            self.policy.decide(&RequestFacts::from_pairs(&list), &mut self.world, self.world.now, may_wait)
        } else {
            self.policy.decide(&RequestFacts::default(), &mut self.world, self.world.now, may_wait)
        };
        self.carry_out(decision, stream, Some(headers), cx)
    }

    fn on_response_headers(
        &mut self,
        stream: &mut Stream,
        headers: &mut ResponseHeaders<'_>,
        _: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        let Some(ticket) = &mut stream.ticket else { return Ok(Flow::Continue) };
        self.world.now = now()?;
        let pairs = headers.take_pairs()?;
        let list: Vec<_> = pairs.iter().collect();
        let facts = ResponseFacts::from_pairs(&list);
        for (name, value) in self.policy.respond(ticket, &facts, &mut self.world) {
            headers.set(&name, value)?;
        }
        Ok(Flow::Continue)
    }
}
