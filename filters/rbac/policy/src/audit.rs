//! The audit log: one line of JSON per request.

use crate::rule::name_of;
use crate::{Attribute, Decision, Facts, Plan};
use core::cell::Cell;
use serde_json::Map;
use tollgate_policy::{AllowedBy, UnixNanos, Value as Json};

/// Maximum length of a text in a line, in bytes. Clients choose paths, hosts and header values.
const LONGEST: usize = 256;

/// Headers whose values are secret. A line only says that they are present.
const SECRET: [&str; 6] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-auth-token",
    "x-forwarded-client-cert",
];

/// Bounds the number of lines.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    /// The current second, and the number of its lines.
    lines: Cell<(u64, u32)>,
}

impl Audit {
    /// Adds the line of a request to its decision.
    pub fn record(&self, plan: &Plan, facts: &Facts<'_>, decision: &mut Decision<'_>) {
        let audit = &plan.config.audit;
        let is_shadow = matches!(decision.allowed_by, Some(AllowedBy::Shadow(_)));
        let denied =
            decision.refusal.is_some() || is_shadow || decision.shadow.is_some_and(|shadow| shadow.denied());
        let on = plan.options(decision.rule).and_then(|options| options.audit).unwrap_or(audit.on);
        // A policy that only records requests always does.
        if !on.includes(denied) && decision.logged.is_none() {
            return;
        }
        let environment = facts.environment();
        if !audit.sampling.holds(environment.draw()) {
            return;
        }
        let (before, lines) = self.lines.get();
        let second = environment.now().map_or(before, |UnixNanos(now)| now / 1_000_000_000);
        let lines = if second == before { lines } else { 0 };
        if lines >= audit.max_lines_per_second {
            decision.audit_dropped = true;
            return;
        }
        self.lines.set((second, lines.saturating_add(1)));
        decision.audit = Some(line(plan, facts, decision));
    }
}

#[inline(never)]
fn line(plan: &Plan, facts: &Facts<'_>, decision: &Decision<'_>) -> String {
    let audit = &plan.config.audit;
    let mut line = Map::new();
    let mut add = |name: &str, value: Option<Vec<u8>>| {
        if let Some(value) = value {
            line.insert(name.into(), text(&value).into());
        }
    };
    add("decision", Some(if decision.refusal.is_some() { b"denied".to_vec() } else { b"allowed".to_vec() }));
    add("policy", Some(name_of(decision.rule).into()));
    add("logged_policy", decision.logged.map(|rule| name_of(Some(rule)).into()));
    if let Some(shadow) = decision.shadow {
        add("shadow_decision", Some(if shadow.denied() { b"denied".to_vec() } else { b"allowed".to_vec() }));
        add("shadow_policy", Some(name_of(shadow.rule).into()));
    }
    add("method", facts.text(&Attribute::Method));
    add("host", facts.text(&Attribute::Host));
    add("source_ip", facts.text(&Attribute::RemoteAddress));
    if audit.path {
        add("path", facts.text(&Attribute::Path));
    }
    if audit.identities {
        add("principal", facts.text(&Attribute::Principal));
        add("request_principal", facts.text(&Attribute::RequestPrincipal));
    }
    add("request_id", facts.request().headers.first("x-request-id").map(<[u8]>::to_vec));
    let mut headers = Map::new();
    for header in &audit.headers {
        for value in facts.request().headers.all(header.as_ref()) {
            let secret = SECRET.iter().any(|name| name.eq_ignore_ascii_case(header.as_str()));
            let value = if secret { "<redacted>".into() } else { text(value) };
            match headers.get_mut(header.as_str()) {
                Some(Json::Array(values)) => values.push(value.into()),
                _ => _ = headers.insert(header.as_str().into(), Json::Array(vec![value.into()])),
            }
        }
    }
    if !headers.is_empty() {
        line.insert("headers".into(), headers.into());
    }
    ["rbac_audit ", &Json::Object(line).to_string()].concat()
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.get(..LONGEST).unwrap_or(value)).into_owned()
}
