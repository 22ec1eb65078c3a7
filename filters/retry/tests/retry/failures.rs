//! Failures of callouts, and of what the filter needs.

use crate::support::{attempts, config, filter, reply, status, with, with_rule};
use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::{Answer, Filter, Host, Request, Response, Scenario, Upstream, Wasm, on_both_hosts};

fn replay(replay: Value) -> Scenario {
    with_rule(json!({"num_retries": 0, "replay": replay}))
}

on_both_hosts! {
    fn each_failure_of_a_callout_is_retried_and_counted(host) {
        for (failure, reason) in [(Answer::Hang, "timeout"), (Answer::Reset, "unavailable"), (Answer::Refuse, "unavailable")] {
            let scenario = replay(json!({
                "retriable_status_codes": [503], "num_retries": 2, "cluster": "other", "per_try_timeout": "200ms",
            }));
            let other = Upstream::answers("other", vec![failure, status(200)]);
            let scenario = scenario.upstream(Upstream::answers("upstream", vec![status(503)])).upstream(other);
            let outcome = host.run(&scenario.request(Request::get("/")));
            outcome.has_statuses(&[200]).has_metric(&format!("retry.retries.{reason}"), 1);
        }
    }

    fn a_callout_that_breaks_off_is_retried(host) {
        let scenario = replay(json!({"retriable_status_codes": [503], "num_retries": 2, "cluster": "other"}));
        let broken = Answer::ResetMidResponse(Response::new(200).header("content-length", "100").chunk("half"));
        let other = Upstream::answers("other", vec![broken, status(200)]);
        let scenario = scenario.upstream(Upstream::answers("upstream", vec![status(503)])).upstream(other);
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.has_statuses(&[200]).has_metric("retry.retries.reset", 1);
    }

    fn the_first_response_stays_if_every_callout_fails(host) {
        let scenario = replay(json!({"retriable_status_codes": [503], "num_retries": 2, "cluster": "nowhere"}));
        let upstream = Upstream::answers("upstream", vec![reply(Response::new(503).header("x-a", "b").chunk("first"))]);
        let outcome = host.run(&scenario.upstream(upstream).request(Request::get("/")));
        outcome.has_statuses(&[503]).has_metric("retry.retries.unavailable", 1);
        outcome.client(0).header("x-a", "b").body("first").header("x-attempts", "3");
    }

    fn a_response_that_is_too_large_is_not_delivered(host) {
        let scenario = replay(json!({"retriable_status_codes": [503], "max_response_bytes": 5}));
        let upstream = Upstream::answers("upstream", vec![status(503), reply(Response::new(200).chunk("123456"))]);
        let outcome = host.run(&scenario.upstream(upstream).request(Request::get("/")));
        outcome.has_statuses(&[503]).has_metric("retry.response_too_large", 1);
        outcome.client(0).body("503");
    }

    fn a_body_that_is_long_or_without_a_length_passes(host) {
        let json = |name: &str, value: &str, body: &str| reply(
            Response::new(200).header("content-type", "application/json").header(name, value).chunk(body),
        );
        let rule = json!({"num_retries": 0, "replay": {
            "max_response_bytes": 10, "retriable_body": {"field": "/code", "value": {"exact": "1"}},
        }});
        let mut filter = filter().config(config(rule));
        filter.allow_on_headers_stop_iteration = true;
        let body = r#"{"code": 1, "and": "more"}"#;
        let short = r#"{"code":1}"#;
        let upstream = Upstream::answers("upstream", vec![
            json("content-length", &body.len().to_string(), body),
            json("transfer-encoding", "chunked", short),
        ]);
        let scenario = Scenario::new().filter(filter).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::get("/")).request(Request::get("/")));
        outcome.client(0).body(body);
        outcome.client(1).body(short);
        assert_eq!(attempts(&outcome), 2);
    }

    /// A callout would bypass the later filter.
    fn a_rejection_by_a_later_filter_is_not_replayed(host) {
        let rbac = Filter::new(Wasm::package("tollgate-rbac"));
        let rbac = rbac.config(json!({"rules": [{"name": "all", "action": "deny"}]}));
        let scenario = replay(json!({"retriable_status_codes": [403], "num_retries": 2})).filter(rbac);
        let upstream = Upstream::answers("upstream", vec![status(200)]);
        let outcome = host.run(&scenario.upstream(upstream).request(Request::get("/")));
        outcome.has_statuses(&[403]);
        assert_eq!(attempts(&outcome), 0);
    }

    fn a_worker_with_full_memory_replays_nothing(host) {
        let mut config = config(json!({"num_retries": 0, "replay": {"retriable_status_codes": [503]}}));
        config["max_kept_bytes"] = 100.into();
        let upstream = Upstream::answers("upstream", vec![status(503), status(200)]);
        let request = Request::get("/").header("x-long", "x".repeat(200));
        let outcome = host.run(&with(config).upstream(upstream).request(request));
        outcome.has_statuses(&[503]).has_metric("retry.memory_exhausted", 1);
    }

    /// The client gives up. Its request earned one retry, and returned it for the next one.
    fn a_request_without_a_response_returns_its_retries(host) {
        let config = json!({
            "rules": [{"retry_on": "5xx", "num_retries": 2}],
            "retry_budget": {"budget_percent": 100, "min_retries_per_second": 0},
        });
        let upstream = Upstream::answers("upstream", vec![Answer::Hang, status(503)]);
        let mut scenario = with(config).upstream(upstream);
        scenario.settings.client_patience = Duration::from_secs(3);
        let outcome = host.run(&scenario.request(Request::get("/")).request(Request::get("/")));
        assert_eq!(outcome.exchanges[1].upstream.len(), 3);
    }

    fn hostile_requests_trap_nothing(host) {
        let upstream = Upstream::answers("upstream", vec![status(503), status(200)]);
        let scenario = replay(json!({"retriable_status_codes": [503]})).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::get("/").header("x-bytes", b"\xff\xfe")));
        outcome.has_statuses(&[200]);
        assert_eq!(outcome.callouts["upstream"][0].headers.get("x-bytes"), Some(b"\xff\xfe".as_slice()));
    }
}

/// The emulator refuses a connection to a cluster without hosts, and counts it as an attempt.
#[test]
fn a_cluster_without_hosts_falls_back_on_envoy() {
    let scenario = replay(json!({
        "retriable_status_codes": [503], "num_retries": 0, "fallback_cluster": {"cluster": "spare"},
    }));
    let spare = Upstream::answers("spare", vec![status(200)]);
    let scenario = scenario.upstream(Upstream::empty("upstream")).upstream(spare);
    let outcome = Host::Envoy.run(&scenario.request(Request::get("/")));
    outcome.has_statuses(&[200]).has_metric("retry.fallback_used", 1);
}
