//! Parts of rules.

use crate::config::{Draw, DrawBy, HttpStatus, ReplyConfig, RuleConfig};
use crate::rule::{Condition, DrawPlan, ReplyPlan, Rule, Status};
use tollgate_policy::{ConfigError, FieldPath, Source, Variable, header_name};

type Result<T> = std::result::Result<T, ConfigError>;

/// Maximum length of the name of a rule.
pub(super) const MAX_NAME: usize = 64;

pub(super) fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Checks that a rule after these can apply.
pub(super) fn check_order(before: &[Rule]) -> Result<()> {
    match before.last() {
        Some(last) if last.condition.matches_all() => {
            let name = &last.name;
            Err(ConfigError::here(&format_args!(
                "never applies, because `{name}` before it matches all requests"
            )))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_name(name: &str, place: &FieldPath) -> Result<()> {
    let place = place.field("name");
    place.named(name, "the name")?;
    if name.len() > MAX_NAME || !name.chars().all(is_of_name) {
        let message = format_args!(
            "`{}` is not a valid name, expected at most {MAX_NAME} letters, digits and `_-`",
            name.escape_debug()
        );
        return Err(place.error(message));
    }
    Ok(())
}

pub(super) fn condition(config: &RuleConfig) -> Condition {
    Condition {
        request: config.condition.clone(),
        headers: Vec::new(),
        clusters: config.upstream_clusters.clone(),
        nodes: config.source.nodes.clone(),
        principals: config.source.principals.clone(),
        namespaces: config.source.namespaces.iter().map(|name| name.as_str().into()).collect(),
        networks: config.source.networks.clone(),
    }
}

pub(super) fn draw_plan(config: &Draw, name: &str) -> Result<DrawPlan> {
    if (config.by == DrawBy::Header) != config.header.is_some() {
        return Err(ConfigError::new("header", &"expected exactly with `by: header`"));
    }
    let header = match config.by {
        DrawBy::RequestId => Some(header_name!("x-request-id")),
        _ => config.header.clone(),
    };
    let salt = config.salt.as_deref().unwrap_or(name);
    Ok(DrawPlan { by: config.by, header, salt: salt.as_bytes().into(), faults: config.faults })
}

pub(super) fn status(config: &ReplyConfig) -> Result<Option<Status>> {
    match (config.http_status, config.grpc_status) {
        (Some(_), Some(_)) => Err(ConfigError::new("grpc_status", &"not supported with `http_status`")),
        (Some(status), None) => Ok(Some(Status::Http(status.0))),
        (None, status) => Ok(status.map(|status| Status::Grpc(status.code()))),
    }
}

pub(super) fn reply(config: &ReplyConfig) -> Result<ReplyPlan> {
    if let (Some(HttpStatus(status @ (204 | 304))), Some(_)) = (config.http_status, &config.body) {
        return Err(ConfigError::new(
            "body",
            &format_args!("not supported: a response {status} has no body"),
        ));
    }
    let mut headers = Vec::new();
    for (index, header) in config.headers.iter().enumerate() {
        for reference in header.value.references() {
            let known = matches!(
                reference.source,
                Source::RequestHeader(..)
                    | Source::Variable(Variable::Method | Variable::Path | Variable::Authority)
            );
            if !known {
                let message = "expected only references to the request: `%REQ(..)%`, `%METHOD%`, `%PATH%`, `%AUTHORITY%`";
                return Err(ConfigError::new("value", &message).in_list("headers", index));
            }
        }
        headers.push((header.name.name().clone(), header.value.clone()));
    }
    Ok(ReplyPlan::new(config.body.clone(), headers))
}
