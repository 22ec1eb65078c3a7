//! Tests. An evaluator walks the compiled rules for a request that is written as JSON.

mod errors;
mod matcher;
mod permissions;
mod policies;
mod property;
mod reference;
mod walk;

use super::Envoy;
use crate::{Attribute, Effect, Expr, Predicate, Stage, Test, Value as Typed};
use serde_json::{Value, json};
use tollgate_policy::{Many, config};

/// Returns the stages of a configuration.
fn stages(config: &Value) -> Vec<Stage> {
    config::read::<Envoy>(config).unwrap_or_else(|error| panic!("{error}")).into_stages()
}

/// Returns the error of a configuration.
fn error(config: &Value) -> String {
    config::read::<Envoy>(config).expect_err("rejected").to_string()
}

/// Returns a configuration with one policy, named `p`.
fn one_policy(action: &str, permission: &Value, principal: &Value) -> Value {
    json!({"rules": {"action": action, "policies": {
        "p": {"permissions": [permission], "principals": [principal]},
    }}})
}

/// A decision: its effect, the policy, and the policies that logged the request.
#[derive(Debug, PartialEq, Eq)]
struct Decision {
    effect: Effect,
    policy: Option<String>,
    logged: Vec<String>,
}

fn decide(stage: &Stage, request: &Value) -> Decision {
    let mut logged = Vec::new();
    for rule in &stage.rules {
        let mut when = rule.when.clone();
        when.resolve_many(rule.effect == Effect::Allow);
        if matches(&when, request) {
            let policy = rule.name.policy.to_string();
            if rule.effect != Effect::Log {
                return Decision { effect: rule.effect, policy: Some(policy), logged };
            }
            logged.push(policy);
        }
    }
    Decision { effect: stage.otherwise, policy: None, logged }
}

/// Returns the effect of the only stage of a configuration.
fn effect(config: &Value, request: &Value) -> Effect {
    let stages = stages(config);
    assert_eq!(stages.len(), 1);
    decide(&stages[0], request).effect
}

fn matches(expr: &Expr, request: &Value) -> bool {
    match expr {
        Expr::All(parts) => parts.iter().all(|part| matches(part, request)),
        Expr::Any(parts) => parts.iter().any(|part| matches(part, request)),
        Expr::Not(part) => !matches(part, request),
        Expr::Test(test) => passes(test, request),
        Expr::Condition(condition) => request["condition"] == condition.text(),
    }
}

fn passes(test: &Test, request: &Value) -> bool {
    let values = values(&test.attribute, request, matches!(test.predicate, Predicate::Typed(_)));
    let each = |value: &Owned| match (&test.predicate, value.typed()) {
        (Predicate::Present, _) => true,
        (Predicate::OneOf(texts), Typed::Text(text)) => texts.iter().any(|one| **one == *text),
        (Predicate::Text(matchers), Typed::Text(text)) => matchers.iter().any(|one| one.matches(text)),
        (Predicate::Path(matchers), Typed::Text(text)) => matchers.iter().any(|one| one.matches(text)),
        (Predicate::Network(networks), value) => {
            value.address().is_some_and(|address| networks.iter().any(|one| one.contains(address)))
        }
        (Predicate::Number { from, to }, value) => {
            value.number().is_some_and(|number| (*from..=*to).contains(&number))
        }
        (Predicate::Typed(test), Typed::Json(value)) => test.matches(value),
        (predicate, value) => panic!("{predicate:?} of {value:?}"),
    };
    match test.many {
        Some(Many::All) if test.attribute.is_repeatable() => !values.is_empty() && values.iter().all(each),
        _ => values.iter().any(each),
    }
}

enum Owned {
    Text(String),
    Number(i64),
    Json(Value),
}

impl Owned {
    fn typed(&self) -> Typed<'_> {
        match self {
            Self::Text(text) => Typed::Text(text.as_bytes()),
            Self::Number(number) => Typed::Number(*number),
            Self::Json(value) => Typed::Json(value),
        }
    }
}

/// Returns the values of an attribute of a request.
fn values(attribute: &Attribute, request: &Value, typed: bool) -> Vec<Owned> {
    let text = |value: &Value| value.as_str().map(|text| Owned::Text(text.into()));
    let number = |value: &Value| value.as_i64().map(Owned::Number);
    let member = |value: &Value, namespace: &str, path: &[Box<str>]| {
        assert!(typed, "metadata is tested with its type");
        let mut value = value.get(namespace)?;
        for name in path {
            value = value.as_object()?.get(&**name)?;
        }
        Some(Owned::Json(value.clone()))
    };
    let one = match attribute {
        Attribute::Method => text(&request["method"]),
        Attribute::Path => {
            request["path"].as_str().map(|path| Owned::Text(path.split(['?', '#']).next().unwrap().into()))
        }
        Attribute::PathAndQuery => text(&request["path"]),
        Attribute::Host => {
            let host = request["host"].as_str().unwrap_or_default().to_lowercase();
            let name = host.split(':').next().unwrap().to_owned();
            return [name, host].into_iter().filter(|host| !host.is_empty()).map(Owned::Text).collect();
        }
        Attribute::Scheme => text(&request["scheme"]),
        Attribute::Header(name) => {
            let lines = request["headers"].as_array().into_iter().flatten();
            return lines.filter(|line| line[0] == name.as_str()).filter_map(|line| text(&line[1])).collect();
        }
        Attribute::PeerAddress => text(&request["peer"]),
        Attribute::RemoteAddress => text(&request["remote"]),
        Attribute::SourcePort => number(&request["source_port"]),
        Attribute::DestinationAddress => text(&request["destination"]),
        Attribute::DestinationPort => number(&request["port"]),
        Attribute::ServerName => text(&request["sni"]),
        Attribute::TlsVersion => text(&request["tls"]),
        Attribute::MutualTls => Some(Owned::Text((request["mtls"] == true).to_string())),
        Attribute::UriSan => text(&request["uri_san"]),
        Attribute::DnsSan => text(&request["dns_san"]),
        Attribute::Subject => text(&request["subject"]),
        Attribute::Metadata(namespace, path) => member(&request["metadata"], namespace, path),
        Attribute::RouteMetadata(namespace, path) => member(&request["route"], namespace, path),
        Attribute::FilterState(name) => text(&request["filter_state"][&**name]),
        other => panic!("the format has no {other}"),
    };
    one.into_iter().collect()
}
