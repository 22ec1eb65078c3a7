//! Results: what the upstream does, and how it is counted.

use crate::support::{after, fails, of_a, of_one, status, three, times};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{
    Answer, Filter, Host, Outcome, PathMatch, Request, Response, Route, RouteAction, Scenario, Upstream,
    VirtualHost, Wasm, on_both_hosts,
};

/// Sends five requests to an upstream that fails three times.
fn opened_by(host: Host, failure: &Answer) -> Outcome {
    let scenario = of_one(three()).upstream(fails(3, failure));
    let scenario = scenario.settings(|settings| settings.route_timeout = Duration::from_millis(300));
    let outcome = host.run(&times(scenario, 5));
    outcome.has_details(3, "circuit_breaker_open").has_details(4, "circuit_breaker_open");
    outcome.has_metric(&of_a("failure"), 3).has_metric(&of_a("opened"), 1);
    outcome
}

fn grpc(status: u32) -> Answer {
    Answer::Grpc {
        initial_metadata: Default::default(),
        messages: vec![b"x".to_vec()],
        status,
        message: Vec::new(),
        after: Duration::ZERO,
    }
}

fn call() -> Request {
    Request::post("/a.B/C", [0; 5]).header("content-type", "application/grpc").header("te", "trailers")
}

on_both_hosts! {
    fn resets_are_failures(host) {
        let outcome = opened_by(host, &Answer::Reset);
        outcome.has_statuses(&[503, 503, 503, 503, 503]);
    }

    fn refused_connections_are_failures(host) {
        let upstream = Upstream::answers("up", vec![Answer::Refuse]);
        let outcome = host.run(&times(of_one(three()).upstream(upstream), 4));
        outcome.has_statuses(&[503; 4]).has_details(3, "circuit_breaker_open").has_metric(&of_a("failure"), 3);
    }

    fn timeouts_are_failures(host) {
        let outcome = opened_by(host, &after(Duration::from_secs(2), 200));
        outcome.has_statuses(&[504, 504, 504, 503, 503]);
        outcome.has_details(0, "response_timeout");
    }

    fn a_cluster_without_hosts_is_a_failure(host) {
        let outcome = host.run(&times(of_one(three()).upstream(Upstream::empty("up")), 4));
        outcome.has_statuses(&[503; 4]).has_details(3, "circuit_breaker_open").has_metric(&of_a("failure"), 3);
    }

    fn statuses_of_grpc_in_trailers_are_failures(host) {
        let upstream = Upstream::grpc("up", [14, 12, 14, 14, 14, 0].map(grpc).to_vec());
        let scenario = (0..6).fold(of_one(three()).upstream(upstream), |scenario, _| scenario.request(call()));
        let outcome = host.run(&scenario);
        outcome.client(1).trailer("grpc-status", "12");
        outcome.client(5).start("200").header("grpc-status", "14");
        outcome.has_details(5, "circuit_breaker_open");
        outcome.has_metric(&of_a("failure"), 4).has_metric(&of_a("success"), 1);
    }

    fn statuses_of_grpc_in_headers_are_failures(host) {
        let only_headers = |status| {
            let response = Response::new(200).header("content-type", "application/grpc");
            Answer::Reply { response: response.header("grpc-status", status), after: Duration::ZERO }
        };
        let answers = ["14", "12", "5", "14", "2", "13"].map(only_headers).to_vec();
        let scenario = (0..7).fold(of_one(three()).upstream(Upstream::answers("up", answers)), |all, _| all.request(call()));
        let outcome = host.run(&scenario);
        outcome.has_details(5, "via_upstream").has_details(6, "circuit_breaker_open");
        outcome.has_metric(&of_a("failure"), 4).has_metric(&of_a("success"), 1).has_metric(&of_a("ignored"), 1);
    }

    fn a_response_that_breaks_off_is_a_failure_if_configured(host) {
        let breaks = Answer::ResetMidResponse(Response::new(200).header("content-length", "10").chunk("12345"));
        for (complete, failures) in [(false, 0), (true, 2)] {
            let config = json!({"consecutive_failures": 9, "failures": {"incomplete_responses": complete}});
            let outcome = host.run(&times(of_one(config).upstream(fails(2, &breaks)), 3));
            outcome.has_metric(&of_a("failure"), failures).has_metric(&of_a("success"), 3 - failures);
        }
    }

    fn errors_of_clients_and_quotas_are_no_failures(host) {
        let upstream = Upstream::answers("up", [404, 429, 400, 429, 401, 200].map(status).to_vec());
        let outcome = host.run(&times(of_one(json!({"consecutive_failures": 1})).upstream(upstream), 6));
        outcome.has_statuses(&[404, 429, 400, 429, 401, 200]);
        outcome.has_metric(&of_a("success"), 1).has_metric(&of_a("ignored"), 5).has_metric(&of_a("failure"), 0);
    }

    fn rejections_by_later_filters_are_no_failures(host) {
        let limit = json!({"limits": {"all": {"rates": [{"token_bucket": {"max_tokens": 1, "fill_interval": "1h"}}]}}, "response": {"status": 503}});
        let limiter = Filter::new(Wasm::package("tollgate-rate-limit")).config(limit);
        let scenario = of_one(json!({"consecutive_failures": 1})).filter(limiter).upstream(fails(0, &status(500)));
        let outcome = host.run(&times(scenario, 4));
        outcome.has_statuses(&[200, 503, 503, 503]).has_details(3, "local_rate_limited");
        outcome.has_metric(&of_a("ignored"), 3).has_metric(&of_a("opened"), 0);
    }

    fn responses_of_the_proxy_are_no_successes(host) {
        let direct = |path: &str, status| {
            let action = RouteAction::DirectResponse { status, body: "x".into() };
            Route::new(PathMatch::Prefix(path.into()), action)
        };
        let hosts = VirtualHost::new("all", &["*"])
            .route(direct("/direct", 200))
            .route(direct("/moved", 302))
            .route(Route::to("/", "up"));
        let scenario = of_one(json!({"consecutive_failures": 2}))
            .upstream(Upstream::answers("up", vec![status(500)]))
            .settings(|settings| settings.virtual_hosts = vec![hosts]);
        let paths = ["/", "/direct", "/moved", "/", "/"];
        let outcome = host.run(&paths.iter().fold(scenario, |all, path| all.request(Request::get(path))));
        outcome.has_statuses(&[500, 200, 302, 500, 503]);
        outcome.has_metric(&of_a("ignored"), 2).has_metric(&of_a("success"), 0).has_metric(&of_a("failure"), 2);
    }

    fn configured_statuses_and_headers_are_failures(host) {
        let config = json!({
            "consecutive_failures": 2,
            "failures": {"statuses": [418], "headers": [{"name": "x-fault", "present": true}]},
        });
        let marked = Answer::Reply { response: Response::new(200).header("x-fault", "1"), after: Duration::ZERO };
        let upstream = Upstream::answers("up", vec![status(500), marked, status(418), status(200)]);
        let outcome = host.run(&times(of_one(config).upstream(upstream), 4));
        outcome.has_statuses(&[500, 200, 418, 503]);
    }

    fn replayed_responses_count_as_those_of_the_upstream(host) {
        let with_body = |status| Answer::Reply { response: Response::new(status).chunk("x"), after: Duration::ZERO };
        for (answer, fallback, event) in [
            (status(503), false, "success"),
            (with_body(503), false, "success"),
            (status(503), true, "failure"),
            // It replaces the body of a response of the upstream, and so counts by its status.
            (with_body(503), true, "success"),
        ] {
            let mut replay = json!({"num_retries": 1, "retriable_status_codes": [503]});
            if fallback {
                replay["fallback_response"] = json!({"status": 200, "body": "[]"});
            }
            let retry = Filter::new(Wasm::package("tollgate-retry"))
                .config(json!({"rules": [{"num_retries": 0, "replay": replay}]}));
            let answers = if fallback { vec![answer] } else { vec![answer, with_body(200)] };
            let scenario = of_one(json!({"consecutive_failures": 9})).filter(retry).upstream(Upstream::answers("up", answers));
            let outcome = host.run(&scenario.request(Request::get("/")));
            outcome.has_statuses(&[200]).has_metric(&of_a(event), 1);
        }
    }

    fn a_client_that_gives_up_can_be_slow(host) {
        let config = json!({"minimum_requests": 2, "slow_requests": {"duration": "100ms"}});
        let scenario = of_one(config).upstream(Upstream::answers("up", vec![Answer::Hang, Answer::Hang, status(200)]));
        let scenario = scenario.settings(|settings| settings.client_patience = Duration::from_millis(400));
        // The body of the second request has ended before the client gives up.
        let outcome = host.run(&times(times(scenario, 1).request(Request::post("/", "body")), 1));
        outcome.has_statuses(&[0, 0, 503]).has_metric(&of_a("slow"), 2).has_metric(&of_a("failure"), 2);
    }
}

/// A response to a request from before the breaker opened.
#[test]
fn late_responses_do_not_count() {
    use tollgate_host_test::emulator::Emulator;
    let slow =
        Upstream::answers("up", vec![after(Duration::from_secs(1), 500)]).on("/now", vec![status(500)]);
    let scenario: Scenario = of_one(three()).upstream(slow);
    let mut emulator = Emulator::new(&scenario).unwrap();
    let late = [0, 1].map(|_| emulator.request(0, &Request::get("/")));
    for _ in 0..3 {
        let now = emulator.request(0, &Request::get("/now"));
        emulator.finish_request(now);
    }
    assert_eq!(emulator.metric(&of_a("opened")), Some(1));
    emulator.advance(Duration::from_secs(3));
    assert!(late.iter().all(|handle| emulator.exchange(*handle).is_some()));
    assert_eq!(
        [of_a("late"), of_a("failure"), of_a("opened")].map(|name| emulator.metric(&name)),
        [Some(2), Some(3), Some(1)]
    );
}
