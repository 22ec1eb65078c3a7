//! Properties of generated configurations.

use super::{decide, effect, one_policy, reference, stages};
use crate::{Effect, Envoy};
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_filter_testing::{odd, schema};
use tollgate_policy::config;

proptest! {
    #[test]
    fn policies_match_as_envoy_interprets_them(
        permissions in prop::collection::vec(reference::permissions(), 1..3),
        principals in prop::collection::vec(reference::principals(), 1..3),
        requests in reference::requests(),
    ) {
        let policies = json!({"p": {"permissions": permissions, "principals": principals}});
        let config = |action: &str| json!({"rules": {"action": action, "policies": policies}});
        let (allow, deny) = (stages(&config("ALLOW")), stages(&config("DENY")));
        for request in requests {
            let matches = permissions.iter().any(|test| reference::matches(test, &request))
                && principals.iter().any(|test| reference::matches(test, &request));
            let yes_or_no = [(Effect::Deny, Effect::Allow), (Effect::Allow, Effect::Deny)];
            let expected = yes_or_no[usize::from(matches)];
            let found = (decide(&allow[0], &request).effect, decide(&deny[0], &request).effect);
            prop_assert_eq!(found, expected, "{} of {}", request, policies);
        }
    }

    #[test]
    fn an_odd_configuration_never_panics(changes in odd::changes(TEXTS)) {
        if let Ok(envoy) = config::read::<Envoy>(&odd::changed(whole(), &changes)) {
            let request = json!({"path": "/", "headers": [], "metadata": {}});
            for stage in envoy.into_stages() {
                decide(&stage, &request);
            }
        }
    }

    #[test]
    fn an_odd_template_never_panics(template in "[/a*{}=.?]{0,12}") {
        let test = template_of(&template);
        let _ = config::read::<Envoy>(&one_policy("ALLOW", &test, &json!({"any": true})));
    }

    #[test]
    fn a_filled_in_template_matches(parts in prop::collection::vec(("[a-z]{1,3}", 0u8..4), 1..5)) {
        let template: String = parts.iter().enumerate().map(|(i, (part, hole))| match hole {
            0 => format!("/{part}"),
            1 => "/*".into(),
            2 => format!("/{{v{i}}}"),
            _ => format!("/*.{part}"),
        }).collect();
        let path: String = parts.iter().map(|(part, hole)| match hole {
            3 => format!("/x.{part}"),
            _ => format!("/{part}"),
        }).collect();
        let config = one_policy("ALLOW", &template_of(&template), &json!({"any": true}));
        let longer = json!({"path": format!("{path}/x")});
        prop_assert_eq!(effect(&config, &json!({"path": path})), Effect::Allow);
        prop_assert_eq!(effect(&config, &longer), Effect::Deny);
    }
}

fn template_of(template: &str) -> Value {
    let kind = "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";
    json!({"uri_template": reference::extension(kind, json!({"path_template": template}))})
}

const TEXTS: &[&str] = &[
    "type.googleapis.com/xds.type.matcher.v3.IPMatcher",
    "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.SourcePortInput",
    "*.a",
    "10.0.0.0",
    "/{a=**}.b",
    "LOG",
];

/// A configuration with many fields.
fn whole() -> Value {
    let range = json!({"address_prefix": "10.0.0.0", "prefix_len": 8});
    let double = json!({"double_match": {"range": {"end": 1}}});
    let value = json!({"or_match": {"value_matchers": [double, {"null_match": {}}]}});
    let metadata = json!({"filter": "f", "path": [{"key": "k"}], "value": value, "invert": true});
    let ranges = json!({"range_matchers": [
        {"ranges": [range], "on_match": reference::action("a", "LOG"), "exclusive": true},
    ]});
    let domains =
        json!({"domain_matchers": [{"domains": ["*", "a"], "on_match": reference::action("a", "DENY")}]});
    let ip = reference::extension("xds.type.matcher.v3.IPMatcher", ranges);
    let name = reference::extension("xds.type.matcher.v3.ServerNameMatcher", domains);
    let names = json!({"matcher_tree": {"input": reference::header_input("x"), "custom_match": name}});
    json!({
        "rules": {"action": "DENY", "policies": {"p": {
            "permissions": [
                template_of("/a/{b}/**"),
                {"and_rules": {"rules": [
                    {"any": true}, {"not_rule": {"destination_port_range": {"end": 9}}},
                ]}},
                {"header": {
                    "name": "x", "string_match": {"exact": "a", "ignore_case": true}, "invert_match": true,
                }},
                {"requested_server_name": {"safe_regex": {"regex": "a|b"}}},
            ],
            "principals": [
                {"or_ids": {"ids": [{"remote_ip": range}, {"authenticated": {}}]}},
                {"sourced_metadata": {"metadata_matcher": metadata, "metadata_source": "ROUTE"}},
                {"filter_state": {"key": "k", "address_match": {"ranges": [range]}}},
            ],
        }}, "audit_logging_options": {"audit_condition": "ON_DENY"}},
        "shadow_matcher": {
            "matcher_tree": {"input": reference::input("network.v3.SourceIPInput"), "custom_match": ip},
            "on_no_match": {"matcher": names},
        },
    })
}

#[test]
fn the_schema_lists_the_fields_that_are_read() {
    let schema = schema::of::<Envoy>();
    schema::describes_every_field(&schema);
    let mut names: Vec<_> = schema::fields(&schema).map(|(name, _)| name).collect();
    for name in &names {
        let error = config::read::<Envoy>(&json!({*name: 0})).unwrap_err().to_string();
        assert!(!error.contains("unknown field"), "{error}");
    }
    names.retain(|name| name.chars().all(|c| !c.is_uppercase()));
    let error = config::read::<Envoy>(&json!({"x": 0})).unwrap_err().to_string();
    names.iter().for_each(|name| assert!(error.contains(&format!("`{name}`")), "{error}"));
    assert_eq!(error.matches('`').count(), 2 * (names.len() + 1), "{error}");
}

#[test]
fn the_whole_configuration_is_valid() {
    assert_eq!(stages(&whole()).len(), 2);
}
