//! Random configurations and values.

use super::{compile, decision_of_rule};
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_filter_testing::odd;

/// A configuration with all fields.
fn full() -> Value {
    json!({
        "root_namespace": "root",
        "trust_domains": ["td", "old-td"],
        "policies": [
            {
                "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
                "metadata": {
                    "name": "a", "namespace": "root", "annotations": {"istio.io/dry-run": "true"},
                    "labels": {"a": "b"}, "generateName": "a", "selfLink": "/", "uid": "1", "resourceVersion": "1",
                    "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z", "deletionTimestamp": null,
                    "deletionGracePeriodSeconds": 1, "ownerReferences": [], "finalizers": [], "managedFields": [{}],
                },
                "spec": {
                    "action": "DENY",
                    "selector": {"matchLabels": {"a": "b"}},
                    "rules": [{
                        "from": [
                            {"source": {
                                "principals": ["td/ns/a/sa/b", "*"], "notPrincipals": ["*/sa/c"],
                                "requestPrincipals": ["https://a.example/b", "a*"], "notRequestPrincipals": ["*/b"],
                                "namespaces": ["a", "b*c"], "notNamespaces": ["d*"],
                                "ipBlocks": ["10.0.0.0/8"], "notIpBlocks": ["10.0.0.1"],
                                "remoteIpBlocks": ["2001:db8::/32"], "notRemoteIpBlocks": ["::1"],
                                "trustDomains": ["td"], "notTrustDomains": ["*x"],
                            }},
                            {"source": {"serviceAccounts": ["a/b"], "notServiceAccounts": ["c"]}},
                        ],
                        "to": [{"operation": {
                            "hosts": ["a.example", "*.b"], "notHosts": ["c.*"],
                            "ports": ["80"], "notPorts": ["81"],
                            "methods": ["GET"], "notMethods": ["P*"],
                            "paths": ["/a", "/b*", "/{*}/c/{**}"], "notPaths": ["*.json"],
                        }}],
                        "when": [
                            {"key": "request.headers[x-a]", "values": ["a", "b*"], "notValues": ["ba"]},
                            {"key": "request.auth.claims[a][b]", "values": ["*"]},
                            {"key": "experimental.envoy.filters.a[b]", "notValues": ["[c]"]},
                            {"key": "destination.port", "values": ["80"]},
                            {"key": "source.ip", "values": ["10.0.0.0/8"]},
                        ],
                    }, {}],
                },
                "status": {},
            },
            {
                "apiVersion": "security.istio.io/v1beta1", "kind": "AuthorizationPolicy",
                "metadata": {"name": "b"},
                "spec": {"targetRefs": [{"kind": "Gateway", "name": "a"}]},
            },
        ],
    })
}

/// Texts that are valid in some places.
const TEXTS: &[&str] = &[
    "*",
    "a*",
    "*a",
    "*a*",
    "/",
    "/{**}",
    "/{*}/a",
    "spiffe://a/b",
    "10.0.0.0/8",
    "10.0.0.1/8",
    "80",
    "GET",
    "get",
    "ALLOW",
    "CUSTOM",
    "source.ip",
    "request.headers[a]",
    "request.auth.claims[a]",
    "security.istio.io/v1",
    "a/b",
    "a//b",
    "[a]",
];

#[test]
fn accepts_a_configuration_with_all_fields() {
    let compiled = compile(&full()).unwrap();
    assert_eq!((compiled.stages.len(), compiled.warnings.len()), (2, 2));
}

/// Returns whether a value matches a value of a policy, in which a `*` is at the start or the end.
fn matches(pattern: &str, value: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => !value.is_empty(),
        (Some(end), _) => value.ends_with(end),
        (_, Some(start)) => value.starts_with(start),
        _ => value == pattern,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_configuration_is_rejected_in_one_line_or_compiled(changes in odd::changes(TEXTS)) {
        let config = odd::changed(full(), &changes);
        match compile(&config) {
            Ok(compiled) => {
                let rules: usize = compiled.stages.iter().map(|stage| stage.rules.len()).sum();
                let all = config["policies"].as_array().unwrap();
                let written = all.iter().map(|policy| policy["spec"]["rules"].as_array().map_or(0, Vec::len));
                // A stage of shadow policies that allow has one rule more.
                prop_assert!(rules >= written.sum());
            }
            Err(problem) => {
                let line = problem.to_string();
                prop_assert!(!problem.message().is_empty(), "{line:?}");
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }

    #[test]
    fn a_list_matches_if_one_value_does(
        patterns in prop::collection::vec("[ab]{1,2}[*]?|[*][ab]{0,2}", 1..4),
        value in "[ab]{0,3}",
        negated: bool,
    ) {
        let field = if negated { "notValues" } else { "values" };
        let rule = json!({"when": [{"key": "request.auth.claims[c]", field: patterns}]}).to_string();
        let expected = patterns.iter().any(|pattern| matches(pattern, &value)) != negated;
        let attributes = format!("request.auth.claims[c]={value}");
        let decision = decision_of_rule("ALLOW", &rule, &attributes);
        prop_assert_eq!(decision, if expected { "allow" } else { "deny" });
    }
}
