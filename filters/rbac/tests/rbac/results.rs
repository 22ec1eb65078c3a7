//! Responses, shadow mode, failures, filter state and the audit log.

use crate::support::{by, with};
use serde_json::{Value, json};
use tollgate_host_test::emulator::state::Status;
use tollgate_host_test::emulator::{Effect, Emulator, Which};
use tollgate_host_test::{LogLevel, Request, Scenario, on_both_hosts};

fn admin(options: Value) -> Value {
    let mut config = json!({
        "rules": [{"name": "admin", "action": "deny", "match": {"paths": [{"template": "/admin/**"}]}}],
        "default_action": "allow",
    });
    for (name, value) in options.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

fn requests(scenario: Scenario) -> Scenario {
    scenario.request(Request::get("/admin/1")).request(Request::get("/"))
}

on_both_hosts! {
    fn rejects_as_envoy_does_by_default(host) {
        let outcome = host.run(&requests(with(admin(json!({})))));
        outcome.client(0).start("403").body("RBAC: access denied");
        outcome.client(1).start("200");
        outcome.has_details(0, &by("admin"));
    }

    fn a_policy_has_its_own_response(host) {
        let response = json!({
            "status": 401, "body": "sign in", "body_format": "problem", "reveal_policy": true,
            "headers": [{"name": "www-authenticate", "value": "Bearer realm=\"shop\""}],
        });
        let outcome = host.run(&requests(with(admin(json!({"policy_options": {"admin": {"response": response}}})))));
        outcome
            .client(0)
            .start("401")
            .header("www-authenticate", "Bearer realm=\"shop\"")
            .header("content-type", "application/problem+json")
            .body(r#"{"detail":"sign in","policy":"admin","status":401,"type":"about:blank"}"#);
    }

    fn redirects(host) {
        let response = json!({"status": 302, "body": "", "headers": [{"name": "location", "value": "https://login.test/"}]});
        let outcome = host.run(&requests(with(admin(json!({ "response": response })))));
        outcome.client(0).start("302").header("location", "https://login.test/").body("");
    }

    fn a_policy_in_shadow_mode_is_only_counted(host) {
        let outcome = host.run(&requests(with(admin(json!({"policy_options": {"admin": {"shadow": true}}})))));
        outcome.has_statuses(&[200, 200]);
        outcome.has_metric("rbac.allowed", 2).has_metric("rbac.shadow_denied.policy", 1);
        outcome.has_metric("rbac.shadow_allowed", 1).has_metric("rbac.policy.admin.shadow_denied", 1);
    }

    fn shadow_mode_of_the_filter_counts_rejections(host) {
        let outcome = host.run(&requests(with(admin(json!({"shadow": true})))));
        outcome.has_statuses(&[200, 200]);
        outcome.has_metric("rbac.allowed", 1).has_metric("rbac.shadow_denied.policy", 1);
    }

    fn writes_an_audit_log(host) {
        let audit = json!({"on": "on_deny", "headers": ["x-team", "cookie"]});
        let request = Request::get("/admin/1?token=x").header("x-team", "red").header("cookie", "a=b");
        let outcome = host.run(&with(admin(json!({ "audit": audit }))).request(request).request(Request::get("/")));
        let lines: Vec<_> = outcome.logs.iter().filter(|line| line.text.contains("rbac_audit")).collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        let (_, json) = lines[0].text.split_once("rbac_audit ").unwrap();
        let line: Value = serde_json::from_str(json).unwrap();
        assert_eq!((&line["decision"], &line["policy"]), (&json!("denied"), &json!("admin")));
        assert_eq!((&line["path"], &line["source_ip"]), (&json!("/admin/1"), &json!("127.0.0.1")));
        assert_eq!(line["headers"], json!({"x-team": ["red"], "cookie": ["<redacted>"]}));
    }
}

/// A host call that fails, only on the emulator.
fn failing(config: Value, call: &str, request: Request) -> tollgate_host_test::Outcome {
    let emulator = Emulator::new(&with(config).request(request)).unwrap();
    emulator.fault(call, Which::All, Effect::Answer(Status::InternalFailure)).run()
}

#[test]
fn a_failed_host_call_is_handled_as_configured() {
    let config = |on_error: &str| {
        json!({
            "rules": [{"name": "a", "action": "allow", "attributes": [{"attribute": "remote.ip", "networks": ["127.0.0.0/8"]}]}],
            "on_error": on_error,
        })
    };
    for call in ["proxy_get_property", "proxy_get_header_map_pairs"] {
        let denied = failing(config("deny"), call, Request::get("/"));
        denied.client(0).start("503");
        denied.has_details(0, "rbac_host_error").has_metric("rbac.denied.host_error", 1);
        let allowed = failing(config("allow"), call, Request::get("/"));
        allowed.client(0).start("200");
        allowed.has_metric("rbac.failure_mode_allowed", 1);
    }
}

#[test]
fn a_failure_to_report_a_decision_does_not_change_it() {
    let config = || admin(json!({"on_error": "allow"}));
    let denied = failing(config(), "proxy_set_property", Request::get("/admin/1"));
    denied.client(0).start("403");
    denied.has_metric("rbac.denied.policy", 1).has_metric("rbac.failure_mode_allowed", 0);
    let allowed = failing(config(), "proxy_set_property", Request::get("/"));
    allowed.client(0).start("200");
    allowed.has_metric("rbac.allowed", 1).has_logged(LogLevel::Warn, "cannot set the filter state");
}

#[test]
fn a_path_that_cannot_be_replaced_is_not_sent() {
    let config = admin(json!({"forward_normalized_path": true}));
    let outcome = failing(config, "proxy_replace_header_map_value", Request::get("/a//b"));
    outcome.client(0).start("503");
    outcome.has_metric("rbac.allowed", 0).has_metric("rbac.denied.host_error", 1);
}

#[test]
fn warns_about_a_stray_list_dash() {
    let config = json!({"istio": {"policies": [{
        "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": {"name": "a"},
        "spec": {"rules": [
            {"from": [{"source": {"namespaces": ["a"]}}]},
            {"to": [{"operation": {"paths": ["/a"]}}]},
        ]},
    }]}});
    let scenario =
        with(config).request(Request::get("/")).settings(|settings| settings.log_level = LogLevel::Debug);
    let outcome = Emulator::new(&scenario).unwrap().run();
    outcome.has_logged(LogLevel::Warn, "istio.policies[0].spec.rules: `rules[0]` narrows only `from`");
}
