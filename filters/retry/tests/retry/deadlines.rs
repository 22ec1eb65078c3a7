//! Deadlines: forwarded, capped, rejected.

use crate::support::{reply, slow, status, with_rule};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response, Upstream, on_both_hosts};

on_both_hosts! {
    fn the_upstream_receives_the_remaining_time(host) {
        let rule = json!({"deadline": {"max": "2s", "header": {"name": "x-deadline-ms"}}});
        let outcome = host.run(
            &with_rule(rule)
                .request(Request::get("/").header("x-deadline-ms", "500"))
                .request(Request::get("/").header("x-deadline-ms", "99999"))
                .request(Request::post("/a.B/C", "\0\0\0\0\0").header("content-type", "application/grpc").header("grpc-timeout", "1S")),
        );
        let within = |low: u64, high: u64| move |text: &str| text.parse::<u64>().is_ok_and(|ms| low < ms && ms <= high);
        outcome.upstream(0).header_that("x-deadline-ms", "at most 500", within(100, 500));
        outcome.upstream(1).header_that("x-deadline-ms", "at most 2000", within(1_000, 2_000));
        outcome.upstream(0).header_that("x-envoy-expected-rq-timeout-ms", "at most 500", within(100, 500));
        let micros = |text: &str| text.strip_suffix('u').and_then(|n| n.parse::<u64>().ok()).is_some_and(|us| us <= 1_000_000);
        outcome.upstream(2).header_that("grpc-timeout", "microseconds", micros);
    }

    fn a_request_ends_at_its_deadline(host) {
        let rule = json!({"timeout": "10s", "deadline": {"header": {"name": "x-deadline-ms"}}});
        let upstream = Upstream::answers("upstream", vec![slow(200, 3_000)]);
        let request = |ms: &str| Request::post("/", "x").header("x-deadline-ms", ms);
        let outcome = host.run(&with_rule(rule).upstream(upstream).request(request("200")).request(request("0")));
        outcome.has_statuses(&[504, 504]).has_details(1, "retry_deadline_exceeded");
        assert_eq!(outcome.exchanges[1].upstream.len(), 0);
        outcome.has_metric("retry.deadline_exceeded", 1);
    }

    fn a_grpc_client_gets_its_status(host) {
        let call = Request::post("/a.B/C", "\0\0\0\0\0").header("content-type", "application/grpc").header("grpc-timeout", "0m");
        let outcome = host.run(&with_rule(json!({"deadline": {"max": "2s"}})).request(call));
        outcome.client(0).header("grpc-status", "4");
    }

    /// Envoy issue 24316.
    fn a_retry_after_beyond_the_deadline_fails_at_once(host) {
        let rule = json!({
            "num_retries": 0, "deadline": {"max": "2s"},
            "replay": {"retriable_status_codes": [429], "max_retry_after": "1h"},
        });
        let busy = |after: &str| reply(Response::new(429).header("retry-after", after).chunk("busy"));
        let upstream = Upstream::answers("upstream", vec![busy("60"), busy("1"), status(200)]);
        let outcome = host.run(&with_rule(rule).upstream(upstream).request(Request::get("/")).request(Request::get("/")));
        outcome.has_statuses(&[429, 200]).has_metric("retry.retry_after_too_long", 1);
        outcome.client(0).header("retry-after", "60").body("busy");
    }

    fn no_replay_starts_that_cannot_finish(host) {
        let rule = json!({
            "num_retries": 0, "deadline": {"max": "400ms", "min_remaining": "350ms"},
            "replay": {"retriable_status_codes": [503]},
        });
        let upstream = Upstream::answers("upstream", vec![
            Answer::Reply { response: Response::new(503).chunk("no"), after: Duration::from_millis(150) },
            status(200),
        ]);
        let outcome = host.run(&with_rule(rule).upstream(upstream).request(Request::get("/")));
        outcome.has_statuses(&[503]).has_metric("retry.deadline_too_short", 1);
    }
}
