//! The compiled configuration.

use crate::config::{AuditOn, Config, PolicyOptions, Response};
use crate::{Attribute, Engine, Expr, Predicate, Rule, Sources, Stage, roles};
use tollgate_policy::{ConfigError, Places};

/// The compiled configuration.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) config: Config,
    pub(crate) engine: Engine,
    pub(crate) sources: Sources,
    /// Names of policies, in the order of their statistics.
    names: Places,
    /// Number of policies with statistics of their own.
    counted: usize,
    /// Descriptions of parts that are probably not what the operator intended.
    warnings: Vec<String>,
    /// Whether the shadow verdict must be computed.
    pub(crate) has_shadow: bool,
}

impl Plan {
    /// Checks and compiles a configuration.
    pub fn new(mut config: Config) -> Result<Self, ConfigError> {
        let (mut stages, mut warnings) = (Vec::new(), Vec::new());
        if let Some(istio) = config.istio.take() {
            let compiled = istio.stages().map_err(|error| error.in_member("istio"))?;
            stages.extend(compiled.stages);
            warnings.extend(compiled.warnings.iter().map(|warning| ["istio.", warning].concat()));
        }
        let mut audit = config.audit.on;
        let of_istio = stages.len();
        if let Some(envoy) = config.envoy.take() {
            if audit == AuditOn::None {
                audit = envoy.audit();
            }
            stages.extend(envoy.into_stages());
        }
        let of_envoy = stages.len();
        stages.extend(roles::stage(&config)?);
        if stages.is_empty() {
            let message = "no policies, expected at least one of `istio`, `envoy`, `roles` and `rules`";
            return Err(ConfigError::here(&message));
        }
        let mut names = Places::default();
        let mut count = 0;
        for rule in stages.iter().flat_map(|stage| &stage.rules) {
            if names.first(rule.name.policy.as_bytes()).is_none() {
                names.add(rule.name.policy.as_bytes(), count);
                count += 1;
            }
        }
        let counted = count.min(config.max_policy_statistics as usize);
        for rule in stages.iter_mut().flat_map(|stage| &mut stage.rules) {
            domain(&mut rule.when, config.domain.as_ref()).map_err(|error| error.in_member("domain"))?;
        }
        for (name, options) in &config.policy_options {
            let has = |stages: &[Stage]| {
                stages.iter().flat_map(|stage| &stage.rules).any(|rule| *rule.name.policy == **name)
            };
            let (before, own) = stages.split_at(of_envoy);
            let (istio, envoy) = before.split_at(of_istio);
            if [has(istio), has(envoy), has(own)].iter().filter(|has| **has).count() > 1 {
                let message = format!("policy `{}` is in several formats, expected one", name.escape_debug());
                return Err(ConfigError::here(&message).in_member(name).in_member("policy_options"));
            }
            if names.first(name.as_bytes()).is_none() {
                let message = format!("unknown policy `{}`, {}", name.escape_debug(), names.known());
                return Err(ConfigError::here(&message).in_member(name).in_member("policy_options"));
            }
            if options.shadow {
                shadow(&mut stages, name);
            }
        }
        config.audit.on = audit;
        let sources = Sources {
            claims: config.claims.clone(),
            peer_address: config.peer_address_filter_state.as_deref().map(Into::into),
            domain: config.domain.clone(),
            bindings: roles::bindings(&config)?,
        };
        // The stages replace them: ten thousand policies must not be kept twice.
        (config.roles, config.bindings, config.rules) = Default::default();
        let engine = Engine::new(stages);
        let has_shadow = engine.has_shadow();
        Ok(Self { config, engine, sources, names, counted, warnings, has_shadow })
    }

    /// Returns descriptions of parts of the configuration that are probably not what the operator intended.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the sources of facts, which the operator configures.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Returns the names of the policies with statistics of their own, as parts of names of metrics. The last
    /// one is `other`, for all further policies.
    pub fn statistics(&self) -> Vec<String> {
        let mut names = vec![String::new(); self.counted];
        for (name, places) in self.names.iter() {
            if let Some(slot) = places.first().and_then(|place| names.get_mut(*place)) {
                *slot = metric_name(name);
            }
        }
        names.push("other".into());
        names
    }

    /// Returns the index in [`Self::statistics`] of the policy of a rule.
    pub fn statistic_of(&self, rule: &Rule) -> usize {
        let place = self.names.first(rule.name.policy.as_bytes());
        place.map_or(self.counted, |place| place.min(self.counted))
    }

    /// Returns the prefix of the names of statistics.
    pub fn stat_prefix(&self) -> &str {
        self.config.enforcement.stat_prefix.as_str()
    }

    /// Returns the status of a request that cannot be decided.
    pub fn status_on_error(&self) -> u16 {
        self.config.enforcement.status_on_error.code
    }

    pub(crate) fn options(&self, rule: Option<&Rule>) -> Option<&PolicyOptions> {
        self.config.policy_options.get(&rule?.name.policy)
    }

    pub(crate) fn response(&self, rule: Option<&Rule>) -> &Response {
        self.options(rule).and_then(|options| options.response.as_ref()).unwrap_or(&self.config.response)
    }
}

/// Replaces the tenant by the attribute that names it, so that a test knows whether a client can add values.
fn domain(expr: &mut Expr, name: Option<&Attribute>) -> Result<(), ConfigError> {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter_mut().try_for_each(|part| domain(part, name)),
        Expr::Not(part) => domain(part, name),
        Expr::Condition(_) => Ok(()),
        Expr::Test(test) => {
            let missing =
                || ConfigError::here(&"a policy tests `domain`, expected the attribute that names it");
            if test.attribute == Attribute::Domain {
                test.attribute = name.ok_or_else(missing)?.clone();
            }
            if let Predicate::SameAs(other) = &mut test.predicate
                && *other == Attribute::Domain
            {
                *other = name.ok_or_else(missing)?.clone();
            }
            Ok(())
        }
    }
}

fn shadow(stages: &mut [Stage], policy: &str) {
    for stage in stages {
        let mut changed = false;
        for rule in stage.rules.iter_mut().filter(|rule| *rule.name.policy == *policy) {
            (rule.shadow, changed) = (true, true);
        }
        // Without an enforced policy that allows, requests need no permission.
        stage.shadow |= changed && stage.rules.iter().all(|rule| rule.shadow);
    }
}

/// Replaces characters that a name of a metric cannot contain.
fn metric_name(policy: &[u8]) -> String {
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let name: String = policy.iter().map(|byte| if valid(byte) { char::from(*byte) } else { '_' }).collect();
    if name.is_empty() { "_".into() } else { name }
}
