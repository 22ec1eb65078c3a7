//! Faults of requests: delays, aborts and resets.

use crate::support::{counter, get, rule, with, with_rule};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{
    Answer, ClientView, Request, Response, RetryPolicy, Route, Upstream, VirtualHost, on_both_hosts,
};

on_both_hosts! {
    fn aborts_with_an_http_status(host) {
        let outcome = host.run(&get(with_rule(json!({"abort": {"percentage": 100, "http_status": 503}})), &["/"]));
        outcome.client(0).start("503").body("fault filter abort").header("x-tollgate-fault", "r;abort");
        outcome.has_details(0, "fault_filter_abort").has_metric(&counter("aborts_injected"), 1);
        outcome.has_metric("fault.rule.r.aborts_injected", 1).has_metric("fault.active_faults", 0);
        assert!(outcome.exchanges[0].upstream.is_empty());
    }

    fn aborts_with_a_body_and_headers(host) {
        let abort = json!({"percentage": 100, "http_status": 429, "body": "slow down", "headers": [
            {"name": "retry-after", "value": "7"}, {"name": "x-team", "value": "%REQ(x-team)%"},
        ]});
        let request = Request::get("/").header("x-team", "red");
        let outcome = host.run(&with_rule(json!({ "abort": abort })).request(request));
        outcome.client(0).start("429").body("slow down").header("retry-after", "7").header("x-team", "red");
    }

    fn aborts_a_grpc_call_by_name_and_by_number(host) {
        for status in [json!("UNAVAILABLE"), json!(14)] {
            let abort = json!({"abort": {"percentage": 100, "grpc_status": status, "body": "down"}});
            let call = Request::post("/shop.Cart/Get", "").header("content-type", "application/grpc");
            let outcome = host.run(&with_rule(abort).request(call).request(Request::get("/")));
            outcome.client(0).start("200").header("grpc-status", "14").header("grpc-message", "down");
            outcome.client(1).start("200").body("down");
        }
    }

    fn derives_the_grpc_status_of_an_http_status(host) {
        let call = Request::post("/shop.Cart/Get", "").header("content-type", "application/grpc");
        let abort = json!({"abort": {"percentage": 100, "http_status": 503}});
        host.run(&with_rule(abort).request(call)).client(0).start("200").header("grpc-status", "14");
    }

    fn delays_a_request(host) {
        let outcome = host.run(&get(with_rule(json!({"delay": {"percentage": 100, "fixed": "120ms"}})), &["/"]));
        outcome.client(0).start("200").header("x-tollgate-fault", "r;delay=120");
        outcome.has_metric(&counter("delays_injected"), 1).has_metric("fault.active_faults", 0);
    }

    fn aborts_after_the_delay(host) {
        let faults = json!({
            "delay": {"percentage": 100, "percentiles": {"table": [{"from": 0, "delay": "30ms"}]}},
            "abort": {"percentage": 100, "http_status": 500},
        });
        let outcome = host.run(&with_rule(faults).request(Request::post("/", "body")));
        outcome.client(0).start("500").header("x-tollgate-fault", "r;delay=30;abort");
        outcome.has_metric(&counter("delays_injected"), 1).has_metric(&counter("aborts_injected"), 1);
    }

    fn resets_a_request(host) {
        let rules = json!([
            rule("now", json!({"match": {"paths": [{"exact": "/now"}]}, "reset": {"percentage": 100}})),
            rule("later", json!({"match": {"paths": [{"exact": "/later"}]}, "reset": {"percentage": 100},
                "delay": {"percentage": 100, "fixed": "20ms"}})),
        ]);
        let outcome = host.run(&get(with(json!({ "rules": rules })), &["/now", "/later", "/"]));
        for reset in [0, 1] {
            assert_eq!(outcome.exchanges[reset].client, ClientView::Reset);
            outcome.has_details(reset, "wasm_close_stream");
        }
        outcome.client(2).start("200").no_header("x-tollgate-fault");
        outcome.has_metric(&counter("resets_injected"), 2).has_metric("fault.active_faults", 0);
    }

    fn a_delayed_body_arrives_whole(host) {
        let scenario = with_rule(json!({"delay": {"percentage": 100, "fixed": "30ms"}}))
            .request(Request::new("POST", "/").chunk("one ").chunk("two").trailer("x-end", "1"));
        let outcome = host.run(&scenario);
        outcome.client(0).start("200");
        outcome.upstream(0).body("one two");
    }

    fn shadow_mode_injects_nothing(host) {
        let config = json!({"shadow": true, "rules": [rule("r", json!({"reset": {"percentage": 100}}))]});
        let outcome = host.run(&get(with(config), &["/"]));
        outcome.client(0).start("200").no_header("x-tollgate-fault");
        outcome.has_metric(&counter("shadow"), 1).has_metric(&counter("resets_injected"), 0);
    }

    /// The router retries a request that a later hop has failed, and the fault is injected once.
    fn a_delay_does_not_change_retries_of_the_router(host) {
        let reply = |status| Answer::Reply { response: Response::new(status), after: Duration::ZERO };
        let policy = RetryPolicy { retry_on: "5xx".into(), num_retries: 1, ..RetryPolicy::default() };
        let routes = VirtualHost::new("shop", &["*"]).route(Route::to("/", "shop").retry(policy));
        let scenario = with_rule(json!({"delay": {"percentage": 100, "fixed": "10ms"}}))
            .upstream(Upstream::answers("shop", vec![reply(503), reply(200)]))
            .settings(|settings| settings.virtual_hosts = vec![routes]);
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.client(0).start("200").header("x-tollgate-fault", "r;delay=10");
        assert_eq!(outcome.exchanges[0].upstream.len(), 2);
        outcome.has_metric(&counter("delays_injected"), 1);
    }
}

/// Timers are exact to the millisecond, on the virtual clock.
#[test]
fn a_delay_takes_its_length() {
    for length in [1, 2, 17, 1_234] {
        let delay = json!({"delay": {"percentage": 100, "fixed": format!("{length}ms")}});
        let mut emulator = Emulator::new(&with_rule(delay)).unwrap();
        let start = emulator.now();
        let handle = emulator.request(0, &Request::get("/"));
        emulator.advance(Duration::from_millis(length) - Duration::from_nanos(1));
        assert!(emulator.exchange(handle).is_none_or(|exchange| exchange.upstream.is_empty()), "{length}");
        emulator.finish_request(handle);
        let took = emulator.now() - start;
        assert!(
            took >= Duration::from_millis(length) && took < Duration::from_millis(length + 1),
            "{took:?}"
        );
    }
}

/// A client that disconnects during a delay frees its slot, its timer and its state.
#[test]
fn a_client_that_disconnects_frees_everything() {
    let config = json!({"max_active_faults": 2, "rules": [rule("r", json!({"delay": {"percentage": 100, "fixed": "1h"}}))]});
    let mut emulator = Emulator::builder(&with(config)).keep_calls(0).start().unwrap();
    emulator.assert_memory_is_steady(2_000, |emulator, _| {
        let handles = [0; 2].map(|worker| emulator.request(worker, &Request::get("/")));
        assert_eq!(emulator.metric("fault.active_faults"), Some(2));
        for handle in handles {
            emulator.hang_up(handle);
        }
        assert_eq!((emulator.metric("fault.active_faults"), emulator.open_streams()), (Some(0), 0));
        emulator.drain();
    });
    assert_eq!(emulator.metric("fault.faults_overflow"), Some(0));
}
