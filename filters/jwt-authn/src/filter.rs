//! The shell: reads the headers of a request with one host call, and carries out the decision with as few
//! host calls as possible.

use crate::world::World;
use tollgate::{
    ConfigError, Context, Error, Flow, HttpFilter, Phase, Reply, Request, RequestHeaders, Result, State,
    clock, foreign, property, random,
};
use tollgate_jwt_authn_policy::plan::Plan;
use tollgate_jwt_authn_policy::{Config, Decision, Pass, Policy, Reason};
use tollgate_kit::decisions::{self, Outcomes};
use tollgate_kit::{WithEnvironment, facts, fetch};
use tollgate_policy::{ResponseDetails, UnixNanos};

/// The filter. Its state changes with each request: cached tokens and fetched keys.
pub struct JwtAuthn(pub(crate) State<Worker>);

pub(crate) struct Worker {
    pub(crate) policy: Policy,
    pub(crate) world: World,
}

#[tollgate::filter(http_callouts, timers)]
impl HttpFilter for JwtAuthn {
    type Config = WithEnvironment<Config>;
    type Stream = ();

    fn new(config: Self::Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        let plan = Plan::new(config.0, |name| std::env::var(name).ok())?;
        plan.warnings.iter().for_each(|warning| tollgate::log::warn!("{warning}"));
        let world = World::new(&plan)?;
        let mut worker = Worker { policy: Policy::new(plan, random::bytes()?), world };
        fetch::start(&mut worker, cx)?;
        Ok(Self(State::new(worker)))
    }

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let now = clock::now()?;
        let (headers, _, cx) = request.parts();
        self.0.enter(|worker| worker.check(headers, now, now, cx))?
    }

    /// Rejects a request that the filter could not check, even with `on_error: allow`: it may still contain
    /// forged headers.
    fn on_error(&self, error: Error, phase: Phase) -> Flow {
        decisions::on_error(error, phase, Reason::HostError, || self.0.enter(|worker| worker.unchecked()))
    }
}

impl Worker {
    /// Decides a request that arrived at `since`. If it must wait for keys, decides again after the wait,
    /// from the start.
    fn check(
        &mut self,
        headers: &mut RequestHeaders<'_>,
        since: UnixNanos,
        now: UnixNanos,
        cx: &mut Context<'_, JwtAuthn>,
    ) -> Result {
        if let Some(flow) = self.decide(headers, now, true)? {
            return Ok(flow);
        }
        let waits = fetch::wait(self, cx, since, move |worker, headers, cx| {
            worker.check(headers, since, clock::now()?, cx)
        })?;
        if waits {
            return Ok(Flow::Pause);
        }
        Ok(self.decide(headers, now, false)?.unwrap_or_else(|| self.unchecked()))
    }

    /// Decides a request and carries out the decision. Returns `None` if the request must wait for keys.
    fn decide(
        &mut self,
        headers: &mut RequestHeaders<'_>,
        now: UnixNanos,
        may_wait: bool,
    ) -> Result<Option<Flow>, Error> {
        let Self { policy, world } = self;
        let flow = facts::of_request(headers, true, |request, headers| {
            Ok::<_, Error>(Some(match policy.decide(request, world, now, may_wait) {
                Decision::Pass(pass) => {
                    carry_out(&pass, headers)?;
                    world.statistics.passed(&pass)
                }
                Decision::Refuse(refusal) => world.statistics.refuse(refusal),
                Decision::Metadata(json) => {
                    world.statistics.resource_metadata_served.increment();
                    metadata(json)
                }
                Decision::Wait => return Ok(None),
            }))
        })??;
        if flow.is_some() {
            self.world.statistics.looked_up(self.policy.take_cache_lookups());
        }
        Ok(flow)
    }

    /// Rejects a request that the filter could not check.
    fn unchecked(&self) -> Flow {
        self.world.statistics.counters().0.increment(Reason::HostError);
        let status = self.policy.plan().config.enforcement.status_on_error.code;
        Reply::new(status).details(Reason::HostError.details()).body(Reason::HostError.text()).into()
    }
}

/// Answers with the metadata of a protected resource (RFC 9728 section 3.2).
fn metadata(json: &[u8]) -> Flow {
    let reply = Reply::new(200).details("jwt_authn_resource_metadata");
    reply.header("content-type", "application/json").body(json).into()
}

fn carry_out(pass: &Pass<'_>, headers: &mut RequestHeaders<'_>) -> Result<(), Error> {
    headers.apply(&pass.edits)?;
    if let Some(path) = &pass.path {
        headers.set(":path", path)?;
    }
    for (name, value) in &pass.filter_state {
        property::set_state(name, value)?;
    }
    if pass.clear_route_cache {
        foreign::clear_route_cache()?;
    }
    Ok(())
}
