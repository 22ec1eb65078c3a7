//! Order and effects of several policies.

use super::{compile, decide, request, yaml};
use serde_json::{Value, json};

/// Returns policies, each given as `namespace/name`, action and rules.
fn policies(each: &[(&str, &str, &str)]) -> Value {
    let policy = |(name, action, rules): &(&str, &str, &str)| {
        let (namespace, name) = name.split_once('/').unwrap();
        let (action, annotations) = match action.strip_prefix("dry ") {
            Some(action) => (action, json!({"istio.io/dry-run": "true"})),
            None => (*action, json!({"istio.io/dry-run": "false", "other": "x"})),
        };
        json!({
            "apiVersion": "security.istio.io/v1beta1",
            "kind": "AuthorizationPolicy",
            "metadata": {"namespace": namespace, "name": name, "annotations": annotations},
            "spec": {"action": action, "rules": yaml(rules)},
        })
    };
    json!({"policies": each.iter().map(policy).collect::<Vec<_>>()})
}

fn check(each: &[(&str, &str, &str)], decisions: &[(&str, &str)]) {
    let compiled = compile(&policies(each)).unwrap();
    for (attributes, decision) in decisions {
        assert_eq!(decide(&compiled.stages, &request(attributes)), *decision, "{each:?}: {attributes}");
    }
}

const A: &str = "[{to: [{operation: {paths: [/a]}}]}]";
const B: &str = "[{to: [{operation: {paths: [/b]}}]}]";
const GET: &str = "[{to: [{operation: {methods: [GET]}}]}]";

#[test]
fn policies_that_deny_come_before_those_that_allow() {
    check(
        &[("x/allow", "ALLOW", GET), ("x/deny", "DENY", A)],
        &[
            ("request.method=GET request.path=/a", "deny x/deny[0]"),
            ("request.method=GET request.path=/b", "allow"),
            ("request.method=PUT request.path=/b", "deny"),
        ],
    );
    check(&[("x/deny", "DENY", A)], &[("request.path=/a", "deny x/deny[0]"), ("request.path=/b", "allow")]);
    check(
        &[("x/a", "ALLOW", A), ("y/b", "ALLOW", B)],
        &[("request.path=/a", "allow"), ("request.path=/b", "allow"), ("request.path=/c", "deny")],
    );
}

#[test]
fn policies_of_the_root_namespace_come_first() {
    let each = [("x/a", "DENY", GET), ("istio-system/b", "DENY", A)];
    check(&each, &[("request.method=GET request.path=/a", "deny istio-system/b[0]")]);
    let mut config = policies(&each);
    config["root_namespace"] = "x".into();
    let stages = compile(&config).unwrap().stages;
    let request = request("request.method=GET request.path=/a");
    assert_eq!(decide(&stages, &request), "deny x/a[0]");
}

#[test]
fn a_policy_without_rules_matches_no_request() {
    check(&[("x/none", "ALLOW", "[]")], &[("request.path=/a", "deny")]);
    check(&[("x/none", "ALLOW", "[]"), ("x/a", "ALLOW", A)], &[("request.path=/a", "allow"), ("", "deny")]);
    check(&[("x/none", "AUDIT", "[]")], &[("request.path=/a", "allow")]);
    check(&[("x/all", "ALLOW", "[{}]")], &[("", "allow")]);
    check(&[("x/all", "DENY", "[{}]")], &[("", "deny x/all[0]")]);
}

#[test]
fn audit_policies_record_requests() {
    check(
        &[("x/deny", "DENY", B), ("x/audit", "AUDIT", GET), ("y/audit", "AUDIT", A)],
        &[
            ("request.method=GET request.path=/a", "log x/audit[0], log y/audit[0], allow"),
            ("request.method=GET request.path=/b", "log x/audit[0], deny x/deny[0]"),
            ("request.path=/c", "allow"),
        ],
    );
}

#[test]
fn dry_run_policies_count_only_for_the_shadow_verdict() {
    check(
        &[("x/deny", "dry DENY", A)],
        &[("request.path=/a", "allow; shadow: deny x/deny[0]"), ("request.path=/b", "allow")],
    );
    // Without a policy that is enforced, the others are allowed.
    check(
        &[("x/allow", "dry ALLOW", A)],
        &[("request.path=/a", "allow"), ("request.path=/b", "allow; shadow: deny")],
    );
    check(&[("x/none", "dry ALLOW", "[]")], &[("request.path=/a", "allow; shadow: deny")]);
    check(
        &[("x/allow", "dry ALLOW", A), ("x/enforced", "ALLOW", B)],
        &[
            ("request.path=/a", "deny; shadow: allow"),
            ("request.path=/b", "allow"),
            ("request.path=/c", "deny"),
        ],
    );
    check(&[("x/audit", "dry AUDIT", A)], &[("request.path=/a", "allow; shadow: log x/audit[0], allow")]);
}

#[test]
fn reads_a_resource_as_kubectl_writes_it() {
    let config = yaml(
        "
        policies:
          - apiVersion: security.istio.io/v1
            kind: AuthorizationPolicy
            metadata:
              annotations:
                kubectl.kubernetes.io/last-applied-configuration: '{}'
              creationTimestamp: null
              generation: 2
              labels: {app: shop}
              managedFields: [{manager: kubectl}]
              name: viewer
              namespace: shop
              resourceVersion: '1234'
              uid: 6d0c1c5e
            spec:
              selector:
                matchLabels: {app: shop}
              action: ALLOW
              rules:
                - from:
                    - source:
                        principals: [cluster.local/ns/web/sa/front]
                  to:
                    - operation:
                        methods: [GET]
                        paths: [/info*]
                - from: [{source: {namespaces: [ops]}}]
            status:
              conditions: [{type: Reconciled}]
          - apiVersion: security.istio.io/v1
            kind: AuthorizationPolicy
            metadata: {name: nothing, annotations: null}",
    );
    let compiled = compile(&config).unwrap();
    let selector =
        "policies[0].spec.selector: ignored: the policy applies to each request that this filter handles";
    assert_eq!(compiled.warnings, [selector]);
    let decide = |attributes: &str| decide(&compiled.stages, &request(attributes));
    let get = "request.method=GET request.path=/info/a source.principal=cluster.local/ns/web/sa/";
    assert_eq!(decide(&format!("{get}front")), "allow");
    assert_eq!(decide(&format!("{get}back")), "deny");
    assert_eq!(decide("source.principal=cluster.local/ns/ops/sa/a"), "allow");
    let names: Vec<_> =
        compiled.stages[0].rules.iter().map(|rule| (&*rule.name.policy, rule.name.rule)).collect();
    assert_eq!(names, [("shop/viewer", Some(0)), ("shop/viewer", Some(1)), ("default/nothing", Some(0))]);
}

#[test]
fn warns_about_likely_mistakes() {
    let from = "{from: [{source: {namespaces: [a]}}]}";
    let to = "{to: [{operation: {paths: [/a]}}], when: [{key: source.ip, values: [10.0.0.1]}]}";
    let warnings = |rules: &str| compile(&policies(&[("x/a", "DENY", rules)])).unwrap().warnings;
    let message = |one, first, other, second| {
        format!(
            "policies[0].spec.rules: `rules[{one}]` narrows only `{first}` and `rules[{other}]` only `{second}`: each \
             matches requests that the other does not; if both must match, remove the dash before `{second}`"
        )
    };
    assert_eq!(warnings(&format!("[{from}, {to}]")), [message(0, "from", 1, "to")]);
    assert_eq!(warnings(&format!("[{{}}, {to}, {{}}, {from}]")), [message(1, "to", 3, "from")]);
    for rules in [format!("[{from}, {from}]"), format!("[{to}]"), "[{}]".into()] {
        assert_eq!(warnings(&rules), [""; 0]);
    }
    assert_eq!(
        compile(&json!({"policies": []})).unwrap().warnings,
        ["policies: no policy: each request is allowed"]
    );
    let mut config = policies(&[("x/a", "DENY", A)]);
    config["policies"][0]["spec"]["targetRefs"] = json!([{"kind": "Gateway", "name": "a"}]);
    let warnings = compile(&config).unwrap().warnings;
    assert!(warnings[0].starts_with("policies[0].spec.targetRefs: ignored"), "{warnings:?}");
}
