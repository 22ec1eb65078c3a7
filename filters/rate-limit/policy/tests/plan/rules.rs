//! Rules.

use crate::{plan, rate, refused, yaml};
use serde_json::{Value, json};
use tollgate_policy::RequestFacts;

fn with(rules: Value) -> Value {
    json!({"limits": {"b": {"rates": [rate()]}, "a": {"rates": [rate()]}}, "rules": rules})
}

#[test]
fn without_rules_every_limit_applies() {
    for rules in [json!([]), json!(null)] {
        let mut config = with(rules.clone());
        if rules.is_null() {
            config.as_object_mut().unwrap().remove("rules");
        }
        let plan = plan(config).unwrap();
        let names: Vec<_> = plan.otherwise.iter().map(|index| plan.limits[*index].name.as_str()).collect();
        assert_eq!((names, plan.rules.len()), (vec!["a", "b"], 0));
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let plan = yaml(
        "
         limits:
           a: {rates: [{gcra: {requests: 1, per: 1s}}]}
           b: {rates: [{gcra: {requests: 1, per: 1s}}]}
         rules:
         - {match: {paths: [{exact: /healthz}]}, limits: []}
         - {match: {paths: [{prefix: /}], methods: [POST]}, limits: [b, a]}
         - {match: {hosts: [{exact: shop.example}]}, limits: [a]}",
    );
    let limits = |method: &'static [u8], path: &'static [u8]| {
        let facts = RequestFacts { method, path, authority: b"shop.example", ..RequestFacts::default() };
        plan.rules.first(&facts, path).map(|rule| rule.limits.clone())
    };
    assert_eq!(limits(b"POST", b"/healthz"), Some(vec![]));
    assert_eq!(limits(b"POST", b"/x"), Some(vec![1, 0]));
    assert_eq!(limits(b"GET", b"/x"), Some(vec![0]));
    assert_eq!(plan.rules.first(&RequestFacts::default(), b"").is_none(), plan.otherwise.is_empty());
}

#[test]
fn rejects_unknown_and_duplicate_limits_in_rules() {
    assert_eq!(
        refused(with(json!([{"limits": ["a", "b"]}, {"limits": []}, {"limits": ["x"]}]))),
        "rules[2].limits[0]: unknown limit `x`, expected one of `a`, `b`"
    );
    assert_eq!(
        refused(json!({"rules": [{"limits": ["x\n"]}]})),
        "rules[0].limits[0]: unknown limit `x\\n`, none is configured"
    );
    assert_eq!(
        refused(with(json!([{"limits": ["a", "b", "a"]}]))),
        "rules[0].limits[2]: duplicate limit `a`"
    );
    assert_eq!(refused(with(json!([{}]))), "rules[0]: missing field `limits`");
    assert_eq!(
        refused(with(json!([{"match": {"prefix": "/"}, "limits": []}]))),
        "rules[0].match.prefix: use `paths`: `{\"paths\": [{\"prefix\": \"/api\"}]}`"
    );
}

#[test]
fn rejects_unused_limits() {
    assert_eq!(refused(with(json!([{"limits": ["b"]}]))), "limits.a: not used: no rule has it in `limits`");
}
