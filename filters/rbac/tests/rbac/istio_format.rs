//! Istio's `AuthorizationPolicy`: each field of a source, an operation and a condition.

use crate::support::{ALLOWED, NONE, by, claims, decides, with};
use serde_json::{Value, json};
use tollgate_host_test::{Certificate, Request, Tls, on_both_hosts};

fn policy(name: &str, action: &str, rules: Value) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": name, "namespace": "shop"}, "spec": {"action": action, "rules": rules},
    })
}

fn istio(policies: Vec<Value>) -> Value {
    json!({"istio": { "policies": policies }})
}

/// A policy per condition that denies requests that meet it.
fn denying(rules: &[(&str, Value)]) -> Value {
    istio(rules.iter().map(|(name, rule)| policy(name, "DENY", json!([rule]))).collect())
}

fn source(fields: Value) -> Value {
    json!({"from": [{ "source": fields }]})
}

fn operation(fields: Value) -> Value {
    json!({"to": [{ "operation": fields }]})
}

fn when(key: &str, values: &[&str]) -> Value {
    json!({"when": [{"key": key, "values": values}]})
}

fn shop(name: &str) -> String {
    by(&format!("shop/{name}-rule[0]"))
}

on_both_hosts! {
    fn sources_by_the_identity_of_the_peer(host) {
        let orders = "cluster.local/ns/shop/sa/orders";
        let config = denying(&[
            ("a-principal", source(json!({"principals": [orders], "notNamespaces": ["billing"]}))),
            ("b-account", source(json!({"serviceAccounts": ["billing/payments"]}))),
            ("c-namespace", source(json!({"namespaces": ["def*"], "notPrincipals": ["*/sa/b"]}))),
            ("d-anonymous", source(json!({"notPrincipals": ["*"]}))),
        ]);
        let scenario = with(config).settings(|settings| settings.tls = Tls::CertificateOptional);
        let get = |certificate| Request::get("/").certificate(certificate);
        let names = ["a-principal", "b-account", "c-namespace", "d-anonymous"].map(shop);
        let [principal, account, namespace, anonymous] = &names;
        decides(host, scenario, vec![
            (get(Certificate::Orders), principal),
            (get(Certificate::Payments), account),
            (get(Certificate::A), namespace),
            (get(Certificate::B), ALLOWED),
            (Request::get("/"), anonymous),
        ]);
    }

    fn sources_by_token_and_address(host) {
        let config = denying(&[
            ("a-token", source(json!({"requestPrincipals": ["issuer/mallory"]}))),
            ("b-issuer", source(json!({"requestPrincipals": ["old/*"]}))),
            ("c-remote", source(json!({"remoteIpBlocks": ["127.0.0.8/29"], "notRemoteIpBlocks": ["127.0.0.9"]}))),
            ("d-none", json!({"from": [{"source": {"notRequestPrincipals": ["*"]}}], "to": [{"operation": {"paths": ["/private/*"]}}]})),
            ("e-peer", source(json!({"ipBlocks": ["127.0.0.9"]}))),
        ]);
        let token = |issuer: &str, subject: &str| claims(Request::get("/private/1"), json!({"iss": issuer, "sub": subject}));
        let names = ["a-token", "b-issuer", "c-remote", "d-none", "e-peer"].map(shop);
        let [mallory, issuer, remote, none, peer] = &names;
        decides(host, with(config), vec![
            (token("issuer", "ann"), ALLOWED),
            (token("issuer", "mallory"), mallory),
            (token("old", "ann"), issuer),
            (Request::get("/private/1"), none),
            (Request::get("/"), ALLOWED),
            (Request::get("/").peer([127, 0, 0, 10]), remote),
            (Request::get("/").peer([127, 0, 0, 9]), peer),
        ]);
    }

    fn operations(host) {
        let config = denying(&[
            ("a-host", operation(json!({"hosts": ["*.evil.test"], "notHosts": ["good.evil.test"]}))),
            ("b-method", operation(json!({"methods": ["DELETE"], "notPaths": ["/tmp/*"]}))),
            ("c-path", operation(json!({"paths": ["/users/{*}/keys", "*.bak", "/exact"]}))),
            ("d-port", operation(json!({"ports": ["1"]}))),
            ("e-rest", operation(json!({"paths": ["/v2/{**}"], "notMethods": ["GET"]}))),
        ]);
        let names = ["a-host", "b-method", "c-path", "e-rest"].map(shop);
        let [evil, method, path, rest] = &names;
        decides(host, with(config), vec![
            (Request::get("/").authority("a.EVIL.test:80"), evil),
            (Request::get("/").authority("good.evil.test"), ALLOWED),
            (Request::new("DELETE", "/x"), method),
            (Request::new("DELETE", "/tmp/x"), ALLOWED),
            (Request::get("/users/7/keys"), path),
            (Request::get("/users/7/8/keys"), ALLOWED),
            (Request::get("/a.bak?x"), path),
            (Request::get("/exact"), path),
            (Request::get("/exact/"), ALLOWED),
            (Request::new("PUT", "/v2/a/b"), rest),
            (Request::get("/v2/a/b"), ALLOWED),
        ]);
    }

    fn conditions(host) {
        let config = denying(&[
            ("a-header", when("request.headers[x-env]", &["test-*"])),
            ("b-claim", when("request.auth.claims[realm_access][roles]", &["banned"])),
            ("c-audience", when("request.auth.audiences", &["old"])),
            ("d-presenter", when("request.auth.presenter", &["script*"])),
            ("e-principal", when("request.auth.principal", &["i/mallory"])),
            ("f-remote", when("remote.ip", &["127.0.0.9"])),
            ("g-port", when("destination.port", &["1"])),
            ("h-metadata", when("experimental.envoy.filters.shop[tier]", &["blocked", "[banned]"])),
            ("i-not", json!({"when": [{"key": "request.headers[x-version]", "notValues": ["1", "2"]}]})),
            ("j-destination", when("destination.ip", &["10.0.0.0/8"])),
            ("k-source", when("source.ip", &["127.0.0.11"])),
        ]);
        let get = || Request::get("/").header("x-version", "1");
        let names = ["a-header", "b-claim", "c-audience", "d-presenter", "e-principal", "f-remote", "h-metadata", "i-not", "k-source"].map(shop);
        let [header, claim, audience, presenter, principal, remote, metadata, not, source] = &names;
        decides(host, with(config), vec![
            (get(), ALLOWED),
            (get().header("x-env", "test-1"), header),
            (claims(get(), json!({"realm_access": {"roles": ["a", "banned"]}})), claim),
            (claims(get(), json!({"aud": "old"})), audience),
            (claims(get(), json!({"azp": "script-1"})), presenter),
            (claims(get(), json!({"iss": "i", "sub": "mallory"})), principal),
            (get().peer([127, 0, 0, 9]), remote),
            (get().metadata("envoy.filters.shop", json!({"tier": "blocked"})), metadata),
            (get().metadata("envoy.filters.shop", json!({"tier": ["x", "banned"]})), metadata),
            (Request::get("/").header("x-version", "3"), not),
            (Request::get("/"), not),
            (get().peer([127, 0, 0, 11]), source),
        ]);
    }

    fn conditions_on_the_connection(host) {
        let config = denying(&[
            ("a-sni", when("connection.sni", &["secret.test"])),
            ("b-principal", when("source.principal", &["cluster.local/ns/shop/sa/orders"])),
            ("c-namespace", when("source.namespace", &["billing"])),
            ("d-domain", when("source.trustDomain", &["tollgate.test"])),
        ]);
        let scenario = with(config).settings(|settings| settings.tls = Tls::CertificateOptional);
        let names = ["a-sni", "b-principal", "c-namespace", "d-domain"].map(shop);
        let [sni, principal, namespace, domain] = &names;
        decides(host, scenario, vec![
            (Request::get("/"), ALLOWED),
            (Request::get("/").server_name("secret.test"), sni),
            (Request::get("/").certificate(Certificate::Orders), principal),
            (Request::get("/").certificate(Certificate::Payments), namespace),
            (Request::get("/").certificate(Certificate::A), domain),
        ]);
    }

    fn actions_are_evaluated_in_order(host) {
        let any = json!([{}]);
        let root = json!({
            "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
            "metadata": {"name": "baseline", "namespace": "istio-system"},
            "spec": {"action": "DENY", "rules": [operation(json!({"paths": ["/secret", "/internal"]}))]},
        });
        let config = istio(vec![
            policy("a-deny", "DENY", json!([operation(json!({"paths": ["/secret", "/closed"]}))])),
            policy("allow", "ALLOW", json!([operation(json!({"methods": ["GET"]}))])),
            policy("audit", "AUDIT", any),
            root,
        ]);
        let names = [by("istio-system/baseline-rule[0]"), shop("a-deny")];
        let [baseline, closed] = &names;
        let outcome = decides(host, with(config), vec![
            (Request::get("/"), ALLOWED),
            (Request::get("/secret"), baseline),
            (Request::get("/closed"), closed),
            (Request::new("POST", "/"), NONE),
        ]);
        outcome.has_metric("rbac.policy.shop_audit.logged", 4);
        let nothing = istio(vec![json!({
            "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": {"name": "nothing"}, "spec": {},
        })]);
        decides(host, with(nothing), vec![(Request::get("/"), NONE)]);
    }

    fn a_dry_run_is_only_reported(host) {
        let mut dry = policy("dry", "DENY", json!([operation(json!({"paths": ["/old"]}))]));
        dry["metadata"]["annotations"] = json!({"istio.io/dry-run": "true"});
        let outcome = decides(host, with(istio(vec![dry])), vec![(Request::get("/old"), ALLOWED), (Request::get("/"), ALLOWED)]);
        outcome.has_metric("rbac.shadow_denied.policy", 1).has_metric("rbac.policy.shop_dry.shadow_denied", 1);
    }
}
