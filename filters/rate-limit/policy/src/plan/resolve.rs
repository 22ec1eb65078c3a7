//! Resolves a configuration into a plan.

use super::{ConfigError, FailureMode, Limit, Needs, Plan, Rule, answers, check, limit, names, service};
use crate::Config;
use crate::config;
use tollgate_counting::table::pages_for;
use tollgate_policy::{FieldPath, Places, RequestMatch, Rules};

/// Maximum of `table.max_keys`, which is 1.6 GB of shared memory.
const MAX_KEYS: u64 = 1 << 24;

impl Plan {
    /// Returns what is probably not intended: for the log, when the filter loads.
    pub fn warnings(&self) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        if self.limits.is_empty() {
            warnings.push("the configuration has no `limits`: no request is limited");
        }
        if self.filter_enabled.per_million() == 0 {
            warnings.push("`filter_enabled` is 0: no request is limited");
        }
        warnings
    }

    /// Checks and resolves a configuration.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        check::domain(&config.domain, &FieldPath::new("domain"))?;
        FieldPath::new("table").field("max_keys").range(config.table.max_keys.into(), 1..=MAX_KEYS)?;
        FieldPath::new("max_waiting_requests").range(config.max_waiting_requests as u64, 1..=100_000)?;
        let service = config.rate_limit_service.map(service::resolve).transpose()?;
        let mut limits =
            limits(&config.domain, config.limits, service.as_ref().map(|service| service.failure_mode))?;
        if service.is_some() && limits.iter().all(|limit| limit.service.is_none()) {
            return Err(FieldPath::new("rate_limit_service").error("not used: no limit has `service`"));
        }
        limits.iter_mut().for_each(|limit| limit.shadow |= config.enforcement.shadow);
        names::make_unique(&mut limits);
        check::key_templates(&limits, &config.path_normalization)?;
        let conditions = config.rules.iter().map(|rule| &rule.condition);
        RequestMatch::check_rules(conditions, &config.path_normalization)?;
        let (rules, otherwise) = rules(config.rules, &limits)?;
        let mut plan = Self {
            answers: answers::resolve(config.response, config.enforcement.status_on_error.code)?,
            domain: config.domain,
            limits,
            rules: Rules::new(rules),
            path_normalization: config.path_normalization,
            otherwise,
            pages: pages_for(config.table.max_keys),
            service,
            max_waiting: config.max_waiting_requests,
            filter_enabled: config.filter_enabled,
            filter_enforced: config.filter_enforced,
            enforcement: config.enforcement,
            needs: Needs::default(),
        };
        plan.needs = Needs::of(&plan);
        Ok(plan)
    }
}

fn limits(
    domain: &str,
    limits: tollgate_policy::Named<config::Limit>,
    failure_mode: Option<FailureMode>,
) -> Result<Vec<Limit>, ConfigError> {
    let mut resolved = Vec::new();
    for (name, limit) in limits {
        resolved.push(limit::resolve(domain, name, limit, failure_mode)?);
    }
    Ok(resolved)
}

/// Resolves the rules, and the limits for requests that no rule matches.
fn rules(rules: Vec<config::Rule>, limits: &[Limit]) -> Result<(Vec<Rule>, Vec<usize>), ConfigError> {
    if rules.is_empty() {
        return Ok((Vec::new(), (0..limits.len()).collect()));
    }
    let mut names = Places::default();
    for (index, limit) in limits.iter().enumerate() {
        names.add(limit.name.as_bytes(), index);
    }
    let mut used = vec![false; limits.len()];
    let mut resolved = Vec::new();
    for (index, rule) in rules.into_iter().enumerate() {
        let place = FieldPath::new("rules").at(index).field("limits");
        let mut of_rule = Vec::new();
        for (index, name) in rule.limits.iter().enumerate() {
            let place = place.at(index);
            let Some(limit) = names.first(name.as_bytes()) else {
                let name = name.escape_debug();
                return Err(place.error(format_args!("unknown limit `{name}`, {}", names.known())));
            };
            if of_rule.contains(&limit) {
                return Err(place.error(format_args!("duplicate limit `{name}`")));
            }
            if let Some(used) = used.get_mut(limit) {
                *used = true;
            }
            of_rule.push(limit);
        }
        resolved.push(Rule { condition: rule.condition, limits: of_rule });
    }
    // The operator probably expects the limit to apply.
    match limits.iter().zip(&used).find(|(_, used)| !**used) {
        Some((limit, _)) => {
            Err(FieldPath::new("limits").field(&limit.name).error("not used: no rule has it in `limits`"))
        }
        None => Ok((resolved, Vec::new())),
    }
}
