//! A second attempt while the first one waits for a response.

use crate::support::{attempts, slow, status, with_rule};
use serde_json::{Value, json};
use tollgate_host_test::{Answer, Request, Scenario, Upstream, on_both_hosts};

fn hedging(hedge: Value) -> Scenario {
    with_rule(json!({"num_retries": 0, "replay": {"retriable_status_codes": ["5xx"], "hedge": hedge}}))
}

on_both_hosts! {
    fn the_second_attempt_wins(host) {
        let upstream = Upstream::answers("upstream", vec![slow(200, 3_000), status(202)]);
        let scenario = hedging(json!({"delay": "100ms"})).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.has_statuses(&[202]).has_details(0, "retry_hedged");
        outcome.has_metric("retry.hedge_won", 1).has_metric("retry.retries.hedge", 1);
    }

    fn the_first_attempt_wins(host) {
        let upstream = Upstream::answers("upstream", vec![slow(200, 400), slow(202, 3_000)]);
        let scenario = hedging(json!({"delay": "100ms"})).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.has_statuses(&[200]).has_metric("retry.retries.hedge", 1);
    }

    fn a_first_attempt_that_fails_waits_for_the_second(host) {
        let upstream = Upstream::answers("upstream", vec![slow(503, 300), slow(202, 600)]);
        let scenario = hedging(json!({"delay": "100ms"})).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.has_statuses(&[202]).has_metric("retry.hedge_won", 1);
        outcome.client(0).body("202");
        assert_eq!(attempts(&outcome), 2);
    }

    fn both_attempts_fail_before_the_next_one(host) {
        let upstream = Upstream::answers("upstream", vec![slow(503, 300), slow(500, 600), status(200)]);
        let rule = json!({"retriable_status_codes": ["5xx"], "num_retries": 2, "hedge": {"delay": "100ms"}});
        let scenario = with_rule(json!({"num_retries": 0, "replay": rule})).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.has_statuses(&[200]).has_metric("retry.retries.status", 1);
        assert_eq!(attempts(&outcome), 3);
    }

    fn a_fast_response_needs_no_second_attempt(host) {
        let upstream = Upstream::answers("upstream", vec![status(200), status(202)]);
        let mut scenario = hedging(json!({"delay": "2s"})).upstream(upstream);
        scenario.settings.linger = std::time::Duration::from_millis(2_500);
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.has_statuses(&[200]);
        assert_eq!(attempts(&outcome), 1);
    }

    fn a_second_attempt_that_fails_is_ignored(host) {
        let upstream = Upstream::answers("upstream", vec![slow(200, 500), status(503)]);
        let outcome = host.run(&hedging(json!({"delay": "100ms"})).upstream(upstream).request(Request::get("/")));
        outcome.has_statuses(&[200]).has_metric("retry.retries.hedge", 1);
    }

    fn a_percentile_of_the_responses_is_the_delay(host) {
        let mut answers = vec![status(200); 10];
        answers.extend([Answer::Hang, status(202)]);
        let hedge = json!({"percentile": {"percent": 90, "min_samples": 10, "min_delay": "150ms"}});
        let mut scenario = hedging(hedge).upstream(Upstream::answers("upstream", answers));
        scenario.requests = vec![Request::get("/"); 11];
        let outcome = host.run(&scenario);
        assert_eq!(outcome.statuses()[10], 202);
        assert_eq!(attempts(&outcome), 12);
    }

    fn an_unsafe_request_is_not_hedged(host) {
        let upstream = Upstream::answers("upstream", vec![slow(200, 400), status(202)]);
        let scenario = hedging(json!({"delay": "100ms"})).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::post("/", "order")));
        outcome.has_statuses(&[200]);
        assert_eq!(attempts(&outcome), 1);
    }
}
