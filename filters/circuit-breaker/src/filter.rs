//! The shell: reads the inputs of the policy from a request and its response, and carries out decisions.

use crate::world::{Statistics, World};
use tollgate::{
    ConfigError, Context, Error, Flow, HttpFilter, Phase, Request, RequestBody, Response, ResponseTrailers,
    Result, State, foreign, random,
};
use tollgate_circuit_breaker_policy::{Config, Decision, Plan, Policy, Reason, Ticket};
use tollgate_kit::counts::Counts;
use tollgate_kit::decisions::{self, Outcomes};
use tollgate_kit::facts;
use tollgate_policy::UnixNanos;

/// The filter. Its state changes with each request.
pub struct CircuitBreaker(State<(Policy, World)>);

/// Size of an entry of a page in bytes. Pages are stored without empty entries at their end.
const ENTRY_BYTES: usize = 8;

#[tollgate::filter(timers)]
impl HttpFilter for CircuitBreaker {
    type Config = Config;
    type Stream = Ticket;

    fn new(config: Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        let plan = Plan::new(config)?;
        let names = || plan.breakers.iter().map(|breaker| &breaker.name);
        let prefix = plan.enforcement.stat_prefix.as_str();
        let statistics = Statistics::define(prefix, names(), names(), names(), names(), names())?;
        let (table, entries) = (plan.table(), plan.page_bytes() / ENTRY_BYTES);
        let (mut counts, seed) =
            Counts::with_entries("circuit_breaker", &table, plan.pages, ENTRY_BYTES, entries)?;
        if plan.counts_in_flight {
            counts.start_heartbeat(cx, |filter: &Self| &filter.0, |(_, world)| &mut world.counts)?;
        }
        let policy = Policy::new(plan, seed, u64::from_le_bytes(random::bytes()?));
        Ok(Self(State::new((policy, World { counts, statistics }))))
    }

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let (headers, ticket, _) = request.parts();
        let is_sent = headers.end_of_stream();
        self.decide(|policy, world, now| {
            let needed = policy.plan().needs_headers;
            let decision =
                facts::of_request(headers, needed, |request, _| policy.decide(request, world, now))?;
            let mut pass = match decision {
                Decision::Refuse(refusal) => return Ok(world.statistics.refuse(refusal)),
                Decision::Pass(pass) => pass,
            };
            // First, so that a failure to edit the headers does not lose the admissions.
            *ticket = core::mem::take(&mut pass.ticket);
            ticket.is_sent = is_sent;
            let edits = pass.edits();
            if !edits.is_empty() {
                headers.apply(&edits)?;
                foreign::clear_route_cache()?;
            }
            Ok(world.statistics.allow(pass.allowed_by))
        })?
    }

    fn on_request_body(&self, request: &mut RequestBody<'_, Self>) -> Result {
        let (body, ticket, _) = request.parts();
        ticket.is_sent |= body.end_of_stream();
        Ok(Flow::Continue)
    }

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        let (headers, ticket, _) = response.parts();
        if !ticket.is_empty() {
            self.decide(|policy, world, now| {
                facts::of_response(headers, true, |response, _| policy.respond(ticket, response, world, now))
            })??;
        }
        Ok(Flow::Continue)
    }

    fn on_response_trailers(&self, response: &mut ResponseTrailers<'_, Self>) -> Result {
        let (trailers, ticket, _) = response.parts();
        if Policy::waits_for_the_end(ticket) {
            let status = trailers.first("grpc-status")?;
            self.decide(|policy, world, now| policy.finish(ticket, status.as_deref(), world, now))?;
        }
        Ok(Flow::Continue)
    }

    /// Properties that do not come from headers, such as the response code details, can still be read.
    fn on_end(&self, ticket: Ticket, _: &mut Context<'_, Self>) {
        if !ticket.is_empty() {
            self.0.update(|(policy, world)| {
                let now = world.counts.tell_time_or_last();
                policy.end(ticket, world, now);
            });
        }
    }

    fn on_error(&self, error: Error, phase: Phase) -> Flow {
        decisions::on_error(error, phase, Reason::HostError, || {
            self.0.enter(|(policy, world)| world.statistics.settle(policy.undecided()))
        })
    }
}

impl CircuitBreaker {
    /// Calls `decide` with the state and the time.
    fn decide<T>(&self, decide: impl FnOnce(&mut Policy, &mut World, UnixNanos) -> T) -> Result<T, Error> {
        self.0.enter(|(policy, world)| {
            let now = world.counts.tell_time()?;
            Ok(decide(policy, world, now))
        })?
    }
}
