//! Each attribute of a rule.

use crate::support::{ALLOWED, NONE, by, claims, decides, with};
use serde_json::{Value, json};
use tollgate_host_test::{Certificate, Request, Tls, on_both_hosts};

/// Rules that reject a request, each with one condition on an attribute.
fn denying(conditions: &[(&str, Value)]) -> Value {
    let rules: Vec<_> = conditions
        .iter()
        .map(|(name, condition)| json!({"name": name, "action": "deny", "attributes": [condition]}))
        .collect();
    json!({"rules": rules, "default_action": "allow"})
}

fn one_of(attribute: &str, texts: &[&str]) -> Value {
    json!({"attribute": attribute, "one_of": texts})
}

on_both_hosts! {
    fn attributes_of_the_request(host) {
        let config = denying(&[
            ("method", one_of("request.method", &["PATCH"])),
            ("host", one_of("request.host", &["evil.test"])),
            ("port", one_of("request.host", &["any.test:8080"])),
            ("path", json!({"attribute": "request.path", "string_match": {"suffix": ".php"}})),
            ("path_and_query", json!({"attribute": "request.path_and_query", "string_match": {"contains": "?debug"}})),
            ("segment", one_of("request.path_segments[1]", &["secret"])),
            ("scheme", one_of("request.scheme", &["ftp"])),
            ("query", one_of("request.query[role]", &["admin"])),
            ("header", json!({"attribute": "request.headers[x-env]", "string_match": {"prefix": "TEST", "ignore_case": true}})),
            ("grpc", one_of("request.grpc.service", &["shop.Admin"])),
            ("grpc_method", one_of("request.grpc.method", &["Drop"])),
            ("absent", json!({"attribute": "request.headers[x-required]", "present": false})),
        ]);
        let get = |path: &str| Request::get(path).header("x-required", "1");
        let grpc = |path: &str| Request::new("POST", path).header("x-required", "1").header("content-type", "application/grpc");
        let names = ["method", "host", "port", "path", "path_and_query", "segment", "query", "header", "absent"].map(by);
        let [method, authority, port, path, full, segment, query, header, absent] = &names;
        decides(host, with(config), vec![
            (get("/"), ALLOWED),
            (Request::new("PATCH", "/").header("x-required", "1"), method),
            (get("/").authority("EVIL.test"), authority),
            (get("/").authority("evil.test:99"), authority),
            (get("/").authority("any.test:8080"), port),
            (get("/").authority("any.test:8081"), ALLOWED),
            (get("/a.php"), path),
            (get("/a%2Ephp?x"), path),
            (get("/?debug=1"), full),
            (get("/a/secret/b"), segment),
            (get("/a/s%65cret/b"), segment),
            (get("/?ro%6ce=admin"), query),
            (get("/?role=user&role=admin"), query),
            (get("/").header("x-env", "test-1"), header),
            (get("/").header("x-env", "prod").header("x-env", "Test"), header),
            (Request::get("/"), absent),
            (grpc("/shop.Shop/Get"), ALLOWED),
        ]);
    }

    fn attributes_of_a_grpc_request(host) {
        let config = denying(&[
            ("service", one_of("request.grpc.service", &["shop.Admin"])),
            ("method", one_of("request.grpc.method", &["Drop"])),
        ]);
        let grpc = |path: &str| Request::new("POST", path).header("content-type", "application/grpc");
        let outcome = decides(host, with(config), vec![
            (Request::new("POST", "/shop.Admin/Get"), ALLOWED),
            (grpc("/shop.Shop/Get"), ALLOWED),
        ]);
        outcome.has_metric("rbac.allowed", 2);
        let rejected = with(denying(&[("service", one_of("request.grpc.service", &["shop.Admin"]))]))
            .request(grpc("/shop.Admin/Get"));
        host.run(&rejected).client(0).start("200").header("grpc-status", "7");
    }

    fn attributes_of_the_connection(host) {
        let config = denying(&[
            ("sni", one_of("connection.sni", &["secret.test"])),
            ("orders", one_of("source.serviceAccount", &["shop/orders"])),
            ("uri", one_of("source.uri_san", &["spiffe://cluster.local/ns/billing/sa/payments"])),
            ("anonymous", one_of("connection.mtls", &["false"])),
            ("client", json!({"attribute": "remote.ip", "networks": ["127.0.0.9/32"]})),
        ]);
        let scenario = with(config).settings(|settings| settings.tls = Tls::CertificateOptional);
        let get = || Request::get("/").certificate(Certificate::A);
        let names = ["sni", "orders", "uri", "anonymous", "client"].map(by);
        let [sni, orders, uri, anonymous, client] = &names;
        decides(host, scenario, vec![
            (get(), ALLOWED),
            (get().server_name("secret.test"), sni),
            (get().certificate(Certificate::Orders), orders),
            (get().certificate(Certificate::Payments), uri),
            (Request::get("/"), anonymous),
            (get().peer([127, 0, 0, 9]), client),
        ]);
    }

    fn addresses_of_the_client_and_its_peer(host) {
        let mut config = denying(&[
            ("client", json!({"attribute": "remote.ip", "networks": ["203.0.113.0/24"]})),
            ("peer", json!({"attribute": "source.ip", "networks": ["127.0.0.7"]})),
            ("port", one_of("destination.port", &["1"])),
        ]);
        config["peer_address_filter_state"] = "peer".into();
        let scenario = with(config).settings(|settings| settings.xff_num_trusted_hops = 1);
        let get = || Request::get("/").filter_state("peer", "127.0.0.1:99");
        let names = ["client", "peer"].map(by);
        let [client, peer] = &names;
        decides(host, scenario, vec![
            (get(), ALLOWED),
            (get().header("x-forwarded-for", "203.0.113.9, 198.51.100.1"), client),
            (Request::get("/").filter_state("peer", "127.0.0.7"), peer),
            // Without the filter state, the peer is unknown.
            (Request::get("/"), peer),
            // The configuration names a filter state with another value.
            (Request::get("/").filter_state("peer", "x"), "rbac_host_error"),
        ]);
    }

    fn claims_and_metadata(host) {
        let config = denying(&[
            ("principal", one_of("request.auth.principal", &["issuer/mallory"])),
            ("audience", one_of("request.auth.audiences", &["old"])),
            ("presenter", one_of("request.auth.presenter", &["script"])),
            ("claim", one_of("request.auth.claims[realm_access][roles]", &["banned"])),
            ("scope", one_of("request.auth.claims[scope]", &["delete"])),
            ("level", one_of("request.auth.claims[level]", &["3"])),
            ("bot", one_of("request.auth.claims[bot]", &["true"])),
            ("metadata", one_of("metadata[shop][tier]", &["blocked"])),
            ("state", one_of("filter_state[shop.tier]", &["blocked"])),
        ]);
        let get = |token: Value| claims(Request::get("/"), token);
        let names = ["principal", "audience", "presenter", "claim", "scope", "level", "bot", "metadata", "state"].map(by);
        let [principal, audience, presenter, claim, scope, level, bot, metadata, state] = &names;
        decides(host, with(config), vec![
            (Request::get("/"), ALLOWED),
            (get(json!({"iss": "issuer", "sub": "ann", "aud": "new", "scope": "read"})), ALLOWED),
            (get(json!({"iss": "issuer", "sub": "mallory"})), principal),
            (get(json!({"aud": ["new", "old"]})), audience),
            (get(json!({"azp": "script"})), presenter),
            (get(json!({"realm_access": {"roles": ["user", "banned"]}})), claim),
            (get(json!({"scope": "read delete"})), scope),
            (get(json!({"level": 3})), level),
            (get(json!({"bot": true})), bot),
            (Request::get("/").metadata("shop", json!({"tier": "blocked"})), metadata),
            (Request::get("/").filter_state("shop.tier", "blocked"), state),
        ]);
    }

    fn claims_of_each_filter_that_verifies_tokens(host) {
        let config = json!({"rules": [{
            "name": "ann", "action": "allow",
            "attributes": [one_of("request.auth.claims[sub]", &["ann"])],
        }]});
        let istio = json!({"request.auth.claims": {"sub": ["ann"]}});
        decides(host, with(config), vec![
            (claims(Request::get("/"), json!({"sub": "ann"})), ALLOWED),
            (Request::get("/").metadata("istio_authn", istio), ALLOWED),
            (Request::get("/").filter_state("wasm.jwt_authn.payload", r#"{"sub":"ann"}"#), ALLOWED),
            (Request::get("/").filter_state("wasm.jwt_authn.payload", r#"{"sub":"bob"}"#), NONE),
            // Claims that cannot be read must not count as absent.
            (Request::get("/").filter_state("wasm.jwt_authn.payload", "{"), "rbac_host_error"),
            (Request::get("/").header("x-claims", r#"{"sub":"ann"}"#), NONE),
        ]);
    }
}
