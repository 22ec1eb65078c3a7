//! The shell: reads the headers of a request with one host call, and carries out the decision with as few
//! host calls as possible.

use crate::keys::Store;
use crate::statistics::Statistics;
use crate::world::World;
use tollgate::{
    ConfigError, Context, Error, Flow, HttpFilter, Phase, Reply, Request, RequestHeaders, Result, State,
    clock, foreign, property, random,
};
use tollgate_jwt_authn_policy::plan::Plan;
use tollgate_jwt_authn_policy::{Config, Decision, Pass, Policy, Reason};
use tollgate_kit::{WithEnvironment, facts, fetch};
use tollgate_policy::{ResponseDetails, UnixNanos};

/// The filter. Its state changes with each request: cached tokens and fetched keys.
pub struct JwtAuthn(pub(crate) State<Worker>);

pub(crate) struct Worker {
    pub(crate) policy: Policy,
    pub(crate) world: World,
    statistics: Statistics,
}

#[tollgate::filter(http_callouts, timers)]
impl HttpFilter for JwtAuthn {
    type Config = WithEnvironment<Config>;
    type Stream = ();

    fn new(config: Self::Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        let plan = Plan::new(config.0, |name| std::env::var(name).ok())?;
        for warning in &plan.warnings {
            tollgate::log::warn!("{warning}");
        }
        let statistics = Statistics::define(plan.config.enforcement.stat_prefix.as_str())?;
        let world = World::new(Store::new(&plan)?);
        let mut filter = Worker { policy: Policy::new(plan, random::bytes()?), world, statistics };
        fetch::start(&mut filter, cx)?;
        Ok(Self(State::new(filter)))
    }

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        self.0.enter(|filter| filter.on_request(request))?
    }

    /// Rejects a request that the filter could not check, even with `on_error: allow`: it may still contain
    /// forged headers.
    fn on_error(&self, error: Error, phase: Phase) -> Flow {
        tollgate::log::error!("cannot check a request: {error}");
        match phase {
            // Without the state there is no configured status.
            Phase::Request => self.0.enter(|filter| filter.unchecked()).unwrap_or_else(|_| unchecked(503)),
            Phase::Response => Flow::Continue,
        }
    }
}

impl Worker {
    fn on_request(&mut self, request: &mut Request<'_, JwtAuthn>) -> Result {
        let now = clock::now()?;
        let (headers, _, cx) = request.parts();
        if let Some(flow) = self.decide(headers, now, true)? {
            return Ok(flow);
        }
        if self.wait(now, cx)? {
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
        let Self { policy, world, statistics } = self;
        let flow = facts::of_request(headers, true, |request, headers| {
            Ok(match policy.decide(request, world, now, may_wait) {
                Decision::Pass(pass) => {
                    carry_out(&pass, headers)?;
                    statistics.passed(&pass);
                    Some(Flow::Continue)
                }
                Decision::Refuse(refusal) => {
                    statistics.refused(refusal.reason);
                    Some(refusal.into())
                }
                Decision::Metadata(json) => {
                    statistics.metadata_served();
                    Some(metadata(json))
                }
                Decision::Wait => None,
            })
        })?;
        if let Ok(Some(_)) = flow {
            self.statistics.looked_up(self.policy.take_cache_lookups());
        }
        flow
    }

    /// Holds a request that arrived at `since` until the document that it needs changes. Returns `false` if
    /// it may not wait.
    fn wait(&mut self, since: UnixNanos, cx: &mut Context<'_, JwtAuthn>) -> Result<bool, Error> {
        fetch::wait(self, cx, since, move |filter, cx| filter.decide_again(since, cx))
    }

    /// Decides a held request again, from the start.
    fn decide_again(&mut self, since: UnixNanos, cx: &mut Context<'_, JwtAuthn>) -> Result {
        let now = clock::now()?;
        if let Some(flow) = self.decide_held(now, true, cx)? {
            return Ok(flow);
        }
        if self.wait(since, cx)? {
            return Ok(Flow::Pause);
        }
        Ok(self.decide_held(now, false, cx)?.unwrap_or_else(|| self.unchecked()))
    }

    fn decide_held(
        &mut self,
        now: UnixNanos,
        may_wait: bool,
        cx: &mut Context<'_, JwtAuthn>,
    ) -> Result<Option<Flow>, Error> {
        match cx.held_request_headers() {
            Some(mut headers) => self.decide(&mut headers, now, may_wait),
            None => Ok(Some(self.unchecked())),
        }
    }

    /// Rejects a request that the filter could not check.
    fn unchecked(&self) -> Flow {
        self.statistics.refused(Reason::HostError);
        unchecked(self.policy.plan().config.enforcement.status_on_error.code)
    }
}

fn unchecked(status: u16) -> Flow {
    Reply::new(status).details(Reason::HostError.details()).body(Reason::HostError.text()).into()
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
