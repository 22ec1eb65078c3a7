//! The shell: a request's headers in by one host call, the decision out by as few as it takes.

use crate::statistics::Statistics;
use crate::world::World;
use tollgate::{
    ConfigError, Context, Error, Flow, HttpFilter, Phase, Reply, RequestHeaders, Result, clock, foreign,
    property, random,
};
use tollgate_jwt_authn_policy::plan::Plan;
use tollgate_jwt_authn_policy::{Config, Decision, Pass, Policy, Reason, Refusal};
use tollgate_policy::{HeaderEdit, RequestFacts, UnixNanos};

struct JwtAuthn {
    policy: Policy,
    world: World,
    statistics: Statistics,
}

#[tollgate::filter]
impl HttpFilter for JwtAuthn {
    type Config = Config;
    type Stream = ();

    fn new(config: Config, _: &mut Context<'_, Self>) -> std::result::Result<Self, ConfigError> {
        let plan = Plan::new(config, |name| std::env::var(name).ok())
            .map_err(|problem| ConfigError::new(problem.path, problem.message))?;
        let statistics = Statistics::define(&plan.config.stat_prefix)?;
        let policy = Policy::new(plan, random::bytes()?);
        Ok(Self { policy, world: World::new(), statistics })
    }

    fn on_request_headers(
        &mut self,
        _: &mut (),
        headers: &mut RequestHeaders<'_>,
        _: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        let flow = self.decide(headers, true)?;
        Ok(flow.unwrap_or(Flow::Continue))
    }

    /// What could not be checked does not pass, whatever `on_error` says: headers that a client forged may still be in
    /// it.
    fn on_error(&mut self, error: Error, phase: Phase) -> Flow {
        tollgate::log::error!("request not checked: {error}");
        match phase {
            Phase::Request => {
                self.statistics.refused(Reason::HostError);
                let status = self.policy.plan().config.status_on_error.0;
                Reply::new(status).details(Reason::HostError.details()).body(Reason::HostError.text()).into()
            }
            Phase::Response => Flow::Continue,
        }
    }
}

impl JwtAuthn {
    /// `None`: keys are on their way.
    fn decide(&mut self, headers: &mut RequestHeaders<'_>, may_wait: bool) -> Result<Option<Flow>> {
        let now = UnixNanos(clock::now()?.0);
        let pairs = headers.take_pairs()?;
        let pairs: Vec<_> = pairs.iter().collect();
        let facts = RequestFacts::from_pairs(&pairs);
        match self.policy.decide(&facts, &mut self.world, now, may_wait) {
            Decision::Pass(pass) => {
                self.statistics.passed(&pass);
                carry_out(&pass, headers)?;
                Ok(Some(Flow::Continue))
            }
            Decision::Refuse(refusal) => {
                self.statistics.refused(refusal.reason);
                Ok(Some(reply(refusal).into()))
            }
            Decision::Wait => Ok(None),
        }
    }
}

fn carry_out(pass: &Pass<'_>, headers: &mut RequestHeaders<'_>) -> Result<()> {
    for edit in &pass.edits {
        match edit {
            HeaderEdit::Set(name, value) => headers.set(name.as_str(), value)?,
            HeaderEdit::Add(name, value) => headers.add(name.as_str(), value)?,
            HeaderEdit::Remove(name) => headers.remove(name.as_str())?,
        }
    }
    if let Some(path) = &pass.path {
        headers.set(":path", path)?;
    }
    for (name, value) in &pass.filter_state {
        property::set_state(name, value)?;
    }
    if pass.clear_route_cache {
        foreign::call("clear_route_cache", &[])?;
    }
    Ok(())
}

fn reply(refusal: Refusal) -> Reply {
    let reply = Reply::new(refusal.status)
        .details(refusal.reason.details())
        .grpc_status(refusal.grpc_status)
        .body(refusal.body);
    refusal.headers.into_iter().fold(reply, |reply, (name, value)| reply.header(name, value))
}
