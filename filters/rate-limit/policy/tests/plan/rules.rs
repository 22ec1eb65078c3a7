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
fn rejects_rules_that_never_apply() {
    for (condition, message) in [
        (json!({"methods": ["post"]}), "methods[0]: `post` never matches"),
        (json!({"hosts": [{"exact": "h.example:8080"}]}), "hosts[0]: `exact` `h.example:8080` never matches"),
        (json!({"paths": [{"exact": "/a?x=1"}]}), "paths[0]: `exact` `/a?x=1` never matches"),
        (json!({"paths": [{"prefix": "a"}]}), "paths[0]: `prefix` `a` never matches"),
    ] {
        let found = refused(with(json!([{"match": condition, "limits": ["a", "b"]}])));
        assert!(found.starts_with(&format!("rules[0].match.{message}")), "{found}");
    }
    let mut config = with(json!([{"match": {"paths": [{"exact": "/a;x"}]}, "limits": ["a", "b"]}]));
    config["path_normalization"] = json!({"path_parameters": "normalize"});
    let found = refused(config);
    assert!(found.starts_with("rules[0].match.paths[0]: never matches with this"), "{found}");
}

#[test]
fn rejects_unknown_and_duplicate_limits_in_rules() {
    assert_eq!(
        refused(with(json!([{"limits": ["a", "b"]}, {"limits": []}]))),
        "rules[1]: never applies, because `rules[0]` matches all requests"
    );
    let post = json!({"match": {"methods": ["POST"]}, "limits": ["a", "b"]});
    assert_eq!(
        refused(with(json!([post, {"limits": ["x"]}]))),
        "rules[1].limits[0]: unknown limit `x`, expected one of `a`, `b`"
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
