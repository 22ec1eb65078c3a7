//! Headers of the service beside others, several limits of the service, and costs that a response determines.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{Answer, LogLevel, Response, Scenario, Upstream, on_both_hosts};
use tollgate_rate_limit_service::{Code, Response as Said};

/// The service, in front of a backend with these headers.
fn before(more: Value, answers: Vec<Answer>, headers: &[(&str, &str)]) -> Scenario {
    let response =
        headers.iter().fold(Response::new(200), |response, (name, value)| response.header(name, value));
    Scenario::new()
        .filter(filter().config(config(more)))
        .upstream(Upstream::replies("backend", response.chunk("ok")))
        .upstream(Upstream::grpc(CLUSTER, answers))
}

/// Two limits of the service.
fn two_limits() -> Value {
    let team = json!({"request_headers": {"header_name": "x-team", "descriptor_key": "team"}});
    json!({"limits": {"teams": {"key": [team], "service": {}}}})
}

/// Allows a request of 0 tokens, and counts those of the response.
fn tokens() -> Value {
    json!({"limits": {"clients": {
        "cost": {"number": 0},
        "on_response": {"cost_header": {"name": "x-used", "max": 100_000}},
    }}})
}

on_both_hosts! {
    fn headers_of_the_service_join_those_of_the_messages(host) {
        let answer = Said {
            response_headers_to_add: vec![header("set-cookie", "b=2"), header("set-cookie", "c=3")],
            request_headers_to_add: vec![header("x-tag", "two"), header("x-tag", "three")],
            ..ok()
        };
        let scenario = before(json!({}), vec![says(&answer)], &[("set-cookie", "a=1")]);
        let outcome = host.run(&scenario.request(of("a").header("x-tag", "one")));
        outcome.client(0).headers("set-cookie", &["a=1", "b=2", "c=3"]);
        outcome.upstream(0).headers("x-tag", &["one", "two", "three"]);
    }

    fn a_rejection_keeps_all_headers_of_the_service(host) {
        let answer = Said {
            response_headers_to_add: vec![
                header("set-cookie", "b=2"), header("set-cookie", "c=3"), header("content-type", "text/html"),
                header("retry-after", "7"),
            ],
            statuses: vec![standing(Code::OverLimit, 100, 0, 1800)],
            ..over()
        };
        let more = json!({"response": {"body_format": "json"}});
        let outcome = host.run(&asks(more, vec![says(&answer)]).request(of("a")).request(of("a")));
        outcome.has_statuses(&[429, 429]);
        for index in 0..2 {
            let client = outcome.client(index);
            client.headers("set-cookie", &["b=2", "c=3"]).header("content-type", "text/html").header("retry-after", "7");
        }
    }

    fn a_cached_rejection_by_several_limits_is_the_same(host) {
        let answer = Said {
            statuses: vec![standing(Code::OverLimit, 100, 0, 16), standing(Code::OverLimit, 5, 0, 899)],
            ..over()
        };
        let request = || of("a").header("x-team", "t");
        let outcome = host.run(&asks(two_limits(), vec![says(&answer)]).request(request()).request(request()));
        outcome.has_statuses(&[429, 429]);
        assert_eq!(asked(&outcome).len(), 1);
        for index in 0..2 {
            outcome.client(index).header_that("retry-after", "900 s", |text| ["899", "900"].contains(&text));
            outcome.client(index).header_that("ratelimit", "both", |text| {
                text.starts_with(r#""clients";r=0;t=1"#) && text.contains(r#", "teams";r=0;t="#)
            });
        }
    }

    fn the_service_counts_the_tokens_of_a_response(host) {
        let scenario = before(tokens(), vec![says(&ok()), says(&ok()), says(&over())], &[("x-used", "1200")]);
        // The answers to the second call and to the third one arrive before the next request.
        let later = Duration::from_millis(300);
        let outcome = host.run(&scenario.request(of("a")).request(of("a").after(later)).request(of("a").after(later)));
        outcome.has_statuses(&[200, 429, 429]);
        let calls = asked(&outcome);
        let hits: Vec<_> = calls
            .iter()
            .map(|call| call.descriptors[0].hits_addend.map_or(u64::from(call.hits_addend), |hits| hits.value))
            .collect();
        // A rejection without a time is cached for 50 ms.
        assert_eq!(hits, [0, 1200, 0, 0]);
    }

    fn a_missing_cluster_is_in_the_log(host) {
        let scenario = Scenario::new()
            .filter(filter().config(config(json!({}))))
            .upstream(Upstream::replies("backend", Response::new(200)));
        let outcome = host.run(&scenario.request(of("a")).request(of("b")));
        outcome.has_statuses(&[200, 200]).has_metric("rate_limit.failure_mode_allowed", 2);
        outcome.has_logged(LogLevel::Warn, "cluster `limits` does not exist");
        let lines = outcome.logs.iter().filter(|line| line.text.contains("cluster `limits`"));
        assert_eq!(lines.count(), 1, "once for an outage");
    }
}

/// With leases, requests join the call of another one; none of them waits for more than one timeout.
#[test]
fn no_request_waits_for_more_than_one_timeout() {
    let timeout = Duration::from_millis(50);
    let more = json!({"rate_limit_service": {"timeout": "50ms", "failure_mode": "deny"}});
    let mut emulator = Emulator::new(&asks(more, vec![says(&ok()), Answer::Hang])).unwrap();
    let first = emulator.request(0, &of("a"));
    emulator.finish_request(first);
    for _ in 0..40 {
        let request = emulator.request(0, &of("a"));
        emulator.advance(Duration::from_millis(1));
        let _ = request;
    }
    let last = emulator.request(0, &of("a"));
    emulator.advance(timeout + Duration::from_millis(1));
    assert!(emulator.exchange(last).is_some(), "the last request still waits");
    assert_eq!(emulator.open_streams(), 0);
    assert!(emulator.traps().is_empty());
}
