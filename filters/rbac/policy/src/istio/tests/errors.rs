//! Configurations that are rejected.

use super::{compile, policy, yaml};
use serde_json::{Value, json};

fn error(config: &Value) -> String {
    compile(config).map(|compiled| format!("{compiled:?}")).unwrap_err().to_string()
}

/// Checks the error of a rule, without the path of the rule.
fn check(rule: &str, message: &str) {
    for action in ["DENY", "ALLOW", "AUDIT"] {
        let error = error(&json!({"policies": [policy(action, &yaml(rule))]}));
        assert_eq!(error.strip_prefix("policies[0].spec.rules[0].").unwrap_or(&error), message, "{rule}");
    }
}

fn source(fields: &str, message: &str) {
    check(&format!("from: [{{source: {{{fields}}}}}]"), &format!("from[0].source.{message}"));
}

fn operation(fields: &str, message: &str) {
    check(&format!("to: [{{operation: {{{fields}}}}}]"), &format!("to[0].operation.{message}"));
}

fn when(key: &str, values: &str, message: &str) {
    check(&format!("when: [{{key: '{key}', {values}}}]"), &format!("when[0].{message}"));
}

const PRINCIPAL: &str =
    "expected `<trust domain>/ns/<namespace>/sa/<service account>`, with `*` at the start or the end";
const REQUEST_PRINCIPAL: &str = "expected `<issuer>/<subject>`, with `*` at the start or the end";
const WILDCARD: &str =
    "expected at most one `*`, at the start or the end: Istio compares any other literally";
const EMPTY: &str = "empty list, expected an entry, or no such field";

#[test]
fn rejects_principals_that_never_match() {
    source(
        "notPrincipals: ['*', 'spiffe://td/ns/a/sa/b']",
        &format!("notPrincipals[1]: `spiffe://td/ns/a/sa/b`, {PRINCIPAL}: Istio writes no `spiffe://`"),
    );
    for value in ["cart", "/ns/a/sa/b", "td/", "/*"] {
        source(&format!("principals: ['{value}']"), &format!("principals[0]: `{value}`, {PRINCIPAL}"));
    }
    for value in ["td/ns/*/sa/b", "*/ns/a/*", "**", "a**"] {
        source(&format!("principals: ['{value}']"), &format!("principals[0]: `{value}`, {WILDCARD}"));
    }
    when(
        "source.principal",
        "notValues: ['*spiffe://td/']",
        &format!("notValues[0]: `*spiffe://td/`, {PRINCIPAL}: Istio writes no `spiffe://`"),
    );
}

#[test]
fn rejects_request_principals_that_never_match() {
    source("requestPrincipals: [ann]", &format!("requestPrincipals[0]: `ann`, {REQUEST_PRINCIPAL}"));
    for value in ["https://idp.example", "https://idp*", "https://idp.example/", "/ann", "*/"] {
        let message = format!("{REQUEST_PRINCIPAL}; the last slash separates the two");
        source(
            &format!("requestPrincipals: ['{value}']"),
            &format!("requestPrincipals[0]: `{value}`, {message}"),
        );
    }
    source("requestPrincipals: ['*/*']", &format!("requestPrincipals[0]: `*/*`, {WILDCARD}"));
}

#[test]
fn rejects_invalid_namespaces_accounts_and_networks() {
    for value in ["shop/cart", "a b", "a+"] {
        let message = "expected the name of a namespace, with `*` for any text";
        source(&format!("namespaces: ['{value}']"), &format!("namespaces[0]: `{value}`, {message}"));
    }
    for value in ["shop/*", "a/b/c", "/a", "a/"] {
        let message = "expected `<namespace>/<service account>` or `<service account>`, without wildcards";
        source(
            &format!("serviceAccounts: ['{value}']"),
            &format!("serviceAccounts[0]: `{value}`, {message}"),
        );
    }
    let together = "not allowed together with `principals`, `namespaces` or their negations";
    source("serviceAccounts: [a], notNamespaces: [b]", &format!("serviceAccounts: {together}"));
    source("notServiceAccounts: [a], principals: ['*']", &format!("notServiceAccounts: {together}"));
    let many = vec!["a"; 17].join(", ");
    source(&format!("serviceAccounts: [{many}]"), "serviceAccounts: `17` entries, expected at most 16");
    when("source.serviceAccount", &format!("values: [{many}]"), "values: `17` entries, expected at most 16");
    for value in ["TD", "td/ns", "a*b"] {
        let message = "expected a trust domain in lower case, such as `cluster.local`";
        source(&format!("trustDomains: ['{value}']"), &format!("trustDomains[0]: `{value}`, {message}"));
    }
    let network = "is not a network such as `10.0.0.0/8` or `2001:db8::/32`";
    source("ipBlocks: [10.0.0.0/8, 10.0.0.0/33]", &format!("ipBlocks[1]: `10.0.0.0/33` {network}"));
    source("notRemoteIpBlocks: [a]", &format!("notRemoteIpBlocks[0]: `a` {network}"));
    source(
        "notIpBlocks: [10.1.0.0/8]",
        "notIpBlocks[0]: `10.1.0.0/8` has bits set after its prefix, expected `10.0.0.0/8`",
    );
    when("destination.ip", "values: ['*']", &format!("values[0]: `*` {network}"));
}

#[test]
fn rejects_operations_that_never_match() {
    for value in ["get", "Po*", "*st"] {
        let message = "expected a method in upper case: methods are compared with their case";
        operation(&format!("methods: ['{value}']"), &format!("methods[0]: `{value}`, {message}"));
    }
    operation("methods: ['GET,PUT']", "methods[0]: `GET,PUT`, expected a method such as `GET`");
    for value in ["0", "65536", "+80", "http", "80-90"] {
        let message = "expected a port from 1 to 65535";
        operation(&format!("notPorts: ['{value}']"), &format!("notPorts[0]: `{value}`, {message}"));
    }
    operation("ports: [80]", "ports[0]: invalid type: integer `80`, expected a string");
    operation(
        "hosts: ['https://a.b']",
        "hosts[0]: `https://a.b`, expected a host without a scheme and a path",
    );
    operation("hosts: ['a.*.b']", &format!("hosts[0]: `a.*.b`, {WILDCARD}"));
}

#[test]
fn rejects_paths_that_never_match() {
    for (value, message) in [
        ("a/*", "expected a path that begins with `/` or `*`"),
        ("{**}", "expected a path that begins with `/` or `*`"),
        ("/a?b=c", "expected a path without a query: paths are compared without it"),
        ("/a/*/b", WILDCARD),
        ("/a/{*}.json", "expected `{*}` and `{**}` as whole segments, without other wildcards"),
        ("/{*}{*}", "expected `{*}` and `{**}` as whole segments, without other wildcards"),
        ("/{*}/b*", "expected `{*}` and `{**}` as whole segments, without other wildcards"),
        ("/{name}", "expected `{*}` and `{**}` as whole segments, without other wildcards"),
        ("/{**}/{*}", "expected a template: `{**}` must be the last operator"),
        ("/{*}//a", "expected a template: must not contain an empty segment"),
        ("*/{*}", "expected `{*}` and `{**}` as whole segments, without other wildcards"),
    ] {
        operation(&format!("paths: ['{value}']"), &format!("paths[0]: `{value}`, {message}"));
    }
}

#[test]
fn rejects_unknown_and_malformed_keys() {
    for key in [
        "request.header[a]",
        "request.headers",
        "request.headers[]",
        "request.headers[a",
        "request.auth.claims",
        "request.auth.claims[a][]",
        "request.path",
        "filter_state[a]",
        "metadata[a][b]",
        "source.ip[a]",
        "destination.labels[a]",
        "experimental.envoy.filters.[a]",
        "experimental.envoy.a[b]",
        "envoy.filters.a[b]",
        "source.user",
        "",
    ] {
        when(
            key,
            "values: [a]",
            &format!(
                "key: unknown key `{key}`, expected one of `source.ip`, `remote.ip`, `source.namespace`, \
                 `source.principal`, `source.serviceAccount`, `source.trustDomain`, `request.auth.principal`, \
                 `request.auth.audiences`, `request.auth.presenter`, `destination.ip`, `destination.port`, \
                 `connection.sni`, `request.headers[NAME]`, `request.auth.claims[NAME]`, \
                 `experimental.envoy.filters.NAME[KEY]`"
            ),
        );
    }
    when("request.headers[a b]", "values: [a]", "key: `a b` is not a valid header name");
    when(
        "request.headers[:path]",
        "values: [/a]",
        "key: `:path` is not an ordinary header, use `to[].operation.paths`",
    );
    when(
        "experimental.envoy.filters.a[b][c]",
        "values: [d]",
        "key: `experimental.envoy.filters.a[b][c]` has several members in brackets, expected one: Istio does not nest \
         them",
    );
}

#[test]
fn rejects_values_that_never_match() {
    when(
        "connection.sni",
        "values: [A.example]",
        "values[0]: `A.example`, expected a server name in lower case",
    );
    when("request.headers[a]", "notValues: ['a*b']", &format!("notValues[0]: `a*b`, {WILDCARD}"));
    when("request.auth.claims[a]", "values: ['']", "values[0]: ``, expected a text");
    for value in ["[]", "[[a]]"] {
        when(
            "experimental.envoy.filters.a[b]",
            &format!("values: ['{value}']"),
            &format!("values[0]: `{value}`, expected a text, or an element of a list as `[TEXT]`"),
        );
    }
    check("when: [{key: source.ip}]", "when[0]: no values for `source.ip`, expected `values` or `notValues`");
}

#[test]
fn rejects_sections_that_do_not_narrow() {
    check("from: []", &format!("from: {EMPTY}"));
    check("to: []", &format!("to: {EMPTY}"));
    check("when: []", &format!("when: {EMPTY}"));
    check("from: null", "from: invalid type: null, expected an array");
    check("from: [{}]", "from[0]: missing field `source`");
    check("from: [{source: null}]", "from[0].source: invalid type: null, expected an object");
    let section = "empty section, expected a field: without one, the rule is not narrowed";
    check("from: [{source: {}}]", &format!("from[0].source: {section}"));
    check("to: [{operation: {}}]", &format!("to[0].operation: {section}"));
    source("principals: [], namespaces: [a]", &format!("principals: {EMPTY}"));
    source("namespaces: null", "namespaces: invalid type: null, expected an array");
    source("principals: ['']", "principals[0]: ``, expected a text");
}

#[test]
fn rejects_fields_in_the_wrong_section() {
    source("paths: [/a]", "paths: this field belongs to `to[].operation`");
    operation("notIpBlocks: [a]", "notIpBlocks: this field belongs to `from[].source`");
    check("source: {}", "source: `source` belongs to `from[]`");
    check("from: [{operation: {}}]", "from[0].operation: unknown field `operation`, expected `source`");
    source(
        "principal: ['*']",
        "principal: unknown field `principal`, expected one of `principals`, `notPrincipals`, `requestPrincipals`, \
         `notRequestPrincipals`, `namespaces`, `notNamespaces`, `serviceAccounts`, `notServiceAccounts`, `ipBlocks`, \
         `notIpBlocks`, `remoteIpBlocks`, `notRemoteIpBlocks`, `trustDomains`, `notTrustDomains`",
    );
}

#[test]
fn rejects_too_many_entries() {
    let from = vec!["{source: {namespaces: [a]}}"; 513].join(", ");
    check(&format!("from: [{from}]"), "from: `513` entries, expected at most 512");
    let mut config = json!({"policies": [policy("ALLOW", &json!({}))]});
    config["policies"][0]["spec"]["rules"] = json!(vec![json!({}); 513]);
    assert_eq!(error(&config), "policies[0].spec.rules: `513` entries, expected at most 512");
}

/// Changes a member of a policy, and checks the error.
fn check_changed(path: &str, value: Value, message: &str) {
    let mut config = json!({"policies": [policy("DENY", &json!({}))]});
    *config.pointer_mut(path).unwrap() = value;
    assert_eq!(error(&config), message);
}

#[test]
fn rejects_actions_that_have_no_effect() {
    let message = "policies[0].spec.action: `CUSTOM` calls an external service and is not supported, expected \
                   `ALLOW`, `DENY` or `AUDIT`; use Envoy's `ext_authz` filter";
    check_changed("/policies/0/spec/action", "CUSTOM".into(), message);
    let message = "policies[0].spec.rules: empty list, expected a rule: a `DENY` policy without rules matches no \
                   request; the rule `{}` matches each request";
    check_changed("/policies/0/spec/rules", json!([]), message);
    check_changed("/policies/0/spec", json!({"action": "DENY"}), message);
    let message =
        "policies[0].spec.action: unknown variant `deny`, expected one of `ALLOW`, `DENY`, `AUDIT`, `CUSTOM`";
    check_changed("/policies/0/spec/action", "deny".into(), message);
    let message = "policies[0].spec.provider: it belongs to the action `CUSTOM`, which is not supported; use \
                   Envoy's `ext_authz` filter";
    check_changed("/policies/0/spec", json!({"provider": {"name": "a"}}), message);
    check_changed("/policies/0/spec", json!({"to": []}), "policies[0].spec.to: `to` belongs to `rules[]`");
}

#[test]
fn rejects_invalid_resources() {
    let name = "expected a name of at most 253 lower-case letters, digits and hyphens, with dots between";
    for value in ["", "A", "a..b", "a/b", "-a", &"a".repeat(254)] {
        let message = format!("policies[0].metadata.name: `{value}`, {name}");
        check_changed("/policies/0/metadata", json!({"name": value}), &message);
    }
    let namespace = "expected a name of at most 63 lower-case letters, digits and hyphens";
    let metadata = json!({"name": "a", "namespace": "a.b"});
    check_changed(
        "/policies/0/metadata",
        metadata,
        &format!("policies[0].metadata.namespace: `a.b`, {namespace}"),
    );
    check_changed("/policies/0/metadata", json!({}), "policies[0].metadata: missing field `name`");
    let annotations = |value: Value| json!({"name": "a", "annotations": {"istio.io/dry-run": value}});
    let path = "policies[0].metadata.annotations.istio.io/dry-run";
    check_changed(
        "/policies/0/metadata",
        annotations("yes".into()),
        &format!("{path}: `yes`, expected `true` or `false`"),
    );
    check_changed(
        "/policies/0/metadata",
        annotations(true.into()),
        &format!("{path}: invalid type: boolean `true`, expected a string"),
    );
    let versions = "expected `security.istio.io/v1` or `security.istio.io/v1beta1`";
    check_changed(
        "/policies/0/apiVersion",
        "v1".into(),
        &format!("policies[0].apiVersion: unknown variant `v1`, {versions}"),
    );
    check_changed(
        "/policies/0/kind",
        "List".into(),
        "policies[0].kind: unknown variant `List`, expected `AuthorizationPolicy`",
    );
    let config = json!({"policies": [policy("DENY", &json!({})), policy("ALLOW", &json!({}))]});
    let message = "policies[1].metadata.name: duplicate policy `default/a`, also at `policies[0]`";
    assert_eq!(error(&config), message);
}

#[test]
fn rejects_invalid_settings() {
    for (field, value, message) in [
        (
            "root_namespace",
            json!("a/b"),
            "root_namespace: `a/b`, expected a name of at most 63 lower-case letters, digits and hyphens",
        ),
        ("trust_domains", json!([]), "trust_domains: empty list, expected an entry, or no such field"),
        (
            "trust_domains",
            json!(["a", "spiffe://b"]),
            "trust_domains[1]: `spiffe://b`, expected a trust domain in lower case, such as `cluster.local`",
        ),
        ("policies", json!({}), "policies: invalid type: object, expected an array"),
    ] {
        let mut config = json!({"policies": []});
        config[field] = value;
        assert_eq!(error(&config), message);
    }
    assert_eq!(error(&json!({})), "missing field `policies`");
}
