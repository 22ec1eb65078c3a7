//! Failed calls of all kinds.

use crate::support::*;
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response, Scenario, Upstream, on_both_hosts};

/// Failing answers. Never five in a row that would pause the calls.
fn none() -> Vec<Answer> {
    let reply = |response| Answer::Reply { response, after: Duration::ZERO };
    let grpc = || Response::new(200).header("content-type", "application/grpc");
    vec![
        Answer::Hang,
        status(13),
        Answer::Reset,
        message(b"\xff\xff no message".to_vec()),
        status(14),
        // A message, and no decision.
        message(Vec::new()),
        reply(Response::new(503).chunk("busy")),
        message(vec![0; 100_000]),
        Answer::ResetMidResponse(grpc().chunk("\0\0\0\0\u{2}\u{8}").chunk("\u{1}")),
        reply(grpc()),
        status(8),
        // No message, and yet it is well.
        status(0),
        reply(Response::new(200).chunk("<html>")),
        status(4),
    ]
}

fn each(mode: &str) -> Scenario {
    let answers = none();
    let requests: Vec<Request> = (0..answers.len()).map(|at| of(&at.to_string())).collect();
    let more = json!({"rate_limit_service": {"failure_mode": mode, "timeout": "1s"}});
    requests.into_iter().fold(asks(more, answers), Scenario::request)
}

on_both_hosts! {
    fn invalid_answers_are_allowed_with_failure_mode_allow(host) {
        let outcome = host.run(&each("allow"));
        let all = none().len();
        outcome.has_statuses(&vec![200; all]);
        assert_eq!(asked(&outcome).len(), all);
        outcome.has_metric("rate_limit.failure_mode_allowed", all as u64);
        outcome.has_metric("rate_limit.limit.clients.error", all as u64).has_metric("rate_limit.limit.clients.ok", 0);
    }

    fn invalid_answers_are_rejected_with_failure_mode_deny(host) {
        let outcome = host.run(&each("deny"));
        let all = none().len();
        outcome.has_statuses(&vec![503; all]).has_details(0, "rate_limiter_error");
        outcome.client(0).no_header("x-envoy-ratelimited").no_header("retry-after");
        outcome.has_metric("rate_limit.denied.rate_limiter_error", all as u64);
        outcome.has_metric("rate_limit.limit.clients.error", all as u64);
    }

    fn a_missing_service_rejects_with_status_on_error(host) {
        for service in [Upstream::empty(CLUSTER), Upstream::grpc(CLUSTER, vec![Answer::Refuse]), Upstream::grpc("other", vec![says(&ok())])] {
            let scenario = Scenario::new()
                .filter(filter().config(config(json!({"status_on_error": 500, "rate_limit_service": {"failure_mode_deny": true}}))))
                .upstream(Upstream::replies("backend", Response::new(200)))
                .upstream(service);
            // More than it takes to stop asking.
            let outcome = host.run(&(0..8).fold(scenario, |scenario, _| scenario.request(of("a"))));
            outcome.has_statuses(&[500; 8]).has_metric("rate_limit.denied.rate_limiter_error", 8);
        }
    }

    fn a_shadow_limit_rejects_nothing_without_the_service(host) {
        let more = json!({"limits": {"clients": {"shadow": true}}, "rate_limit_service": {"failure_mode": "deny"}});
        let outcome = host.run(&asks(more, vec![status(13)]).request(of("a")));
        outcome.has_statuses(&[200]).has_metric("rate_limit.shadow_denied.rate_limiter_error", 1);
    }
}
