//! The configuration once it is checked: names resolved to places, defaults filled in, nothing left that could fail.

mod check;
mod istio;
mod keys;
mod provider;
mod requirement;
mod rules;
mod source;

pub use source::{From, RemoteSource, RevocationSource, Source};
pub use tollgate_policy::ConfigProblem;

use crate::config::{Config, ExtractOnly, Provider};
use provider::Providers;
use requirement::Resolver;
use tollgate_jose::Algorithms;
use tollgate_policy::{
    Conditional, HeaderName, Named, Place, Places, Problem, RequestFacts, RequestMatch, Rules,
};

/// What is to be done, by index.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The configuration that it was made of, for what needs no resolving. Providers, rules, requirements and `jwtRules`
    /// were taken out of it.
    pub config: Config,
    /// The providers, in the order of their names; Istio's rules behind them.
    pub providers: Vec<PlannedProvider>,
    /// The rules, in order.
    pub rules: Rules<PlannedRule>,
    /// What values of the filter state require.
    pub by_filter_state: Option<(String, Named<Required>)>,
    /// Where keys come from, each once, though several providers may use it.
    pub sources: Vec<Source>,
    /// Where the list of what is revoked comes from.
    pub revocation: Option<RevocationSource>,
    /// Headers that clients may not send, because the filter would set them.
    pub sanitized: Vec<HeaderName>,
    by_issuer: Places,
}

/// A provider.
#[derive(Clone, Debug)]
pub struct PlannedProvider {
    /// Its name; `jwtRules[2]` for one of Istio's.
    pub name: String,
    /// As configured; the places are never empty, the keys are taken out.
    pub config: Provider,
    /// Which of the sources.
    pub source: usize,
    /// Those that are accepted if the key permits them; empty: all that the key permits. Never HMAC with fetched keys
    /// unless that was configured.
    pub allowed: Algorithms,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct PlannedRule {
    /// Which requests.
    pub condition: RequestMatch,
    /// What is required.
    pub required: Required,
    /// Scopes that its tokens must hold.
    pub scopes: Vec<String>,
}

impl Conditional for PlannedRule {
    fn condition(&self) -> &RequestMatch {
        &self.condition
    }
}

/// What is required.
#[derive(Clone, Debug)]
pub enum Required {
    /// Nothing.
    Nothing,
    /// A token of a provider; with audiences in place of the provider's.
    Provider(usize, Option<Vec<String>>),
    /// One of them.
    Any(Vec<Required>),
    /// All of them.
    All(Vec<Required>),
    /// None or a valid one.
    AllowMissing,
    /// Anything.
    AllowMissingOrFailed,
    /// Unverified.
    ExtractOnly(ExtractOnly),
}

/// Reads a variable of the VM's environment.
type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

impl Plan {
    /// Checks a configuration. `environment` reads a variable of the VM's environment.
    pub fn new(config: Config, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigProblem> {
        Self::of(config, &environment).map_err(|problem| *problem)
    }

    fn of(mut config: Config, environment: Environment<'_>) -> Result<Self, Problem> {
        check::whole(&config)?;
        let mut providers = Providers::default();
        for (name, provider) in core::mem::take(&mut config.providers) {
            let place = Place::of("providers").field(&name);
            Place::of("providers").named(&name, "the name of a provider")?;
            providers.add(name, provider, &place, environment)?;
        }
        providers.check_issuers()?;
        let mut names = Places::default();
        for (index, provider) in providers.list.iter().enumerate() {
            names.add(provider.name.as_bytes(), index);
        }
        let jwt_rules = core::mem::take(&mut config.jwt_rules);
        let of_istio = istio::providers(jwt_rules, &config.jwks_clusters, &mut providers, environment)?;
        let mut headers = providers.headers()?;
        let mut resolver = Resolver::new(&names, &mut headers);
        resolver.name(core::mem::take(&mut config.requirement_map))?;
        let mut rules = rules::resolve(core::mem::take(&mut config.rules), &mut resolver)?;
        let by_filter_state = config.filter_state_rules.take();
        let by_filter_state =
            by_filter_state.map(|rules| rules::by_filter_state(rules, &mut resolver)).transpose()?;
        rules.extend(istio::rules(&of_istio));
        let sanitized = headers.written;
        let revocation = config.revocation.remote.as_ref().map(source::revocation).transpose()?;
        let rules = Rules::new(rules);
        let Providers { list: providers, sources, by_issuer, .. } = providers;
        let sources = sources.finish();
        Ok(Self { config, providers, rules, by_filter_state, sources, revocation, sanitized, by_issuer })
    }

    /// The rule that a request falls under.
    #[inline]
    pub fn rule(&self, request: &RequestFacts<'_>) -> Option<&PlannedRule> {
        self.rules.first(request)
    }

    /// The providers whose tokens have this `iss`: those that say so, or else those that do not say.
    #[inline]
    pub fn providers_of(&self, issuer: &str) -> &[usize] {
        match self.by_issuer.get(issuer.as_bytes()) {
            [] => self.by_issuer.get(b""),
            found => found,
        }
    }
}
