//! Resolves a configuration into a plan.

use super::{Breaker, Plan, Response, Rule};
use crate::config::{self, Config, Mode};
use crate::key::Part;
use std::rc::Rc;
use tollgate_policy::{ConfigError, Enforcement, FieldPath, Places, RequestMatch, Rules};

/// Maximum number of breakers. Each has counters in every worker.
const MAX_BREAKERS: u64 = 1000;

impl Plan {
    /// Checks and resolves a configuration.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        check_domain(&config.domain)?;
        let count = config.breakers.iter().len() as u64;
        FieldPath::new("breakers").range(count, 1..=MAX_BREAKERS)?;
        let mut breakers = Vec::new();
        for (index, (name, breaker)) in config.breakers.into_iter().enumerate() {
            breakers.push(Breaker::new(index, name, breaker, config.shadow)?);
        }
        FieldPath::new("max_keys").range(config.max_keys.into(), count..=65_536)?;
        if let Some(admin) = &config.admin {
            let is_path = |byte: u8| byte.is_ascii_graphic() && !b"?#".contains(&byte);
            if !admin.path.starts_with('/') || admin.path.len() > 256 || !admin.path.bytes().all(is_path) {
                let path = admin.path.escape_debug();
                let message =
                    format_args!("invalid path `{path}`, expected a path such as `/.tollgate/breakers`");
                return Err(FieldPath::new("admin").field("path").error(message));
            }
        }
        let conditions = config.rules.iter().map(|rule| &rule.condition);
        RequestMatch::check_rules(conditions, &config.path_normalization)?;
        let (rules, otherwise) = rules(config.rules, &breakers)?;
        let mut fallback_headers = Vec::new();
        for (name, _) in breakers.iter().filter_map(|breaker| breaker.fallback.as_ref()) {
            if !fallback_headers.contains(name) {
                fallback_headers.push(name.clone());
            }
        }
        let reads = |part: &Part| !matches!(part, Part::Property(_));
        let needs_headers = !rules.is_empty()
            || config.admin.is_some()
            || !fallback_headers.is_empty()
            || breakers.iter().any(|breaker| breaker.key.iter().any(reads));
        Ok(Self {
            domain: config.domain,
            rules: Rules::new(rules),
            path_normalization: config.path_normalization,
            otherwise,
            response: Response::new(config.response, &FieldPath::new("response"))?,
            admin: config.admin,
            fallback_headers,
            pages: config.max_keys,
            record_bytes: breakers.iter().map(|breaker| breaker.layout.bytes()).max().unwrap_or_default(),
            enforcement: Enforcement {
                shadow: config.shadow,
                on_error: config.on_error,
                status_on_error: config.status_on_error,
                stat_prefix: config.stat_prefix,
            },
            needs_headers,
            counts_in_flight: breakers
                .iter()
                .any(|breaker| breaker.gradient.is_some() && breaker.mode == Mode::Automatic),
            breakers,
        })
    }
}

/// Checks the domain, which is part of names in shared memory.
fn check_domain(domain: &str) -> Result<(), ConfigError> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
    if (1..=128).contains(&domain.len()) && domain.bytes().all(valid) {
        return Ok(());
    }
    let domain = domain.escape_debug();
    let message = format_args!("invalid domain `{domain}`, expected 1 to 128 letters, digits and `_-./:`");
    Err(FieldPath::new("domain").error(message))
}

/// Returns the rules, and the breakers for requests that no rule matches.
fn rules(rules: Vec<config::Rule>, breakers: &[Breaker]) -> Result<(Vec<Rule>, Rc<[usize]>), ConfigError> {
    if rules.is_empty() {
        return Ok((Vec::new(), (0..breakers.len()).collect()));
    }
    let mut names = Places::default();
    for (index, breaker) in breakers.iter().enumerate() {
        names.add(breaker.name.as_bytes(), index);
    }
    let mut used = vec![false; breakers.len()];
    let mut resolved = Vec::new();
    for (index, rule) in rules.into_iter().enumerate() {
        let place = FieldPath::new("rules").at(index).field("breakers");
        let mut of_rule = Vec::new();
        for (index, name) in rule.breakers.iter().enumerate() {
            let place = place.at(index);
            let Some(breaker) = names.first(name.as_bytes()) else {
                let name = name.escape_debug();
                return Err(place.error(format_args!("unknown breaker `{name}`, {}", names.known())));
            };
            if of_rule.contains(&breaker) {
                return Err(place.error(format_args!("duplicate breaker `{name}`")));
            }
            if let Some(used) = used.get_mut(breaker) {
                *used = true;
            }
            of_rule.push(breaker);
        }
        resolved.push(Rule { condition: rule.condition, breakers: of_rule.into() });
    }
    // The operator probably expects the breaker to apply.
    match breakers.iter().zip(&used).find(|(_, used)| !**used) {
        Some((breaker, _)) => Err(FieldPath::new("breakers")
            .field(&breaker.name)
            .error("not used: no rule has it in `breakers`")),
        None => Ok((resolved, Rc::default())),
    }
}
