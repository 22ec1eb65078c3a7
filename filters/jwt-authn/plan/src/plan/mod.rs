//! The configuration after all checks: names are resolved to indices and defaults are filled in. Nothing in
//! it can fail later.

mod check;
mod istio;
mod keys;
mod provider;
mod remote;
mod requirement;
mod resource;
mod rules;
mod source;

pub use resource::PlannedResource;
pub use source::{From, RemoteSource, RevocationSource, Source};
pub use tollgate_policy::ConfigError;

use crate::config::{Config, ExtractOnly, Provider};
use provider::Providers;
use requirement::Resolver;
use tollgate_jose::Algorithms;
use tollgate_policy::{
    Conditional, FieldPath, HeaderName, InvalidPath, Many, Named, Places, RequestFacts, RequestMatch, Rules,
    Selected,
};

/// The checked configuration. Its parts refer to each other by index.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The configuration, for the fields that need no resolving. Providers, rules, requirements and
    /// `jwtRules` were moved out of it.
    pub config: Config,
    /// Providers, sorted by name, followed by those of Istio's rules.
    pub providers: Vec<PlannedProvider>,
    /// Rules, in order.
    pub rules: Rules<PlannedRule>,
    /// Name of a filter state, and the requirement for each of its values.
    pub by_filter_state: Option<(String, Named<Required>)>,
    /// Sources of keys. Each occurs once, even if several providers use it.
    pub sources: Vec<Source>,
    /// Source of the revocation list.
    pub revocation: Option<RevocationSource>,
    /// Headers that the filter sets, and removes from the client's request.
    pub sanitized: Vec<HeaderName>,
    /// Protected resources, those with longer paths first.
    pub resources: Vec<PlannedResource>,
    /// Warnings for the log: parts of the configuration that are skipped.
    pub warnings: Vec<String>,
    by_issuer: Places,
}

/// A checked provider.
#[derive(Clone, Debug)]
pub struct PlannedProvider {
    /// Name; `jwtRules[2]` for one of Istio's rules.
    pub name: String,
    /// Its configuration. Token locations are filled in, and the keys are moved out.
    pub config: Provider,
    /// Index of its source of keys.
    pub source: usize,
    /// Accepted algorithms, if the key permits them; empty for all that the key permits. With fetched keys,
    /// HMAC is never among them unless it was configured.
    pub allowed: Algorithms,
}

/// A checked rule.
#[derive(Clone, Debug)]
pub struct PlannedRule {
    /// Requests that the rule applies to.
    pub condition: RequestMatch,
    /// Requirement of these requests.
    pub required: Required,
    /// Scopes that the tokens must have.
    pub scopes: Vec<String>,
    /// How many values of a header must match: all if the rule accepts requests without a valid token.
    pub many: Many,
}

impl PlannedRule {
    /// Returns a rule.
    pub fn new(condition: RequestMatch, required: Required, scopes: Vec<String>) -> Self {
        let many = if required.accepts_anyone() { Many::All } else { Many::Any };
        Self { condition, required, scopes, many }
    }
}

impl Conditional for PlannedRule {
    fn condition(&self) -> &RequestMatch {
        &self.condition
    }

    fn many(&self) -> Many {
        self.many
    }
}

/// A checked requirement.
#[derive(Clone, Debug, PartialEq)]
pub enum Required {
    /// No requirement.
    Nothing,
    /// A valid token of this provider, optionally with other audiences than the provider's own.
    Provider(usize, Option<Vec<String>>),
    /// Any of these.
    Any(Vec<Required>),
    /// All of these.
    All(Vec<Required>),
    /// No token, or a valid one.
    AllowMissing,
    /// Any request.
    AllowMissingOrFailed,
    /// Any request; tokens are not verified.
    ExtractOnly(ExtractOnly),
}

impl Required {
    /// Returns whether a request without a valid token can meet the requirement.
    fn accepts_anyone(&self) -> bool {
        match self {
            Self::Provider(..) => false,
            Self::Any(list) => list.iter().any(Self::accepts_anyone),
            Self::All(list) => list.iter().all(Self::accepts_anyone),
            Self::Nothing | Self::AllowMissing | Self::AllowMissingOrFailed | Self::ExtractOnly(_) => true,
        }
    }
}

/// Reads a variable of the VM's environment.
type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

impl Plan {
    /// Checks a configuration. `environment` reads a variable of the VM's environment.
    pub fn new(config: Config, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::of(config, &environment)
    }

    fn of(mut config: Config, environment: Environment<'_>) -> Result<Self, ConfigError> {
        check::whole(&config)?;
        let requires_something = check::requires_something(&config);
        let mut providers = Providers::default();
        for (name, provider) in core::mem::take(&mut config.providers) {
            let place = FieldPath::new("providers").field(&name);
            FieldPath::new("providers").named(&name, "the name of a provider")?;
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
        let conditions = config.rules.iter().map(|rule| &rule.condition);
        RequestMatch::check_rules(conditions, &config.path_normalization)?;
        let mut rules = rules::resolve(core::mem::take(&mut config.rules), &mut resolver)?;
        let by_filter_state = config.filter_state_rules.take();
        let by_filter_state =
            by_filter_state.map(|rules| rules::by_filter_state(rules, &mut resolver)).transpose()?;
        rules.extend(istio::rules(&of_istio));
        let sanitized = headers.written;
        let revocation = config.revocation.remote.as_ref().map(source::revocation).transpose()?;
        let rules = Rules::new(rules);
        let resources = resource::resolve(core::mem::take(&mut config.protected_resources), &providers.list)?;
        let Providers { list: providers, mut sources, by_issuer, .. } = providers;
        requires_something?;
        let warnings = core::mem::take(&mut sources.warnings);
        let sources = sources.finish();
        Ok(Self {
            config,
            providers,
            rules,
            by_filter_state,
            sources,
            revocation,
            sanitized,
            resources,
            warnings,
            by_issuer,
        })
    }

    /// Returns the rules that apply to a request.
    #[inline]
    pub fn select(&self, request: &RequestFacts<'_>) -> Result<Selected<'_, PlannedRule>, InvalidPath> {
        self.rules.select(request, &self.config.path_normalization)
    }

    /// Returns the protected resource that a request is for.
    pub fn resource(&self, request: &RequestFacts<'_>) -> Option<&PlannedResource> {
        self.resources.iter().find(|resource| resource.contains(request))
    }

    /// Returns the protected resource whose metadata a request is for.
    #[inline]
    pub fn resource_of_metadata(&self, request: &RequestFacts<'_>) -> Option<&PlannedResource> {
        let reads = matches!(request.method, b"GET" | b"HEAD");
        self.resources.iter().filter(|_| reads).find(|resource| resource.is_metadata(request))
    }

    /// Returns the providers for this `iss`: those with this `issuer`, or else those without an `issuer`.
    #[inline]
    pub fn providers_of(&self, issuer: &str) -> &[usize] {
        match self.by_issuer.get(issuer.as_bytes()) {
            [] => self.by_issuer.get(b""),
            found => found,
        }
    }
}
