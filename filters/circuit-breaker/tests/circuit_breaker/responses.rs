//! Responses to rejected requests, the fallback cluster, and the path for operators.

use crate::support::{fails, of_a, of_one, status, times, with};
use serde_json::{Value, json};
use tollgate_host_test::{
    LogLevel, Request, Response, Route, Scenario, StringMatch, Upstream, VirtualHost, on_both_hosts,
};

const SECRET: &str = "Bearer 0123456789abcdef";

fn fallback() -> Scenario {
    let backup = Route::to("/", "backup").header("x-cluster", StringMatch::Exact("backup".into()));
    let host = VirtualHost::new("all", &["*"]).route(backup).route(Route::to("/", "up"));
    let config = json!({"consecutive_failures": 1, "fallback": {"header": "x-cluster", "value": "backup"}});
    of_one(config)
        .upstream(fails(1, &status(500)))
        .upstream(Upstream::replies("backup", Response::new(200).header("x-from", "backup")))
        .settings(|settings| settings.virtual_hosts = vec![host])
}

fn admin(path: &str, method: &str) -> Request {
    Request::new(method, path).header("authorization", SECRET)
}

on_both_hosts! {
    fn rejections_are_configured(host) {
        let response = json!({"status": 200, "body": "[]", "content_type": "application/json", "headers": [{"name": "x-from", "value": "fallback"}]});
        let config = json!({"consecutive_failures": 1, "response": response});
        let outcome = host.run(&times(of_one(config).upstream(fails(1, &status(500))), 2));
        outcome.client(1).start("200").body("[]").header("content-type", "application/json").header("x-from", "fallback");
        let with_format = json!({"breakers": {"a": {"consecutive_failures": 1}}, "response": {"body_format": "json"}});
        let outcome = host.run(&times(with(with_format).upstream(fails(1, &status(500))), 2));
        let body = String::from_utf8(match &outcome.exchanges[1].client {
            tollgate_host_test::ClientView::Response(response) => response.body(),
            other => panic!("{other:?}"),
        }).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&body["breaker"], &body["reason"]), (&json!("a"), &json!("open")));
    }

    fn grpc_clients_receive_a_grpc_status(host) {
        let call = Request::post("/a.B/C", [0; 5]).header("content-type", "application/grpc");
        let outcome = host.run(&of_one(json!({"mode": "forced_open"})).upstream(fails(0, &status(500))).request(call));
        outcome.client(0).start("200").header("grpc-status", "14").header("grpc-message", "forced_open");
    }

    fn rejected_requests_go_to_the_fallback_cluster(host) {
        let forged = Request::get("/").header("x-cluster", "backup");
        let outcome = host.run(&times(fallback().request(forged), 2));
        outcome.has_statuses(&[500, 200, 200]);
        assert_eq!(outcome.exchanges[0].upstream[0].cluster, "up", "a client cannot select the fallback");
        outcome.client(1).header("x-from", "backup");
        outcome.upstream(1).header("x-cluster", "backup");
        outcome.has_metric(&of_a("fallback"), 2).has_metric(&of_a("rejected"), 0).has_metric(&of_a("success"), 0);
    }

    fn a_client_cannot_select_the_key(host) {
        let backup = Route::to("/", "backup").header("x-cluster", StringMatch::Exact("backup".into()));
        let hosts = VirtualHost::new("all", &["*"]).route(backup).route(Route::to("/", "up"));
        let config = json!({
            "key": [{"cluster": {}}], "consecutive_failures": 1, "fallback": {"header": "x-cluster", "value": "backup"},
        });
        let scenario = of_one(config)
            .upstream(Upstream::answers("up", vec![status(500)]))
            .upstream(Upstream::answers("backup", vec![status(200)]))
            .settings(|settings| settings.virtual_hosts = vec![hosts])
            .request(Request::get("/").header("x-cluster", "backup"))
            .request(Request::get("/"))
            .request(Request::get("/"));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[400, 500, 200]).has_details(0, "circuit_breaker_forged_header");
        outcome.has_metric("circuit_breaker.denied.forged_header", 1);
        assert!(outcome.exchanges[0].upstream.is_empty());
    }

    fn operators_read_and_force_states(host) {
        let config = json!({
            "breakers": {"a": {"consecutive_failures": 1}},
            "admin": {"path": "/.tollgate/breakers", "secret": "0123456789abcdef"},
        });
        let force = |state: &str| admin(&format!("/.tollgate/breakers?breaker=a&force={state}"), "POST");
        let scenario = with(config)
            .upstream(fails(1, &status(500)))
            .request(Request::get("/.tollgate/breakers"))
            .request(force("open"))
            .request(Request::get("/"))
            .request(admin("/.tollgate/breakers", "GET"))
            .request(force("closed"))
            .request(Request::get("/"))
            .request(Request::get("/"))
            .request(force("auto"));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[401, 200, 503, 200, 200, 500, 200, 200]);
        outcome.has_details(2, "circuit_breaker_forced_open");
        let state = r#"{"breakers":[{"failed":0,"mode":"automatic","name":"a","openings":0,"requests":0,"slow":0,"state":"forced_open"}]}"#;
        outcome.client(3).body(state).header("content-type", "application/json").header("cache-control", "no-store");
        outcome.has_logged(LogLevel::Warn, "breaker `a`: closed -> forced_open: forced by an operator");
        outcome.has_metric("circuit_breaker.open.a", 0);
        assert!(outcome.exchanges[0].upstream.is_empty(), "the upstream never receives the path");
    }
}
