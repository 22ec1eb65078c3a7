//! Writes an explanation as text and as JSON.

use super::select::{has_decided, select};
use crate::report::paint;
use serde_json::{Value, json};
use std::fmt::Write as _;
use tollgate_policy::{AllowedBy, Label as _, ResponseDetails as _};
use tollgate_rbac_policy::explain::{Explanation, Part, RuleExplanation};
use tollgate_rbac_policy::{Effect, Reason, Rule, Shadow, Truth};

/// Longest text of a part, in characters. A test can list hundreds of values; JSON has them all.
const LONGEST: usize = 200;

/// Returns the text and the JSON of an explanation.
pub fn show(explanation: &Explanation<'_>, all: bool) -> (String, Value) {
    let shown = select(explanation, all);
    let mut text = String::new();
    show_decision(explanation, &mut text);
    for each in &shown.rules {
        show_rule(explanation, each, &mut text);
    }
    if explanation.evaluated > 0 {
        let hidden = explanation.evaluated - shown.rules.len();
        let hint = if hidden > 0 { format!("; {hidden} not shown, see `--all`") } else { String::new() };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "\nrules: {} match, {} nearly match, {} in total{hint}",
            shown.matching, shown.nearly_matching, explanation.evaluated
        );
    }
    let mut json = decision_json(explanation);
    json["rules"] = shown.rules.iter().map(|each| rule_json(explanation, each)).collect();
    json["rule_counts"] = json!({
        "evaluated": explanation.evaluated,
        "matching": shown.matching,
        "nearly_matching": shown.nearly_matching,
    });
    (text, json)
}

fn show_decision(explanation: &Explanation<'_>, text: &mut String) {
    let decision = &explanation.decision;
    let mark = if decision.refusal.is_some() { paint::bad("DENIED ") } else { paint::good("ALLOWED") };
    let _ = writeln!(text, "{mark} {}", outcome(explanation));
    let mut row = |label: &str, value: &str| {
        let _ = writeln!(text, "  {} {value}", paint::dim(&format!("{label:<8}")));
    };
    if let Some(refusal) = &decision.refusal {
        row("details", &refusal.reason.details());
        row("status", &format!("{}, for gRPC {}", refusal.status, refusal.grpc_status));
    }
    if let Some(shadow) = &decision.shadow {
        let verdict = if shadow.denied() { "would be denied" } else { "would be allowed" };
        row("shadow", &format!("{verdict} {}", by(shadow.rule, shadow.denied())));
    }
    if let Some(rule) = decision.logged {
        row("recorded", &format!("by {}", name(rule)));
    }
    if !explanation.roles.is_empty() {
        let roles: Vec<_> = explanation.roles.iter().map(|role| format!("`{role}`")).collect();
        row("roles", &roles.join(", "));
    }
}

/// Returns what decided, after `allowed` or `denied`.
pub fn outcome(explanation: &Explanation<'_>) -> String {
    let decision = &explanation.decision;
    match (&decision.refusal, decision.allowed_by) {
        (Some(refusal), _) => match refusal.reason {
            Reason::InvalidPath(why) => format!("because the path is invalid: {why}"),
            Reason::HostError => "because an attribute cannot be read".into(),
            Reason::Rule(_) | Reason::NoRule => by(decision.rule, true),
        },
        (None, Some(AllowedBy::Shadow(_))) => "because the filter is in shadow mode".into(),
        (None, Some(AllowedBy::FailureMode(reason))) => {
            format!("because `on_error` allows requests with the error `{}`", reason.name())
        }
        (None, None) => by(decision.rule, false),
    }
}

fn by(rule: Option<&Rule>, denied: bool) -> String {
    match rule {
        Some(rule) => format!("by {}", name(rule)),
        None if denied => "because no policy allows it".into(),
        None => "because no policy denies it".into(),
    }
}

/// Returns the name of a rule for readers: policy, rule and role.
pub fn name(rule: &Rule) -> String {
    let mut text = format!("policy `{}`", rule.name.policy);
    if let Some(index) = rule.name.rule {
        let _ = write!(text, ", rule {index}");
    }
    if let Some(role) = &rule.name.role {
        let _ = write!(text, ", role `{role}`");
    }
    text
}

fn show_rule(explanation: &Explanation<'_>, each: &RuleExplanation<'_>, text: &mut String) {
    let verdict = if each.matches { "matches" } else { "does not match" };
    let mut notes = String::new();
    if explanation.decision.rule.is_some_and(|by| std::ptr::eq(by, each.rule)) {
        notes += ", decides";
    }
    if each.rule.shadow {
        notes += ", in shadow mode";
    }
    let _ = writeln!(text, "\n{} {}: {verdict}{notes}", effect(each.rule.effect), name(each.rule));
    show_part(&each.condition, 1, text);
}

fn show_part(part: &Part, depth: usize, text: &mut String) {
    let truth = format!("{:<7}", truth(part.truth));
    let truth = match part.truth {
        Truth::True => paint::good(&truth),
        Truth::False => paint::bad(&truth),
        Truth::Unknown => paint::unknown(&truth),
    };
    let _ = writeln!(text, "{}{truth} {}{}", "  ".repeat(depth), shortened(&part.text), values(part));
    part.parts.iter().for_each(|part| show_part(part, depth + 1, text));
}

/// Returns the values of a test in parentheses.
pub fn values(part: &Part) -> String {
    let several = part.values.len() > 1;
    let lists = part.values.iter().map(|each| {
        let name = if several { format!("{}: ", each.attribute) } else { String::new() };
        let list = match &each.values {
            None => "cannot be read".into(),
            Some(values) if values.is_empty() => "no value".into(),
            Some(values) => values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", "),
        };
        name + &shortened(&list)
    });
    let lists: Vec<_> = lists.collect();
    if lists.is_empty() { String::new() } else { format!(" ({})", lists.join("; ")) }
}

/// Returns the beginning of a long text.
pub fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into(),
    }
}

/// Returns the name of a result.
pub fn truth(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
        Effect::Log => "log",
    }
}

fn verdict(denied: bool) -> &'static str {
    if denied { "denied" } else { "allowed" }
}

fn decision_json(explanation: &Explanation<'_>) -> Value {
    let decision = &explanation.decision;
    let (because, reason) = match decision.allowed_by {
        Some(AllowedBy::Shadow(reason)) => (Some("shadow_mode"), Some(reason)),
        Some(AllowedBy::FailureMode(reason)) => (Some("failure_mode"), Some(reason)),
        None => (None, decision.refusal.as_ref().map(|refusal| refusal.reason.kind())),
    };
    let refusal = decision.refusal.as_ref();
    let shadow =
        |shadow: Shadow<'_>| json!({ "decision": verdict(shadow.denied()), "by": name_json(shadow.rule) });
    json!({
        "decision": verdict(refusal.is_some()),
        "by": name_json(decision.rule),
        "reason": reason.map(|reason| reason.name()),
        "allowed_because": because,
        "details": refusal.map(|refusal| refusal.reason.details()),
        "status": refusal.map(|refusal| refusal.status),
        "grpc_status": refusal.map(|refusal| refusal.grpc_status),
        "shadow": decision.shadow.map(shadow),
        "recorded_by": name_json(decision.logged),
        "roles": explanation.roles,
    })
}

fn name_json(rule: Option<&Rule>) -> Value {
    rule.map_or(
        Value::Null,
        |rule| json!({ "policy": rule.name.policy, "rule": rule.name.rule, "role": rule.name.role }),
    )
}

fn rule_json(explanation: &Explanation<'_>, each: &RuleExplanation<'_>) -> Value {
    let mut json = name_json(Some(each.rule));
    json["effect"] = effect(each.rule.effect).into();
    json["shadow"] = each.rule.shadow.into();
    json["matches"] = each.matches.into();
    json["nearly_matches"] = each.nearly_matches.into();
    json["decides"] = has_decided(explanation, each.rule).into();
    json["condition"] = part_json(&each.condition);
    json
}

fn part_json(part: &Part) -> Value {
    let values = part.values.iter().map(|each| json!({ "attribute": each.attribute, "values": each.values }));
    json!({
        "text": part.text,
        "truth": truth(part.truth),
        "values": values.collect::<Vec<_>>(),
        "parts": part.parts.iter().map(part_json).collect::<Vec<_>>(),
    })
}
