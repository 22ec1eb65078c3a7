//! The configuration of Envoy's RBAC filter: `envoy.extensions.filters.http.rbac.v3.RBAC`.
//!
//! Decisions are those of Envoy, with these exceptions:
//!
//! - A repeated header is matched safely: see [`Test::many`](crate::Test::many). Envoy accepts any line, and
//!   an input of the generic matcher joins the lines.
//! - `:authority` ignores the case of letters, and is compared without and with its port.
//! - A condition that fails at run time matches in a rule that denies.
//! - Of several SANs of a certificate, the host only knows the first.
//!
//! Configurations that Envoy accepts are rejected if a part of them never matches, or matches more than it
//! seems to: an empty `exact_match`, a network without `prefix_len` or with host bits, `ignore_case` with
//! `safe_regex`, `rules` besides `matcher`.

mod cel;
mod header;
mod input;
mod matcher;
mod metadata;
mod object;
mod permission;
mod principal;
mod schema;
mod template;
#[cfg(test)]
mod tests;
mod text;

use crate::config::AuditOn;
use crate::{Effect, Expr, Name, Rule, Stage};
use object::{Message, Read, always, check_type, list};
use permission::permission;
use principal::principal;
use tollgate_policy::config::variant;
use tollgate_policy::{Config, ConfigError, Value};

/// The configuration of Envoy's RBAC filter, compiled to stages. Without rules, every request is allowed.
#[derive(Clone, Debug, Default)]
pub struct Envoy {
    stages: Vec<Stage>,
    audit: AuditOn,
}

impl Envoy {
    /// Returns the stages: the enforced one, and that of the shadow rules.
    pub fn into_stages(self) -> Vec<Stage> {
        self.stages
    }

    /// Returns which requests are written to the audit log.
    pub fn audit(&self) -> AuditOn {
        self.audit
    }
}

impl Config for Envoy {
    fn blank() -> Self {
        Self::default()
    }

    #[inline(never)]
    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        const TYPE: &str = "envoy.extensions.filters.http.rbac.v3.RBAC";
        let names = &["@type", "rules", "matcher", "shadow_rules", "shadow_matcher", "track_per_rule_stats"];
        let instead = &[
            ("rules_stat_prefix", "use `stat_prefix` of this filter"),
            (
                "shadow_rules_stat_prefix",
                "use `stat_prefix` of this filter: the metrics of shadow rules have names of their own",
            ),
        ];
        let message = Message::read_instead(value, names, instead)?;
        check_type(value, TYPE)?;
        if let Some(field) = message.get("track_per_rule_stats") {
            field.read(always).map_err(|_| {
                field.error(&format_args!(
                    "found {}, expected `true`: this filter always counts requests by policy",
                    field.value
                ))
            })?;
        }
        *self = Self::default();
        for (rules, matcher, shadow) in
            [("rules", "matcher", false), ("shadow_rules", "shadow_matcher", true)]
        {
            match (message.get(rules), message.get(matcher)) {
                (Some(rules), Some(matcher)) => {
                    let message =
                        format_args!("Envoy would ignore it, because `{}` is configured", matcher.name);
                    return Err(rules.error(&message));
                }
                (Some(rules), None) => {
                    let (stage, audit) = rules.read(read_rbac)?;
                    if shadow && audit != AuditOn::None {
                        return Err(rules.error(&"`audit_logging_options` are not supported in shadow rules"));
                    }
                    self.audit = if shadow { self.audit } else { audit };
                    self.stages.push(if shadow { as_shadow(stage) } else { stage });
                }
                (None, Some(matcher)) => {
                    let stage = matcher.read(matcher::stage)?;
                    self.stages.push(if shadow { as_shadow(stage) } else { stage });
                }
                (None, None) => {}
            }
        }
        Ok(())
    }
}

/// Action of a policy on the requests that it matches.
#[derive(Clone, Copy)]
enum Action {
    Allow,
    Deny,
    Log,
}

fn action(value: &Value) -> Result<Action, ConfigError> {
    Ok(match variant(value, &["ALLOW", "DENY", "LOG"])? {
        0 => Action::Allow,
        1 => Action::Deny,
        _ => Action::Log,
    })
}

fn as_shadow(mut stage: Stage) -> Stage {
    stage.shadow = true;
    stage.rules.iter_mut().for_each(|rule| rule.shadow = true);
    stage
}

/// Reads `envoy.config.rbac.v3.RBAC`.
#[inline(never)]
fn read_rbac(value: &Value) -> Result<(Stage, AuditOn), ConfigError> {
    let message = Message::read(value, &["action", "policies", "audit_logging_options"])?;
    let action = message.get("action").map_or(Ok(Action::Allow), |field| field.read(action))?;
    let (effect, otherwise) = match action {
        Action::Allow => (Effect::Allow, Effect::Deny),
        Action::Deny => (Effect::Deny, Effect::Allow),
        Action::Log => (Effect::Log, Effect::Allow),
    };
    let audit = message.get("audit_logging_options");
    let audit = audit.map_or(Ok(AuditOn::None), |field| field.read(audit_options))?;
    let mut rules = Vec::new();
    if let Some(policies) = message.get("policies") {
        for (name, when) in policies.read(read_policies)? {
            let name = Name { policy: name.into(), rule: None, role: None };
            rules.push(Rule { name, when, effect, shadow: false });
        }
    }
    Ok((Stage { rules, otherwise, shadow: false }, audit))
}

/// Reads policies, in the lexical order of their names.
fn read_policies(value: &Value) -> Result<Vec<(&str, Expr)>, ConfigError> {
    let Value::Object(members) = value else { return Err(ConfigError::invalid_type(value, "an object")) };
    let mut policies = Vec::new();
    for (name, value) in members {
        policies.push((name.as_str(), policy(value).map_err(|error| error.in_member(name))?));
    }
    policies.sort_by_key(|(name, _)| *name);
    Ok(policies)
}

/// Reads `envoy.config.rbac.v3.Policy`.
fn policy(value: &Value) -> Result<Expr, ConfigError> {
    let names = &["permissions", "principals", "condition", "checked_condition", "cel_config"];
    let message = Message::read(value, names)?;
    let permissions = message.required("permissions")?.read(|value| list(value, 1, permission))?;
    let principals = message.required("principals")?.read(|value| list(value, 1, principal))?;
    let when = any(permissions).and(any(principals));
    Ok(match cel::condition(&message)? {
        Some(condition) => when.and(condition),
        None => when,
    })
}

/// Returns the disjunction of expressions.
fn any(mut parts: Vec<Expr>) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            Expr::Any(parts)
        }
        None => Expr::FALSE,
    }
}

/// Reads `AuditLoggingOptions`.
fn audit_options(value: &Value) -> Result<AuditOn, ConfigError> {
    let instead = &[(
        "logger_configs",
        "loggers are not supported: this filter writes the requests of `audit_condition` to its own log",
    )];
    let message = Message::read_instead(value, &["audit_condition"], instead)?;
    let read: Read<usize> = |value| variant(value, &["NONE", "ON_DENY", "ON_ALLOW", "ON_DENY_AND_ALLOW"]);
    Ok(match message.get("audit_condition").map_or(Ok(0), |field| field.read(read))? {
        0 => AuditOn::None,
        1 => AuditOn::OnDeny,
        2 => AuditOn::OnAllow,
        _ => AuditOn::OnDenyAndAllow,
    })
}
