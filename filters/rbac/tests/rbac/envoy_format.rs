//! Envoy's RBAC configuration: each matcher, and the generic matcher tree.

use crate::support::{ALLOWED, NONE, by, decides, with};
use serde_json::{Value, json};
use tollgate_host_test::{Certificate, Request, Tls, on_both_hosts};

/// A policy per permission or principal that denies requests that match it.
fn denying(permissions: &[(&str, Value)], principals: &[(&str, Value)]) -> Value {
    let any = json!([{"any": true}]);
    let mut policies = serde_json::Map::new();
    for (name, permission) in permissions {
        policies.insert((*name).into(), json!({"permissions": [permission], "principals": any}));
    }
    for (name, principal) in principals {
        policies.insert((*name).into(), json!({"permissions": any, "principals": [principal]}));
    }
    json!({"envoy": {"rules": {"action": "DENY", "policies": policies}}})
}

fn extension(kind: &str, mut config: Value) -> Value {
    config["@type"] = format!("type.googleapis.com/{kind}").into();
    json!({"name": "extension", "typed_config": config})
}

on_both_hosts! {
    fn permissions(host) {
        let template = extension(
            "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig", json!({"path_template": "/users/{id}/keys"}),
        );
        let metadata = json!({"filter": "shop", "path": [{"key": "tier"}], "value": {"string_match": {"exact": "blocked"}}});
        let config = denying(&[
            ("a-header", json!({"header": {"name": "x-env", "string_match": {"prefix": "test"}}})),
            ("b-range", json!({"header": {"name": "x-level", "range_match": {"start": 3, "end": 5}}})),
            ("c-path", json!({"url_path": {"path": {"suffix": ".bak"}}})),
            ("d-template", json!({ "uri_template": template })),
            ("e-port", json!({"destination_port": 1})),
            ("f-ports", json!({"destination_port_range": {"start": 1, "end": 9}})),
            ("g-metadata", json!({ "metadata": metadata })),
            ("h-destination", json!({"destination_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}})),
            ("i-and", json!({"and_rules": {"rules": [
                {"url_path": {"path": {"prefix": "/both"}}}, {"not_rule": {"header": {"name": ":method", "string_match": {"exact": "GET"}}}},
            ]}})),
            ("j-or", json!({"or_rules": {"rules": [
                {"url_path": {"path": {"exact": "/x"}}}, {"url_path": {"path": {"exact": "/y"}}},
            ]}})),
            ("k-query", json!({"header": {"name": ":path", "string_match": {"contains": "debug=1"}}})),
        ], &[]);
        let names = ["a-header", "b-range", "c-path", "d-template", "g-metadata", "i-and", "j-or", "k-query"].map(by);
        let [header, range, path, template, metadata, and, or, query] = &names;
        decides(host, with(config), vec![
            (Request::get("/"), ALLOWED),
            (Request::get("/").header("x-env", "test1"), header),
            (Request::get("/").header("x-level", "4"), range),
            (Request::get("/").header("x-level", "5"), ALLOWED),
            (Request::get("/a.bak?x=1"), path),
            (Request::get("/users/7/keys"), template),
            (Request::get("/").metadata("shop", json!({"tier": "blocked"})), metadata),
            (Request::get("/both"), ALLOWED),
            (Request::new("PUT", "/both"), and),
            (Request::get("/y"), or),
            (Request::get("/?debug=1"), query),
        ]);
    }

    fn principals(host) {
        let mtls = extension("envoy.extensions.rbac.principals.mtls_authenticated.v3.Config", json!({
            "san_matcher": {"san_type": "URI", "matcher": {"suffix": "/sa/payments"}},
        }));
        let config = denying(&[
            ("s-sni", json!({"requested_server_name": {"exact": "secret.test"}})),
        ], &[
            ("a-name", json!({"authenticated": {"principal_name": {"exact": "spiffe://cluster.local/ns/shop/sa/orders"}}})),
            ("b-mtls", json!({ "custom": mtls })),
            ("c-client", json!({"remote_ip": {"address_prefix": "127.0.0.9", "prefix_len": 32}})),
            ("d-state", json!({"filter_state": {"key": "shop.tier", "string_match": {"exact": "blocked"}}})),
            ("e-not", json!({"not_id": {"or_ids": {"ids": [{"authenticated": {}}, {"header": {"name": "x", "present_match": true}}]}}})),
        ]);
        let scenario = with(config).settings(|settings| settings.tls = Tls::CertificateOptional);
        let names = ["s-sni", "a-name", "b-mtls", "c-client", "d-state"].map(by);
        let [sni, name, mtls, client, state] = &names;
        decides(host, scenario, vec![
            (Request::get("/"), ALLOWED),
            (Request::get("/").certificate(Certificate::Orders), name),
            (Request::get("/").certificate(Certificate::Payments), mtls),
            (Request::get("/").certificate(Certificate::A), ALLOWED),
            (Request::get("/").server_name("secret.test"), sni),
            (Request::get("/").peer([127, 0, 0, 9]), client),
            (Request::get("/").filter_state("shop.tier", "blocked"), state),
        ]);
    }

    fn an_allow_policy_is_needed(host) {
        let rules = json!({"action": "ALLOW", "policies": {"get": {
            "permissions": [{"header": {"name": ":method", "string_match": {"exact": "GET"}}}], "principals": [{"any": true}],
        }}});
        let scenario = with(json!({"envoy": { "rules": rules }}));
        decides(host, scenario, vec![(Request::get("/"), ALLOWED), (Request::new("PUT", "/"), NONE)]);
        let nothing = json!({"envoy": {"rules": {"action": "ALLOW", "policies": {}}}});
        decides(host, with(nothing), vec![(Request::get("/"), NONE)]);
    }

    fn shadow_rules_are_only_reported(host) {
        let rules = json!({"action": "DENY", "policies": {"old": {
            "permissions": [{"url_path": {"path": {"exact": "/old"}}}], "principals": [{"any": true}],
        }}});
        let outcome = decides(host, with(json!({"envoy": { "shadow_rules": rules }})), vec![(Request::get("/old"), ALLOWED)]);
        outcome.has_metric("rbac.policy.old.shadow_denied", 1).has_metric("rbac.allowed", 1);
    }

    fn the_matcher_tree(host) {
        let action = |name: &str, action: &str| json!({"action": extension("envoy.config.rbac.v3.Action", json!({"name": name, "action": action}))});
        let header = |name: &str| extension("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", json!({ "header_name": name }));
        let config = json!({"envoy": {"matcher": {
            "matcher_tree": {"input": header("x-tenant"), "exact_match_map": {"map": {
                "acme": {"matcher": {"matcher_list": {"matchers": [{
                    "predicate": {"single_predicate": {"input": header("x-role"), "value_match": {"exact": "guest"}}},
                    "on_match": action("acme-guests", "DENY"),
                }]}, "on_no_match": action("acme", "ALLOW")}},
                "blue": action("blue", "ALLOW"),
            }}},
        }}});
        let get = |tenant: &str, role: &str| Request::get("/").header("x-tenant", tenant).header("x-role", role);
        let guests = by("acme-guests");
        decides(host, with(config), vec![
            (get("acme", "admin"), ALLOWED),
            (get("acme", "guest"), &guests),
            (get("blue", "guest"), ALLOWED),
            (get("red", "admin"), NONE),
            (Request::get("/"), NONE),
        ]);
    }
}
