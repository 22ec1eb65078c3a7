//! Rules and requirements.

use crate::{plan, provider, refused, rule_refused, with};
use serde_json::{Value, json};
use tollgate_jwt_authn_policy::plan::Plan;
use tollgate_policy::RequestFacts;

fn required(plan: &Plan) -> Vec<String> {
    plan.rules.iter().map(|rule| format!("{:?}", rule.required)).collect()
}

fn two(rest: Value) -> Value {
    let mut config = json!({"providers": {
        "auth0": provider(json!({})),
        "okta": provider(json!({"issuer": ""})),
    }});
    config.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    config
}

#[test]
fn names_become_places() {
    let any = json!([{"provider_name": "okta"}, {"allow_missing": {}}]);
    let plan = plan(two(json!({
        "requirement_map": {"any": {"requires_any": {"requirements": any}}},
        "rules": [
            {"match": {"paths": [{"prefix": "/a"}]}, "requires": {"provider_name": "auth0"}},
            {"match": {"paths": [{"prefix": "/b"}]}, "requirement_name": "any", "required_scopes": ["read"]},
            {"match": {"hosts": [{"exact": "x"}]}},
            {"requires": {"provider_and_audiences": {"provider_name": "okta", "audiences": ["x"]}}},
        ],
        "filter_state_rules": {"name": "tier", "requires": {"gold": {"allow_missing_or_failed": {}}}},
    })));
    let plan = plan.unwrap();
    assert_eq!(
        required(&plan),
        [
            "Provider(0, None)",
            "Any([Provider(1, None), AllowMissing])",
            "Nothing",
            "Provider(1, Some([\"x\"]))",
        ]
    );
    assert_eq!(plan.rules[1].scopes, ["read"]);
    let (name, values) = plan.by_filter_state.as_ref().unwrap();
    assert_eq!((name.as_str(), format!("{values:?}")), ("tier", r#"{"gold": AllowMissingOrFailed}"#.into()));
}

#[test]
fn the_first_rule_that_matches_decides() {
    let plan = plan(two(json!({"rules": [
        {"match": {"paths": [{"prefix": "/a"}]}, "requires": {"provider_name": "okta"}},
        {"match": {"methods": ["GET"]}, "requires": {"provider_name": "auth0"}},
    ]})));
    let plan = plan.unwrap();
    let rule = |method: &str, path: &str| {
        let facts =
            RequestFacts { method: method.as_bytes(), path: path.as_bytes(), ..RequestFacts::default() };
        plan.select(&facts).unwrap().first.map(|rule| format!("{:?}", rule.required))
    };
    assert_eq!(rule("GET", "/a/b?c").as_deref(), Some("Provider(1, None)"));
    assert_eq!(rule("GET", "/b").as_deref(), Some("Provider(0, None)"));
    assert_eq!(rule("POST", "/b"), None);
}

#[test]
fn an_issuer_chooses_its_providers_or_those_that_take_any() {
    let plan = plan(two(json!({}))).unwrap();
    assert_eq!((plan.providers_of("https://a.example"), plan.providers_of("x")), (&[0][..], &[1][..]));
    assert_eq!(crate::plan(with(json!({}))).unwrap().providers_of("x"), [0usize; 0]);
}

#[test]
fn an_unknown_name_is_rejected_with_the_known_names() {
    let any = json!([{"allow_missing": {}}, {"provider_name": "auht0"}]);
    assert_eq!(
        refused(two(json!({"rules": [
            {"match": {"paths": [{"exact": "/a"}]}},
            {"match": {"paths": [{"exact": "/b"}]}},
            {"requires": {"requires_any": {"requirements": any}}},
        ]}))),
        "rules[2].requires.requires_any.requirements[1].provider_name: unknown provider `auht0`, expected one \
         of `auth0`, `okta`"
    );
    assert_eq!(
        rule_refused(json!({"requirement_name": "x"})),
        "requirement_name: unknown requirement `x`, none is configured"
    );
    assert_eq!(
        refused(json!({"requirement_map": {"m": {"provider_name": "p"}}})),
        "requirement_map.m.provider_name: unknown provider `p`, none is configured"
    );
    let requires = json!({"v": {"provider_and_audiences": {"provider_name": "p", "audiences": ["a"]}}});
    assert_eq!(
        refused(with(json!({"filter_state_rules": {"name": "n", "requires": requires}}))),
        "filter_state_rules.requires.v.provider_and_audiences.provider_name: unknown provider `p`, expected \
         `auth0`"
    );
}

#[test]
fn a_list_of_names_is_cut_short() {
    let providers =
        (0..20).map(|index| (format!("p{index:02}"), provider(json!({})))).collect::<serde_json::Map<_, _>>();
    let message = refused(json!({"providers": providers, "rules": [{"requires": {"provider_name": "x"}}]}));
    assert!(message.ends_with("`p07` and 12 more"), "{message}");
}

#[test]
fn a_rule_has_one_requirement() {
    let message = rule_refused(json!({"requires": {"provider_name": "auth0"}, "requirement_name": "x"}));
    assert_eq!(message, "requirement_name: `x` conflicts with `requires`; a rule has at most one of them");
    let message = rule_refused(json!({"required_scopes": ["read"]}));
    assert!(message.starts_with("required_scopes: `required_scopes` needs `requires`"), "{message}");
}

#[test]
fn a_requirement_is_one_thing() {
    for requirement in [json!({}), json!({"provider_name": "auth0", "allow_missing": {}})] {
        let message = rule_refused(json!({"requires": requirement}));
        let parts = ["requires", "an object with one of `provider_name`, `provider_and_audiences`"];
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    let message = rule_refused(json!({"requires": {"provider": "auth0"}}));
    assert!(message.contains("unknown variant `provider`, expected one of `provider_name`"), "{message}");
}

#[test]
fn lists_of_requirements_have_two_entries_at_least() {
    for (list, count) in [(json!([]), 0), (json!([{"provider_name": "auth0"}]), 1)] {
        for name in ["requires_any", "requires_all"] {
            assert_eq!(
                rule_refused(json!({"requires": {name: {"requirements": list}}})),
                format!("requires.{name}.requirements: `{count}` requirements, expected at least 2")
            );
        }
    }
}

#[test]
fn audiences_of_a_requirement_are_there() {
    let requires = |audiences: Value| {
        rule_refused(
            json!({"requires": {"provider_and_audiences": {"provider_name": "auth0", "audiences": audiences}}}),
        )
    };
    let place = "requires.provider_and_audiences.audiences";
    assert!(requires(json!([])).starts_with(&format!("{place}: must not be empty")));
    assert_eq!(requires(json!(["a", ""])), format!("{place}[1]: must not be empty"));
}

#[test]
fn requirements_are_not_endlessly_deep() {
    let deep = |depth| {
        let leaf = json!({"provider_name": "auth0"});
        (1..depth)
            .fold(leaf, |inner, _| json!({"requires_all": {"requirements": [{"allow_missing": {}}, inner]}}))
    };
    plan(with(json!({"rules": [{"requires": deep(8)}]}))).unwrap();
    let message = rule_refused(json!({"requires": deep(9)}));
    assert!(message.ends_with("requirements must not be nested more than 8 deep"), "{message}");
}

#[test]
fn empty_names_are_refused() {
    assert_eq!(
        refused(json!({"providers": {"": provider(json!({}))}})),
        "providers: the name of a provider is empty"
    );
    assert_eq!(
        refused(json!({"requirement_map": {"": {"allow_missing": {}}}})),
        "requirement_map: the name of a requirement is empty"
    );
    assert_eq!(
        refused(json!({"filter_state_rules": {"name": "", "requires": {}}})),
        "filter_state_rules.name: the name of the filter state is empty"
    );
}

#[test]
fn scopes_can_stand_in_a_challenge() {
    for scope in ["", "a b", "a\"b", "a\\b", "\u{e9}"] {
        let message =
            rule_refused(json!({"requires": {"provider_name": "auth0"}, "required_scopes": ["a", scope]}));
        assert!(
            message.starts_with("required_scopes[1]: invalid scope ") && message.ends_with("(RFC 6749)"),
            "{message}"
        );
    }
}
