use super::*;

fn shop() -> Value {
    json!({
        "domain": "request.path_segments[0]",
        "role_attributes": ["request.auth.claims[roles]"],
        "roles": {
            "viewer": {"permissions": [{"methods": ["GET"], "paths": [{"template": "/{tenant}/docs/**"}]}]},
            "editor": {"inherits": ["viewer"], "permissions": [{"methods": ["PUT"], "paths": [{"template": "/{tenant}/docs/**"}]}]},
            "admin": {"inherits": ["editor"], "permissions": [{}]},
        },
        "bindings": [
            {"roles": ["editor"], "subjects": [{"attribute": "request.auth.claims[groups]", "one_of": ["writers"]}], "domain": "acme"},
            {"roles": ["viewer"], "subjects": [{"attribute": "source.namespace", "string_match": {"prefix": "batch-"}}]},
        ],
        "rules": [
            {"name": "health", "action": "allow", "match": {"paths": [{"exact": "/healthz"}]}},
            {"name": "frozen", "action": "deny", "roles": ["editor"], "match": {"methods": ["PUT"], "paths": [{"prefix": "/acme/docs/frozen/"}]}},
        ],
    })
}

#[test]
fn rules_then_permissions_decide() {
    let shop = policy(shop());
    let anonymous = Host::default();
    let writer = Host::default().with_claims(&json!({"groups": ["writers"]}));
    let viewer = Host::default().with_claims(&json!({"roles": "viewer"}));
    let admin = Host::default().with_claims(&json!({"roles": ["admin", "unknown"]}));
    let batch = Host::default()
        .with("connection/uri_san_peer_certificate", "spiffe://cluster.local/ns/batch-1/sa/copy");
    let none = "rbac_access_denied_matched_policy[none]";
    for (host, method, path, expected) in [
        (&anonymous, "GET", "/healthz", "allowed"),
        (&anonymous, "GET", "/acme/docs/1", none),
        (&viewer, "GET", "/acme/docs/1", "allowed"),
        (&viewer, "PUT", "/acme/docs/1", none),
        (&writer, "PUT", "/acme/docs/1", "allowed"),
        (&writer, "GET", "/acme/docs/1?a=b", "allowed"),
        (&writer, "PUT", "/acme/docs/frozen/1", "rbac_access_denied_matched_policy[frozen]"),
        (&writer, "PUT", "/other/docs/1", none),
        (&admin, "DELETE", "/other/x", "allowed"),
        (&batch, "GET", "/other/docs/2", "allowed"),
        (&batch, "PUT", "/other/docs/2", none),
    ] {
        assert_eq!(verdict(&shop, host, &Req(method, "a.test", path, &[])), expected, "{method} {path}");
    }
}

#[test]
fn a_permission_reports_its_role() {
    let shop = policy(shop());
    let viewer = Host::default().with_claims(&json!({"roles": "editor"}));
    let state = decide(&shop, &viewer, &Req("GET", "a", "/x/docs/1", &[]), |decision| decision.filter_state);
    assert_eq!(state, [("rbac.decision", b"allowed_by[viewer-rule[0]]".to_vec())]);
}

#[test]
fn compares_one_attribute_with_another() {
    let isolated = json!({"rules": [{
        "name": "own tenant", "action": "allow",
        "attributes": [{"attribute": "request.auth.claims[tenants]", "same_as": "request.headers[x-tenant]"}],
    }]});
    let policy = policy(isolated);
    let host = Host::default().with_claims(&json!({"tenants": ["a", "b"]}));
    for (headers, allowed) in [
        (&[("x-tenant", "a")][..], true),
        (&[("x-tenant", "c")], false),
        (&[], false),
        (&[("x-tenant", "a"), ("x-tenant", "b")], true),
        (&[("x-tenant", "a"), ("x-tenant", "c")], false),
    ] {
        let verdict = verdict(&policy, &host, &Req("GET", "h", "/", headers));
        assert_eq!(verdict == "allowed", allowed, "{headers:?}");
    }
}

#[test]
fn rejects_unknown_roles_and_cycles() {
    for (change, message) in [
        (json!({"roles": {"a": {"inherits": ["b"]}}}), "roles.a.inherits[0]: unknown role `b`, expected `a`"),
        (
            json!({"roles": {"a": {"inherits": ["b"]}, "b": {"inherits": ["a"]}}}),
            "roles.a.inherits: role `a` inherits itself",
        ),
        (
            json!({"roles": {"a": {}}, "bindings": [{"roles": ["x"], "subjects": []}]}),
            "bindings[0].roles[0]: unknown role `x`, expected `a`",
        ),
        (
            json!({"roles": {"a": {}}, "bindings": [{"roles": ["a"], "subjects": []}]}),
            "bindings[0].subjects: must have at least one element",
        ),
        (
            json!({"rules": [{"name": "r", "action": "deny", "roles": ["a"]}]}),
            "rules[0].roles[0]: unknown role `a`, none is configured",
        ),
        (
            json!({"rules": [{"name": "r", "action": "deny"}, {"name": "r", "action": "deny"}]}),
            "rules[1].name: `r` is empty, or the name of another rule or role",
        ),
        (
            json!({"rules": [{"name": "r", "action": "deny"}], "domain": "roles"}),
            "domain: `roles` cannot define roles or the domain",
        ),
        (
            json!({"rules": [{"name": "r", "action": "deny", "attributes": [{"attribute": "remote.ip", "networks": ["10.0.0.1/8"]}]}]}),
            "rules[0].attributes[0].networks[0]: `10.0.0.1/8` has bits set after its prefix, expected `10.0.0.0/8`",
        ),
        (
            json!({"rules": [{"name": "r", "action": "deny"}], "policy_options": {"x": {}}}),
            "policy_options.x: unknown policy `x`, expected `r`",
        ),
    ] {
        assert_eq!(plan(change.clone()).unwrap_err(), message, "{change}");
    }
}
