//! `tollgate explain`.

use crate::support::{file, in_workspace, tollgate};
use serde_json::{Value, json};
use tollgate_host_test::scenario::text::yaml;

const ISTIO: &str = r#"
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: orders, namespace: shop}
spec:
  rules:
  - from: [{source: {principals: [cluster.local/ns/shop/sa/cart]}}]
    to: [{operation: {methods: [GET], paths: ["/orders/*"]}}]
    when: [{key: "request.auth.claims[groups]", values: [staff]}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-debug, namespace: istio-system}
spec:
  action: DENY
  selector: {matchLabels: {app: orders}}
  rules:
  - from: [{source: {notIpBlocks: [10.0.0.0/8]}}]
    to: [{operation: {paths: [/debug]}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: strict, namespace: shop, annotations: {istio.io/dry-run: "true"}}
spec:
  action: DENY
  rules:
  - to: [{operation: {methods: [GET]}}]
---
apiVersion: v1
kind: Service
metadata: {name: orders}
"#;

/// Returns an Envoy resource with a Wasm filter.
pub fn envoy(name: &str, configuration: Value) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        "config": {
            "name": name,
            "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": "no.wasm"}}},
            "configuration": configuration,
        },
    })
}

pub fn text(config: Value) -> Value {
    json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": config.to_string()})
}

pub fn admins() -> Value {
    let metadata = json!({"metadata": {
        "filter": "envoy.filters.http.jwt_authn",
        "path": [{"key": "payload"}, {"key": "role"}],
        "value": {"string_match": {"exact": "admin"}},
    }});
    let inside = json!({"remote_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}});
    json!({
        "envoy": {"rules": {"action": "ALLOW", "policies": {"admins": {
            "permissions": [{"and_rules": {"rules": [{"url_path": {"path": {"prefix": "/admin"}}}, {"destination_port": 443}]}}],
            "principals": [{"and_ids": {"ids": [metadata, {"not_id": inside}]}}],
        }}}},
        "response": {"status": 404},
    })
}

#[test]
fn explains_policies_of_istio() {
    let (_folder, path) = file("policies.yaml", ISTIO);
    let said = tollgate(&[
        "explain",
        &path,
        "--url=https://shop.example/orders/7",
        "--principal=spiffe://cluster.local/ns/shop/sa/cart",
        r#"--claims={"groups": ["guest"]}"#,
        "--source-ip=192.0.2.1",
    ]);
    let expected = r#"DENIED  because no policy allows it
  details  rbac_access_denied_matched_policy[none]
  status   403, for gRPC 7
  shadow   would be denied by policy `shop/strict`, rule 0

deny policy `shop/strict`, rule 0: matches, in shadow mode
  true    request.method is "GET" ("GET")

allow policy `shop/orders`, rule 0: does not match
  false   all of
    true    source.principal is "cluster.local/ns/shop/sa/cart" ("cluster.local/ns/shop/sa/cart")
    true    request.method is "GET" ("GET")
    true    every request.path begins with "/orders/" ("/orders/7")
    false   request.auth.claims[groups] is "staff" ("guest")

rules: 1 match, 1 nearly match, 3 in total; 1 not shown, see `--all`
warning: istio.policies[1].spec.selector: ignored: the policy applies to each request that this filter handles
"#;
    assert_eq!((said.exit, said.out.as_str()), (0, expected), "{}", said.err);
}

#[test]
fn explains_policies_of_envoy_in_a_listener() {
    let (_folder, path) =
        file("envoy.json", json!({"filters": [envoy("authz", text(admins()))]}).to_string());
    let said = tollgate(&[
        "explain",
        &path,
        "--path=/admin",
        "--destination-port=443",
        "--source-ip=10.0.0.1",
        r#"--metadata={"envoy.filters.http.jwt_authn": {"payload": {"role": "user"}}}"#,
    ]);
    let expected = r#"DENIED  because no policy allows it
  details  rbac_access_denied_matched_policy[none]
  status   404, for gRPC 7

allow policy `admins`: does not match
  false   all of
    true    every request.path begins with "/admin" ("/admin")
    true    destination.port is 443 ("443")
    false   metadata[envoy.filters.http.jwt_authn][payload][role] is "admin" ("user")
    false   not
      true    remote.ip is in 10.0.0.0/8 ("10.0.0.1")

rules: 0 match, 1 nearly match, 1 in total
"#;
    assert_eq!((said.exit, said.out.as_str()), (0, expected), "{}", said.err);
}

#[test]
fn json_has_the_same_explanation() {
    let plugin = json!({
        "apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin",
        "metadata": {"name": "authz", "namespace": "shop"},
        "spec": {"url": "oci://r.test/rbac:1", "pluginConfig": {
            "roles": {"viewer": {"permissions": [{"methods": ["GET"]}]}},
            "role_attributes": ["request.auth.claims[roles]"],
        }},
    });
    let (_folder, path) = file("plugin.yaml", plugin.to_string());
    let said =
        tollgate(&["explain", "--json", &path, "--path=/a?b", "--host=h", r#"--claims={"roles": "viewer"}"#]);
    let test = |text: &str, attribute: &str, value: &str| {
        let values = json!([{"attribute": attribute, "values": [value]}]);
        json!({"text": text, "truth": "true", "values": values, "parts": []})
    };
    let name = json!({"policy": "viewer", "rule": 0, "role": "viewer"});
    let mut rule = name.clone();
    for (field, value) in [
        ("effect", json!("allow")),
        ("shadow", json!(false)),
        ("matches", json!(true)),
        ("nearly_matches", json!(true)),
        ("decides", json!(true)),
        (
            "condition",
            json!({"text": "all of", "truth": "true", "values": [], "parts": [
                test("roles is \"viewer\"", "roles", "viewer"),
                test("request.method is \"GET\"", "request.method", "GET"),
            ]}),
        ),
    ] {
        rule[field] = value;
    }
    let expected = json!({
        "command": "explain", "exit": 0, "file": path, "filter": "shop.authz", "skipped": [], "warnings": [],
        "request": {"method": "GET", "host": "h", "path": "/a?b"},
        "decision": "allowed", "by": name, "reason": null, "allowed_because": null, "details": null,
        "status": null, "grpc_status": null, "shadow": null, "recorded_by": null, "roles": ["viewer"],
        "rules": [rule], "rule_counts": {"evaluated": 1, "matching": 1, "nearly_matching": 0},
    });
    assert_eq!(said.json(), expected);
}

#[test]
fn an_invalid_request_names_the_option() {
    let (_folder, path) = file("policies.yaml", ISTIO);
    for (options, message) in [
        (&["--path=x"][..], "`--path`: `x`, expected a path that begins with `/` and has no spaces"),
        (&["--url=shop"], "`--url`: `shop`, expected a URL such as `https://shop.example/a`"),
        (&["--path=/", "-H", "a b: c"], "`--header`: a b: `a b` is not a valid header name"),
        (&["--path=/", "--source-ip=x"], "`--source-ip`: `x` is not an IP address"),
        (&["--path=/", "--claims=[1]"], "`--claims`: expected an object, as JSON, or a file after `@`"),
        (
            &["--path=/", "--metadata={\"a\": 1}"],
            "`--metadata`: a: invalid type: integer `1`, expected an object",
        ),
        (
            &["--path=/", "--principal=cluster.local/ns/a/sa/b"],
            "`--principal`: `cluster.local/ns/a/sa/b`, expected the URI of a certificate, such as \
             `spiffe://cluster.local/ns/a/sa/b`",
        ),
        (
            &["--path=/", "--peer-ip=192.0.2.1"],
            "`--peer-ip`: needs `peer_address_filter_state` in the configuration: without it, `source.ip` is \
             the address of the client",
        ),
        (
            &["--path=/", "--claims={}", "--filter-state=wasm.jwt_authn.payload={}"],
            "`--claims`: `filter_state` already has `wasm.jwt_authn.payload`, which `claims` sets",
        ),
    ] {
        let said = tollgate(&[&["explain", &path], options].concat());
        assert_eq!((said.exit, said.err), (2, format!("tollgate: {message}\n")), "{options:?}");
    }
    let said = tollgate(&["explain", &path]);
    assert!(said.exit == 2 && said.err.contains("--path <PATH>"), "{said:?}");
}

#[test]
fn passes_each_attribute_to_the_policy() {
    let attributes = [
        ("request.scheme", "http"),
        ("request.host", "h.test"),
        ("request.query[q]", "1"),
        ("request.headers[x-a]", "A"),
        ("remote.ip", "192.0.2.1"),
        ("source.ip", "192.0.2.2"),
        ("source.port", "5"),
        ("destination.ip", "2001:db8::1"),
        ("destination.port", "443"),
        ("connection.sni", "sni.test"),
        ("connection.mtls", "true"),
        ("connection.tls_version", "TLSv1.3"),
        ("source.namespace", "shop"),
        ("source.dns_san", "dns.test"),
        ("source.subject", "CN=a"),
        ("request.auth.claims[sub]", "s"),
        ("metadata[a][b]", "c"),
        ("route_metadata[d][e]", "f"),
        ("filter_state[wasm.x]", "y=z"),
    ];
    let tests: Vec<_> =
        attributes.iter().map(|(name, value)| json!({"attribute": name, "one_of": [value]})).collect();
    let (_claims, claims) = file("claims.json", r#"{"sub": "s"}"#);
    for (sources, claims) in [
        (json!([{"filter_state": "wasm.other"}]), claims.as_str()),
        (json!([{"payload_in_metadata": "me"}]), &claims),
        (json!([{"istio_authn": {}}]), &claims),
    ] {
        let config = json!({
            "rules": [{"name": "all", "action": "allow", "attributes": tests}],
            "claims": sources, "peer_address_filter_state": "wasm.peer",
        });
        let (_folder, path) = file("rbac.yaml", config.to_string());
        let said = tollgate(&[
            "explain",
            &path,
            "--url=http://h.test/?q=1",
            "--header=X-A: A",
            "--source-ip=192.0.2.1",
            "--source-port=5",
            "--peer-ip=192.0.2.2",
            "--destination-ip=2001:db8::1",
            "--destination-port=443",
            "--sni=sni.test",
            "--tls-version=TLSv1.3",
            "--principal=spiffe://cluster.local/ns/shop/sa/cart",
            "--dns-san=dns.test",
            "--subject=CN=a",
            &format!("--claims=@{claims}"),
            r#"--metadata={"a": {"b": "c"}}"#,
            r#"--route-metadata={"d": {"e": "f"}}"#,
            "--filter-state=wasm.x=y=z",
        ]);
        assert!(said.exit == 0 && said.out.starts_with("ALLOWED by policy `all`\n"), "{said:?}");
    }
}

#[test]
fn the_nearest_rule_comes_first() {
    let rule = |name: &str, method: &str, team: &str| json!({"name": name, "action": "allow", "match": {"methods": [method], "headers": [{"name": "x-team", "exact": team}]}});
    let config = json!({"rules": [rule("far", "PUT", "a"), rule("near", "GET", "a")]});
    let (_folder, path) = file("rbac.json", config.to_string());
    let said = tollgate(&["explain", "--json", &path, "--path=/", "-H", "x-team: b"]).json();
    let names = |said: &Value| {
        said["rules"].as_array().unwrap().iter().map(|r| r["policy"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&said), ["near", "far"]);
    let all = tollgate(&["explain", "--json", &path, "--path=/", "--all"]).json();
    assert_eq!(names(&all), ["far", "near"]);
}

#[test]
fn explains_shadow_mode_and_failures() {
    let network = json!([{"attribute": "source.ip", "networks": ["10.0.0.0/8"]}]);
    let config = |options: Value| {
        let mut config = json!({"rules": [{"name": "inside", "action": "deny", "attributes": network}],
            "default_action": "allow", "peer_address_filter_state": "wasm.peer"});
        config.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        file("rbac.json", config.to_string())
    };
    let (_folder, path) = config(json!({"shadow": true}));
    let said = tollgate(&["explain", &path, "--path=/", "--peer-ip=10.0.0.1"]).out;
    let begin =
        "ALLOWED because the filter is in shadow mode\n  shadow   would be denied by policy `inside`\n";
    assert!(said.starts_with(begin), "{said}");
    let broken = "--filter-state=wasm.peer=broken";
    let (_folder, path) = config(json!({}));
    let said = tollgate(&["explain", &path, "--path=/", broken]).out;
    let begin = "DENIED  because an attribute cannot be read\n  details  rbac_host_error\n  status   503, for gRPC 14\n";
    assert!(said.starts_with(begin), "{said}");
    assert!(said.contains("  unknown source.ip is in 10.0.0.0/8 (cannot be read)\n"), "{said}");
    let (_folder, path) = config(json!({"on_error": "allow"}));
    let said = tollgate(&["explain", "--json", &path, "--path=/", broken]).json();
    assert_eq!((&said["decision"], &said["allowed_because"]), (&json!("allowed"), &json!("failure_mode")));
    assert_eq!(said["reason"], "host_error");
}

#[test]
fn ten_thousand_policies_have_a_short_explanation() {
    let rules = (0..10_000).map(|n| {
        let matcher = json!({"paths": [{"template": format!("/r{}/*", n / 10)}], "methods": ["PUT"]});
        json!({"name": format!("p{n}"), "action": "allow", "match": matcher})
    });
    let config = json!({ "rules": rules.collect::<Vec<_>>() }).to_string();
    let (_folder, path) = file("rbac.json", config);
    let said = tollgate(&["explain", &path, "--path=/r77/1"]);
    assert!(said.exit == 0 && said.out.lines().count() < 40, "{said:?}");
    let last = "rules: 0 match, 10 nearly match, 10000 in total; 9995 not shown, see `--all`\n";
    assert!(said.out.ends_with(last), "{said:?}");
    let all = tollgate(&["explain", &path, "--path=/r77/1", "--all"]);
    assert!(all.out.contains("policy `p9999`") && all.out.lines().count() > 40_000);
}

#[test]
fn every_command_on_the_page_of_the_filter_works() {
    let page = std::fs::read_to_string(in_workspace("filters/rbac/README.md")).unwrap();
    let blocks: Vec<_> =
        page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 2, "{blocks:?}");
    // The commands use the first example of the page.
    let shown = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let example = std::fs::read_to_string(in_workspace("filters/rbac/example.yaml")).unwrap();
    let example = yaml::document(&example, yaml::Dialect::V1_1).unwrap();
    assert_eq!(serde_json::from_str::<Value>(shown).unwrap(), example);
    for block in blocks {
        let (command, output) = block.strip_prefix("$ tollgate ").unwrap().split_once('\n').unwrap();
        let said = crate::readme::shell(&format!("tollgate {command}"));
        assert_eq!(String::from_utf8_lossy(&said.stdout), output, "{command}");
    }
}
