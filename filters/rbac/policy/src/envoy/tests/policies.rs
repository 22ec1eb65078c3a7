//! Policies, stages and conditions.

use super::{Decision, decide, effect, error, one_policy, stages};
use crate::config::AuditOn;
use crate::{Condition, Effect, Envoy, Expr};
use serde_json::{Value, json};
use tollgate_policy::config;

fn any() -> Value {
    json!({"any": true})
}

fn path(prefix: &str) -> Value {
    json!({"permissions": [{"url_path": {"path": {"prefix": prefix}}}], "principals": [any()]})
}

#[test]
fn nothing_is_enforced_without_rules() {
    assert!(stages(&json!({})).is_empty());
    let typed = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"});
    assert!(stages(&typed).is_empty());
    assert_eq!(stages(&json!({"track_per_rule_stats": true})).len(), 0);
}

#[test]
fn the_default_depends_on_the_action() {
    for (rules, expected) in [
        (json!({}), Effect::Deny),
        (json!({"action": "ALLOW", "policies": {}}), Effect::Deny),
        (json!({"action": "DENY"}), Effect::Allow),
        (json!({"action": "LOG"}), Effect::Allow),
    ] {
        assert_eq!(effect(&json!({"rules": rules}), &json!({"path": "/"})), expected, "{rules}");
    }
}

#[test]
fn policies_are_tried_in_the_order_of_their_names() {
    let rules = |action: &str| {
        json!({"rules": {"action": action, "policies": {
            "b": path("/b"), "a_long": path("/b"), "aLong": path("/a"), "B": path("/x"),
        }}})
    };
    let decided = |action: &str, path: &str| {
        let stages = stages(&rules(action));
        let Decision { effect, policy, logged } = decide(&stages[0], &json!({"path": path}));
        (effect, policy.unwrap_or_default(), logged)
    };
    let none = Vec::<String>::new();
    assert_eq!(decided("ALLOW", "/b"), (Effect::Allow, "a_long".into(), none.clone()));
    assert_eq!(decided("DENY", "/a"), (Effect::Deny, "aLong".into(), none.clone()));
    assert_eq!(decided("DENY", "/c"), (Effect::Allow, String::new(), none));
    assert_eq!(decided("LOG", "/b"), (Effect::Allow, String::new(), vec!["a_long".into(), "b".into()]));
    let names: Vec<_> = stages(&rules("DENY"))[0].rules.iter().map(|rule| rule.name.policy.clone()).collect();
    assert_eq!(names, ["B".into(), "aLong".into(), "a_long".into(), Box::<str>::from("b")]);
}

#[test]
fn a_policy_needs_a_permission_and_a_principal() {
    let config = json!({"rules": {"policies": {"p": {
        "permissions": [{"destination_port": 80}, {"destination_port": 81}],
        "principals": [
            {"remote_ip": {"address_prefix": "192.0.2.1", "prefix_len": 32}},
            {"remote_ip": {"address_prefix": "192.0.2.2", "prefix_len": 32}},
        ],
    }}}});
    for (port, address, expected) in [
        (80, "192.0.2.1", Effect::Allow),
        (81, "192.0.2.2", Effect::Allow),
        (82, "192.0.2.1", Effect::Deny),
        (80, "192.0.2.3", Effect::Deny),
    ] {
        let request = json!({"port": port, "remote": address});
        assert_eq!(effect(&config, &request), expected, "{request}");
    }
}

#[test]
fn shadow_rules_are_a_stage_of_their_own() {
    let matcher = json!({"on_no_match": {"action": {"name": "a", "typed_config": {
        "@type": "type.googleapis.com/envoy.config.rbac.v3.Action", "name": "all",
    }}}});
    for shadow in [json!({"policies": {"p": path("/")}}), json!({"action": "DENY"}), json!({})] {
        let stages = stages(&json!({"rules": {"policies": {"p": path("/")}}, "shadowRules": shadow}));
        assert_eq!(stages.iter().map(|stage| stage.shadow).collect::<Vec<_>>(), [false, true]);
        for stage in &stages {
            assert!(stage.rules.iter().all(|rule| rule.shadow == stage.shadow));
        }
    }
    let stages = stages(&json!({"shadow_matcher": matcher}));
    assert!(stages[0].shadow && stages[0].rules[0].shadow);
    assert_eq!(decide(&stages[0], &json!({})).effect, Effect::Allow);
}

#[test]
fn reads_the_audit_condition() {
    for (name, expected) in [
        ("NONE", AuditOn::None),
        ("ON_DENY", AuditOn::OnDeny),
        ("ON_ALLOW", AuditOn::OnAllow),
        ("ON_DENY_AND_ALLOW", AuditOn::OnDenyAndAllow),
    ] {
        let config = json!({"rules": {"audit_logging_options": {"audit_condition": name}}});
        assert_eq!(config::read::<Envoy>(&config).unwrap().audit(), expected);
        let shadow = json!({"shadow_rules": {"auditLoggingOptions": {"auditCondition": name}}});
        assert_eq!(config::read::<Envoy>(&shadow).is_ok(), expected == AuditOn::None);
    }
    assert_eq!(config::read::<Envoy>(&json!({"rules": {}})).unwrap().audit(), AuditOn::None);
}

#[test]
fn a_condition_is_part_of_its_policy() {
    let expr = json!({"constExpr": {"boolValue": true}});
    for (name, value) in
        [("condition", expr.clone()), ("checkedCondition", json!({"expr": expr, "typeMap": {}}))]
    {
        let mut config = one_policy("ALLOW", &any(), &any());
        config["rules"]["policies"]["p"][name] = value;
        config["rules"]["policies"]["p"]["cel_config"] = json!({"enable_string_concat": true});
        match Condition::from_expr(&expr) {
            Ok(_) => match &stages(&config)[0].rules[0].when {
                Expr::All(parts) => assert!(matches!(parts.last(), Some(Expr::Condition(_))), "{parts:?}"),
                other => panic!("{other:?}"),
            },
            Err(_) => assert!(error(&config).starts_with(&format!("rules.policies.p.{name}"))),
        }
    }
}

#[test]
fn both_notations_of_names_are_read_alike() {
    let config = json!({
        "rules": {
            "action": "DENY",
            "policies": {"a_b": {
                "permissions": [{"and_rules": {"rules": [
                    {"destination_port_range": {"start": 1, "end": 2}},
                    {"requested_server_name": {"exact": "a", "ignore_case": true}},
                    {"header": {"name": "x_y", "range_match": {"start": 1, "end": 2}, "invert_match": true}},
                ]}}],
                "principals": [{"direct_remote_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}}],
            }},
            "audit_logging_options": {"audit_condition": "ON_DENY"},
        },
        "shadow_matcher": {"matcher_tree": {
            "input": {"name": "i", "typed_config": {
                "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
                "header_name": "x_y",
            }},
            "exact_match_map": {"map": {"a_b": {"action": {"name": "a", "typed_config": {
                "@type": "type.googleapis.com/envoy.config.rbac.v3.Action", "name": "a_b",
            }}}}},
        }},
    });
    let camel_case = camel_case(&config);
    assert_ne!(config, camel_case);
    let read = |config: &Value| format!("{:?}", config::read::<Envoy>(config).unwrap());
    assert_eq!(read(&config), read(&camel_case));
}

/// Converts the names of fields, but not the keys of maps: `a_b` is one.
fn camel_case(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(camel_case).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (camel_name(name), camel_case(value))).collect()
        }
        other => other.clone(),
    }
}

fn camel_name(name: &str) -> String {
    if name == "a_b" {
        return name.into();
    }
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap().to_owned();
    for part in parts {
        let (first, rest) = part.split_at_checked(1).unwrap();
        camel = camel + &first.to_uppercase() + rest;
    }
    camel
}
