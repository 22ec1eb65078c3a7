//! Keys and rules.

use crate::support::{fails, filter, of_a, of_one, status, with};
use serde_json::json;
use tollgate_host_test::{
    Filter, LogLevel, Request, Route, Scenario, Upstream, VirtualHost, Wasm, on_both_hosts,
};
use tollgate_mint::{Signer, jwks};

fn tenant(name: &str, path: &str) -> Request {
    Request::get(path).header("x-tenant", name)
}

on_both_hosts! {
    fn each_tenant_has_its_own_state(host) {
        let config = json!({"key": [{"header": {"name": "x-tenant"}}], "consecutive_failures": 1});
        let scenario = of_one(config).upstream(fails(1, &status(500)));
        let scenario = [("red", "/"), ("red", "/"), ("blue", "/")].iter().fold(scenario, |all, (name, path)| all.request(tenant(name, path)));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[500, 503, 200]).has_metric("circuit_breaker.open.a", 1);
        outcome.has_logged(LogLevel::Warn, "breaker `a` for `red`: closed -> open");
    }

    fn each_cluster_and_route_has_its_own_state(host) {
        for part in ["cluster", "route"] {
            let hosts = VirtualHost::new("all", &["*"])
                .route(Route::to("/good", "good").named("good-route"))
                .route(Route::to("/", "up").named("other-route"));
            let scenario = of_one(json!({"key": [{part: {}}], "consecutive_failures": 1}))
                .upstream(Upstream::answers("up", vec![status(500)]))
                .upstream(Upstream::answers("good", vec![status(200)]))
                .settings(|settings| settings.virtual_hosts = vec![hosts])
                .request(Request::get("/"))
                .request(Request::get("/"))
                .request(Request::get("/good"));
            host.run(&scenario).has_statuses(&[500, 503, 200]);
        }
    }

    fn each_host_and_method_has_its_own_state(host) {
        let by = |part: &str, requests: [Request; 3]| {
            let scenario = of_one(json!({"key": [{part: {}}], "consecutive_failures": 1}));
            let scenario = scenario.upstream(fails(1, &status(500)));
            host.run(&requests.into_iter().fold(scenario, Scenario::request)).has_statuses(&[500, 503, 200]);
        };
        by("host", ["a.test:80", "A.test", "b.test"].map(|host| Request::get("/").authority(host)));
        by("method", ["GET", "GET", "HEAD"].map(|method| Request::new(method, "/")));
    }

    fn each_principal_and_filter_state_has_its_own_state(host) {
        let token = |sub: &str| {
            let claims = json!({"iss": "https://issuer.test", "sub": sub, "exp": 4_000_000_000_u64});
            Request::get("/").header("authorization", format!("Bearer {}", Signer::rs256().token(&claims)))
        };
        let provider = json!({"issuer": "https://issuer.test", "local_jwks": {"inline_string": jwks(&[&Signer::rs256()])}});
        let jwt = Filter::new(Wasm::package("tollgate-jwt-authn"))
            .config(json!({"providers": {"main": provider}, "rules": [{"requires": {"provider_name": "main"}}]}));
        for part in [json!({"principal": {}}), json!({"filter_state": {"name": "wasm.jwt_authn.principal"}})] {
            let breaker = json!({"breakers": {"a": {"key": [part], "consecutive_failures": 1}}});
            let scenario = Scenario::new().filter(jwt.clone()).filter(filter().config(breaker));
            let scenario = scenario.upstream(fails(1, &status(500)));
            let outcome = host.run(&["red", "red", "blue"].map(token).into_iter().fold(scenario, Scenario::request));
            outcome.has_statuses(&[500, 503, 200]);
            outcome.has_logged(LogLevel::Warn, "breaker `a` for `https://issuer.test/red`: closed -> open");
        }
    }

    fn rules_select_breakers(host) {
        let config = json!({
            "breakers": {"a": {"consecutive_failures": 1}, "b": {"consecutive_failures": 1}},
            "rules": [
                {"match": {"paths": [{"template": "/orders/**"}]}, "breakers": ["a"]},
                {"match": {"paths": [{"template": "/stock/**"}]}, "breakers": ["a", "b"]},
            ],
        });
        let scenario = with(config).upstream(Upstream::answers("up", vec![status(500)]));
        let paths = ["/", "/", "/orders/1", "/stock/1", "/"];
        let outcome = host.run(&paths.iter().fold(scenario, |all, path| all.request(Request::get(path))));
        outcome.has_statuses(&[500, 500, 500, 503, 500]);
        outcome.has_metric(&of_a("rejected"), 1).has_metric("circuit_breaker.breaker.b.failure", 0);
    }

    fn a_key_beyond_the_bound_evicts_another(host) {
        let config = json!({
            "breakers": {"a": {"key": [{"host": {}}], "consecutive_failures": 1}}, "max_keys": 1,
        });
        let scenario = with(config).upstream(fails(1, &status(500)));
        let hosts = (0..20).map(|index| Request::get("/").authority(&format!("h{index}.test")));
        let scenario = hosts.fold(scenario, |all, request| all.request(request));
        let outcome = host.run(&scenario.request(Request::get("/").authority("h0.test")));
        outcome.has_details(20, "circuit_breaker_open");
        outcome.has_metric(&of_a("evicted"), 16);
    }
}
