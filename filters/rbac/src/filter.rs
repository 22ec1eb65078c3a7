//! The shell: reads the headers with one host call and other attributes when a policy needs them, and carries
//! out the decision.

use crate::statistics::Statistics;
use tollgate::{
    ConfigError, Context, Error, Flow, HttpFilter, Phase, Request, Result, clock, foreign, property, random,
};
use tollgate_kit::{decisions, facts};
use tollgate_policy::UnixNanos;
use tollgate_rbac_policy::{Config, Environment, Plan, Policy, Reason, Unavailable};

/// The filter.
pub struct Rbac {
    policy: Policy,
    statistics: Statistics,
}

#[tollgate::filter]
impl HttpFilter for Rbac {
    type Config = Config;
    type Stream = ();

    fn new(config: Config, _: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        let plan = Plan::new(config)?;
        plan.warnings().iter().for_each(|warning| tollgate::log::warn!("{warning}"));
        let statistics = Statistics::define(plan.stat_prefix(), plan.statistics())?;
        Ok(Self { policy: Policy::new(plan), statistics })
    }

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let (headers, _, _) = request.parts();
        facts::of_request(headers, true, |request, headers| {
            let decision = self.policy.decide(request, &Host);
            // The upstream must not receive another path than the policies allowed.
            if let Some(path) = &decision.path {
                headers.set(":path", path)?;
                foreign::clear_route_cache()?;
            }
            self.statistics.count(self.policy.plan(), &decision);
            for (name, value) in decision.filter_state {
                decisions::report(name, &value);
            }
            if let Some(line) = decision.audit {
                tollgate::log::info!("{line}");
            }
            Ok(decision.refusal.map_or(Flow::Continue, Flow::from))
        })?
    }

    fn on_error(&self, error: Error, phase: Phase) -> Flow {
        tollgate::log::error!("cannot decide about a request: {error}");
        let Phase::Request = phase else { return Flow::Continue };
        let decision = self.policy.plan().undecided(Reason::HostError);
        self.statistics.count(self.policy.plan(), &decision);
        decision.refusal.map_or(Flow::Continue, Flow::from)
    }
}

/// Access of the policy to the host.
struct Host;

impl Environment for Host {
    fn property(&self, path: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        property::by_path(path).map_err(|error| {
            tollgate::log::debug!("cannot read `{}`: {error}", path.replace('\0', "."));
            Unavailable
        })
    }

    fn now(&self) -> Option<UnixNanos> {
        clock::now().ok()
    }

    /// Without random numbers, returns 0: every request is inside the sample.
    fn draw(&self) -> u64 {
        random::bytes().map_or(0, u64::from_le_bytes)
    }
}
