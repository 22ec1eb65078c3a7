//! Explanations agree with decisions.

use super::*;
use crate::explain::{Explanation, Part, Selection};
use proptest::prelude::*;

fn explain<R>(
    policy: &Policy,
    host: &Host,
    request: &Req<'_>,
    selection: Selection,
    then: impl FnOnce(Explanation<'_>) -> R,
) -> R {
    with_facts(request, |facts| then(policy.explain(facts, host, selection)))
}

/// Writes a part and its parts, one line each: the result, the text and the values.
fn write(part: &Part, depth: usize, out: &mut String) {
    let values: Vec<_> = part.values.iter().map(|each| format!("{:?}", each.values)).collect();
    let line = format!("{}{:?} {} {}", "  ".repeat(depth), part.truth, part.text, values.join(" "));
    *out += &format!("{}\n", line.trim_end());
    part.parts.iter().for_each(|part| write(part, depth + 1, out));
}

fn shop() -> Policy {
    let rules = json!([
        {"name": "own", "action": "allow", "match": {"paths": [{"prefix": "/a/"}], "methods": ["GET", "PUT"]},
            "attributes": [{"attribute": "request.auth.claims[tenant]", "same_as": "request.headers[x-tenant]"}]},
        {"name": "other", "action": "deny", "match": {"paths": [{"prefix": "/b/"}]}},
        {"name": "outside", "action": "deny",
            "attributes": [{"attribute": "remote.ip", "networks": ["10.0.0.0/8"], "invert": true}]},
    ]);
    policy(json!({ "rules": rules }))
}

#[test]
fn explains_each_part_of_a_condition() {
    let host = Host::default().with_claims(&json!({"tenant": "t1"})).with("source/address", "192.0.2.1:1");
    let request = Req("GET", "h", "/a/x?q", &[("x-tenant", "t2")]);
    let text = explain(&shop(), &host, &request, Selection::Relevant, |explanation| {
        let mut text = String::new();
        for each in &explanation.rules {
            text += &format!("{} {} {}\n", each.rule.name.policy, each.matches, each.nearly_matches);
            write(&each.condition, 1, &mut text);
        }
        assert_eq!(explanation.evaluated, 3);
        text
    });
    let expected = r#"own false true
  False all of
    True every request.path begins with "/a/" Some(["/a/x"])
    True request.method is "GET" or "PUT" Some(["GET"])
    False request.auth.claims[tenant] is the same as request.headers[x-tenant] Some(["t1"]) Some(["t2"])
outside true true
  True all of
    True not
      False remote.ip is in 10.0.0.0/8 Some(["192.0.2.1"])
"#;
    assert_eq!(text, expected);
}

#[test]
fn selects_relevant_rules_or_all() {
    let names = |selection| {
        let host = Host::default().with("source/address", "10.0.0.1:1");
        explain(&shop(), &host, &Req("GET", "h", "/c", &[]), selection, |explanation| {
            explanation.rules.iter().map(|each| each.rule.name.policy.to_string()).collect::<Vec<_>>()
        })
    };
    // The last rule has no test of host or path.
    assert_eq!(names(Selection::Relevant), ["outside"]);
    assert_eq!(names(Selection::All), ["own", "other", "outside"]);
}

#[test]
fn lists_the_roles_of_the_subject() {
    let config = json!({
        "roles": {"viewer": {"permissions": [{"methods": ["GET"]}]}, "editor": {"inherits": ["viewer"]}},
        "role_attributes": ["request.auth.claims[roles]"],
    });
    let host = Host::default().with_claims(&json!({"roles": ["editor"]}));
    let roles = explain(&policy(config), &host, &Req("GET", "h", "/", &[]), Selection::All, |explanation| {
        explanation.roles
    });
    assert_eq!(roles, ["editor", "viewer"]);
}

#[test]
fn an_explanation_writes_no_audit_log() {
    let config = json!({
        "rules": [{"name": "r", "action": "deny"}],
        "audit": {"on": "on_deny", "max_lines_per_second": 1},
    });
    let (policy, host, request) = (policy(config), Host::default(), Req("GET", "h", "/", &[]));
    explain(&policy, &host, &request, Selection::All, |explanation| {
        assert!(explanation.decision.audit.is_none() && !explanation.decision.audit_dropped);
    });
    decide(&policy, &host, &request, |decision| assert!(decision.audit.is_some()));
}

#[test]
fn shows_an_attribute_that_cannot_be_read() {
    let request = Req("GET", "h", "/", &[]);
    explain(&shop(), &Host::broken(), &request, Selection::Relevant, |explanation| {
        let refusal = explanation.decision.refusal.unwrap();
        assert_eq!(refusal.reason.kind(), crate::ReasonKind::HostError);
        let values = &explanation.rules[0].condition.parts[0].parts[0].values[0];
        assert_eq!((values.attribute.as_str(), &values.values), ("remote.ip", &None));
    });
}

fn rule() -> impl Strategy<Value = Value> {
    let paths =
        prop::sample::select(vec![json!([]), json!([{"prefix": "/a"}]), json!([{"template": "/{x}/b"}])]);
    let hosts = prop::sample::select(vec![json!([]), json!([{"exact": "a"}]), json!([{"suffix": "b"}])]);
    let attributes = prop::sample::select(vec![
        json!([]),
        json!([{"attribute": "request.headers[x-a]", "one_of": ["1", "2"]}]),
        json!([{"attribute": "request.headers[x-a]", "present": false}]),
        json!([{"attribute": "request.auth.claims[t]", "same_as": "request.headers[x-a]"}]),
        json!([{"attribute": "remote.ip", "networks": ["10.0.0.0/8"], "invert": true}]),
    ]);
    let condition = prop::sample::select(vec![None, None, None, Some("request.auth.claims.t == '1'")]);
    let action = prop::sample::select(vec!["allow", "deny"]);
    (paths, hosts, attributes, condition, action, any::<bool>()).prop_map(
        |(paths, hosts, attributes, condition, action, shadow)| {
            let mut rule = json!({"action": action, "match": {"paths": paths, "hosts": hosts},
                "attributes": attributes, "shadow": shadow});
            if let Some(condition) = condition {
                rule["condition"] = condition.into();
            }
            rule
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn an_explanation_agrees_with_the_decision(
        mut rules in prop::collection::vec(rule(), 1..24),
        default in prop::sample::select(vec!["allow", "deny"]),
        shadow in any::<bool>(),
        requests in prop::collection::vec(
            (prop::sample::select(vec!["a", "b", "c.b"]), prop::sample::select(vec!["/", "/a", "/a/b", "/b?a"]),
             prop::sample::subsequence(vec!["1", "2", "3"], 0..3),
             prop::sample::select(vec!["10.0.0.1:1", "192.0.2.1:1", "invalid"]), any::<bool>()),
            20,
        ),
    ) {
        let mut options = serde_json::Map::new();
        for (index, rule) in rules.iter_mut().enumerate() {
            rule["name"] = format!("r{index}").into();
            let rule = rule.as_object_mut().unwrap();
            if rule.remove("shadow") == Some(true.into()) {
                options.insert(format!("r{index}"), json!({"shadow": true}));
            }
        }
        let config = json!({
            "rules": rules, "default_action": default, "shadow": shadow, "policy_options": options,
        });
        let policy = policy(config);
        for (host, path, headers, address, broken) in requests {
            let mut environment = Host::default().with_claims(&json!({"t": "1"})).with("source/address", address);
            environment.broken = broken;
            let headers: Vec<_> = headers.into_iter().map(|value| ("x-a", value)).collect();
            let request = Req("GET", host, path, &headers);
            let decided = decide(&policy, &environment, &request, |decision| format!("{decision:?}"));
            explain(&policy, &environment, &request, Selection::All, |explanation| {
                let decision = &explanation.decision;
                prop_assert_eq!(format!("{:?}", decision), decided);
                prop_assert_eq!(explanation.rules.len(), rules.len());
                // The first enforced rule that matches is the one that decided.
                let first = |shadow| {
                    let counts = |rule: &crate::Rule| shadow || !rule.shadow;
                    explanation.rules.iter().find(|each| each.matches && counts(each.rule)).map(|each| &each.rule.name)
                };
                if decision.rule.is_some() {
                    prop_assert_eq!(decision.rule.map(|rule| &rule.name), first(false));
                }
                if let Some(by) = decision.shadow.filter(|_| !shadow).and_then(|shadow| shadow.rule) {
                    prop_assert_eq!(Some(&by.name), first(true));
                }
                for each in &explanation.rules {
                    let favours = each.rule.effect == crate::Effect::Allow;
                    let matches = match each.condition.truth {
                        crate::Truth::True => true,
                        crate::Truth::Unknown => !favours,
                        crate::Truth::False => false,
                    };
                    prop_assert_eq!(each.matches, matches);
                    prop_assert!(each.nearly_matches || !each.matches);
                }
                Ok(())
            })?;
            explain(&policy, &environment, &request, Selection::Relevant, |explanation| {
                let shown = |rule: &crate::Rule| explanation.rules.iter().any(|each| each.rule.name == rule.name);
                prop_assert!(explanation.decision.rule.is_none_or(shown));
                Ok(())
            })?;
        }
    }
}
