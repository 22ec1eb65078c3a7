//! The shell: a request's headers in by one host call, the decision out by as few as it takes.

use crate::keys::{self, Owner, Store};
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

#[tollgate::filter(http_callouts, timers)]
impl HttpFilter for JwtAuthn {
    type Config = Config;
    type Stream = ();

    fn new(config: Config, cx: &mut Context<'_, Self>) -> std::result::Result<Self, ConfigError> {
        let plan = Plan::new(config, |name| std::env::var(name).ok())
            .map_err(|problem| ConfigError::new(problem.path, problem.message))?;
        let statistics = Statistics::define(&plan.config.stat_prefix)?;
        let world = World::new(Store::new(&plan)?);
        let policy = Policy::new(plan, random::bytes()?);
        let mut filter = Self { policy, world, statistics };
        keys::start(&mut filter, cx)?;
        Ok(filter)
    }

    fn on_request_headers(
        &mut self,
        _: &mut (),
        headers: &mut RequestHeaders<'_>,
        cx: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        match self.decide(headers, true)? {
            Some(flow) => Ok(flow),
            None => self.wait(cx, UnixNanos(clock::now()?.0)),
        }
    }

    /// What could not be checked does not pass, whatever `on_error` says: headers that a client forged may still be in
    /// it.
    fn on_error(&mut self, error: Error, phase: Phase) -> Flow {
        tollgate::log::error!("request not checked: {error}");
        match phase {
            Phase::Request => self.undecided(),
            Phase::Response => Flow::Continue,
        }
    }
}

impl Owner for JwtAuthn {
    fn store(&mut self) -> &mut Store {
        &mut self.world.store
    }

    fn take_revocations(&mut self, text: &[u8], now: UnixNanos) -> std::result::Result<(), String> {
        self.policy.revocations_mut().set_list(text, now).map_err(|error| error.to_string())
    }
}

impl JwtAuthn {
    /// Parks a request that needs what is on its way, since `since`. One that may not wait (any more) is decided as it is.
    fn wait(&mut self, cx: &mut Context<'_, Self>, since: UnixNanos) -> Result<Flow> {
        let decide = move |filter: &mut Self, (): &mut (), cx: &mut Context<'_, Self>| {
            filter.decide_held(cx, since, true)
        };
        if keys::park(self, cx, since, decide)? {
            return Ok(Flow::Pause);
        }
        self.decide_held(cx, since, false)
    }

    fn decide_held(&mut self, cx: &mut Context<'_, Self>, since: UnixNanos, may_wait: bool) -> Result<Flow> {
        let Some(mut headers) = cx.held_request_headers() else { return Ok(self.undecided()) };
        match self.decide(&mut headers, may_wait)? {
            Some(flow) => Ok(flow),
            None if may_wait => self.wait(cx, since),
            None => Ok(self.undecided()),
        }
    }

    fn undecided(&self) -> Flow {
        self.statistics.refused(Reason::HostError);
        let status = self.policy.plan().config.status_on_error.0;
        Reply::new(status).details(Reason::HostError.details()).body(Reason::HostError.text()).into()
    }

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
