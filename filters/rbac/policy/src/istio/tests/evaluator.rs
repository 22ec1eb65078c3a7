//! Evaluator of stages.

use crate::{Attribute, Effect, Expr, Predicate, Rule, Stage, Test};
use std::collections::HashMap;
use tollgate_policy::Many;

/// Values of the attributes of a request, by name.
pub(super) struct Request(HashMap<String, Vec<String>>);

/// Reads `attribute=value` pairs. Adds the attributes that follow from others.
pub(super) fn request(attributes: &str) -> Request {
    let mut request = Request(HashMap::new());
    for pair in attributes.split_whitespace() {
        let (name, value) = pair.rsplit_once('=').unwrap();
        let attribute: Attribute = name.parse().unwrap_or_else(|error| panic!("{error}"));
        request.add(&attribute, value);
        match attribute {
            Attribute::Principal => request.add_identity(value),
            Attribute::Host => {
                if let Some((host, _)) = value.split_once(':') {
                    request.add(&Attribute::Host, host);
                }
            }
            _ => {}
        }
    }
    let claim = |name: &str| request.values(&Attribute::Claim([name.into()].into())).first().cloned();
    if let (Some(issuer), Some(subject)) = (claim("iss"), claim("sub")) {
        request.add(&Attribute::RequestPrincipal, &format!("{issuer}/{subject}"));
    }
    request
}

impl Request {
    fn add(&mut self, attribute: &Attribute, value: &str) {
        self.0.entry(attribute.to_string()).or_default().push(value.into());
    }

    fn add_identity(&mut self, principal: &str) {
        let parts: Vec<_> = principal.split('/').collect();
        self.add(&Attribute::TrustDomain, parts[0]);
        if let [_, "ns", namespace, "sa", account] = *parts {
            self.add(&Attribute::Namespace, namespace);
            self.add(&Attribute::ServiceAccount, &format!("{namespace}/{account}"));
        }
    }

    fn values(&self, attribute: &Attribute) -> &[String] {
        self.0.get(&attribute.to_string()).map(Vec::as_slice).unwrap_or_default()
    }
}

fn matches_value(predicate: &Predicate, value: &str) -> bool {
    let text = value.as_bytes();
    match predicate {
        Predicate::Present => true,
        Predicate::OneOf(texts) => texts.iter().any(|one| **one == *text),
        Predicate::Text(matchers) => matchers.iter().any(|matcher| matcher.matches(text)),
        Predicate::Path(matchers) => matchers.iter().any(|matcher| matcher.matches(text)),
        Predicate::Network(networks) => networks.iter().any(|one| one.contains(value.parse().unwrap())),
        Predicate::Number { from, to } => (*from..=*to).contains(&value.parse().unwrap()),
        other => panic!("unexpected {other:?}"),
    }
}

fn matches_test(test: &Test, request: &Request) -> bool {
    let values = request.values(&test.attribute);
    let mut each = values.iter().map(|value| matches_value(&test.predicate, value));
    if test.many == Some(Many::All) && test.attribute.is_repeatable() {
        !values.is_empty() && each.all(|matches| matches)
    } else {
        each.any(|matches| matches)
    }
}

fn matches(expr: &Expr, request: &Request) -> bool {
    match expr {
        Expr::All(parts) => parts.iter().all(|part| matches(part, request)),
        Expr::Any(parts) => parts.iter().any(|part| matches(part, request)),
        Expr::Not(part) => !matches(part, request),
        Expr::Test(test) => matches_test(test, request),
        Expr::Condition(condition) => panic!("unexpected {condition:?}"),
    }
}

fn name(rule: &Rule) -> String {
    match rule.name.rule {
        Some(index) => format!(" {}[{index}]", rule.name.policy),
        None => String::new(),
    }
}

/// Returns the verdict, after the names of the rules that record the request.
fn verdict(stages: &[Stage], request: &Request, shadow: bool) -> String {
    let mut log = String::new();
    for stage in stages.iter().filter(|stage| shadow || !stage.shadow) {
        let mut effect = (stage.otherwise, String::new());
        for rule in stage.rules.iter().filter(|rule| shadow || !rule.shadow) {
            let mut when = rule.when.clone();
            when.resolve_many(rule.effect == Effect::Allow);
            match rule.effect {
                _ if !matches(&when, request) => {}
                Effect::Log => log = log + "log" + &name(rule) + ", ",
                Effect::Allow | Effect::Deny => {
                    effect = (rule.effect, name(rule));
                    break;
                }
            }
        }
        if effect.0 == Effect::Deny {
            return format!("{log}deny{}", effect.1);
        }
    }
    log + "allow"
}

/// Returns the verdict, and the shadow verdict if it differs.
pub(super) fn decide(stages: &[Stage], request: &Request) -> String {
    let (enforced, shadow) = (verdict(stages, request, false), verdict(stages, request, true));
    if enforced == shadow { enforced } else { format!("{enforced}; shadow: {shadow}") }
}
