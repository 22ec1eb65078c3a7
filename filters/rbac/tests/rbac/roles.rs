//! Roles, bindings and rules.

use crate::support::{ALLOWED, NONE, by, claims, decides, with};
use serde_json::{Value, json};
use tollgate_host_test::{Certificate, Request, Tls, on_both_hosts};

fn documents() -> Value {
    json!({
        "domain": "request.path_segments[0]",
        "role_attributes": ["request.auth.claims[roles]"],
        "roles": {
            "viewer": {"permissions": [{"methods": ["GET"], "paths": [{"template": "/{tenant}/docs/**"}]}]},
            "editor": {"inherits": ["viewer"], "permissions": [{"methods": ["PUT"], "paths": [{"template": "/{tenant}/docs/**"}]}]},
            "admin": {"inherits": ["editor"], "permissions": [{}]},
        },
        "bindings": [
            {
                "roles": ["editor"], "domain": "acme",
                "subjects": [{"attribute": "request.auth.claims[groups]", "one_of": ["writers"]}],
            },
            {"roles": ["viewer"], "subjects": [{"attribute": "source.principal", "string_match": {"suffix": "/sa/orders"}}]},
        ],
        "rules": [
            {"name": "health", "action": "allow", "match": {"paths": [{"exact": "/healthz"}]}},
            {"name": "frozen", "action": "deny", "match": {"methods": ["PUT"], "paths": [{"prefix": "/acme/docs/frozen/"}]}},
        ],
    })
}

fn put(path: &str) -> Request {
    Request::new("PUT", path)
}

on_both_hosts! {
    fn a_role_of_the_token_decides(host) {
        let writer = |request| claims(request, json!({"groups": ["readers", "writers"]}));
        let role = |request, role: &str| claims(request, json!({ "roles": [role, "unknown"] }));
        let frozen = by("frozen");
        let outcome = decides(host, with(documents()), vec![
            (Request::get("/healthz"), ALLOWED),
            (Request::get("/acme/docs/1"), NONE),
            (role(Request::get("/acme/docs/1"), "viewer"), ALLOWED),
            (role(put("/acme/docs/1"), "viewer"), NONE),
            (writer(put("/acme/docs/1")), ALLOWED),
            (writer(Request::get("/acme/docs/1?a=b")), ALLOWED),
            (writer(put("/acme/docs/frozen/1")), &frozen),
            (writer(put("/other/docs/1")), NONE),
            (role(Request::new("DELETE", "/other/x"), "admin"), ALLOWED),
        ]);
        outcome.has_metric("rbac.allowed", 5).has_metric("rbac.denied.no_policy", 3);
        outcome.has_metric("rbac.denied.policy", 1).has_metric("rbac.policy.frozen.denied", 1);
        outcome.has_metric("rbac.policy.viewer.allowed", 2).has_metric("rbac.policy.editor.allowed", 1);
        outcome.has_metric("rbac.policy.admin.allowed", 1).has_metric("rbac.policy.health.allowed", 1);
    }

    fn the_certificate_of_the_peer_decides(host) {
        let scenario = with(documents()).settings(|settings| settings.tls = Tls::CertificateOptional);
        let get = || Request::get("/acme/docs/1");
        decides(host, scenario, vec![
            (get().certificate(Certificate::Orders), ALLOWED),
            (get().certificate(Certificate::Payments), NONE),
            (get(), NONE),
        ]);
    }

    fn an_attribute_isolates_tenants(host) {
        let config = json!({"rules": [{
            "name": "own-tenant", "action": "allow",
            "attributes": [{"attribute": "request.auth.claims[tenant]", "same_as": "request.path_segments[0]"}],
        }]});
        let tenant = |path: &str, tenant: &str| claims(Request::get(path), json!({ "tenant": tenant }));
        decides(host, with(config), vec![
            (tenant("/acme/orders", "acme"), ALLOWED),
            (tenant("/%61cme/orders", "acme"), ALLOWED),
            (tenant("/other/orders", "acme"), NONE),
            (tenant("/other/%2e%2e/acme/orders", "acme"), NONE),
            (Request::get("/acme/orders"), NONE),
        ]);
    }
}
