//! Decisions about requests: steering, precedence, safety, the budget.

use super::{Host, decide, decide_about, fields, policy, rule, written};
use crate::{CONTROLS, Event, Policy};
use proptest::prelude::*;
use tollgate_counting::Failure;
use tollgate_policy::is_valid_value;

const ONCE: [&str; 1] = ["x-envoy-max-retries: 0"];

fn edits(policy: &mut Policy, method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<String> {
    written(&decide(policy, &fields(method, path, headers), &mut Host::default()).edits)
}

#[test]
fn a_rule_sets_all_headers_of_the_router() {
    let mut policy = rule(
        r#"{"retry_on": "5xx,retriable-headers,unavailable,429", "num_retries": 2,
            "retriable_headers": ["X-Again"], "per_try_timeout": "250ms", "timeout": "1s",
            "hedge_on_per_try_timeout": true}"#,
    );
    let mut host = Host::default();
    let decision = decide(&mut policy, &fields("GET", "/", &[]), &mut host);
    assert_eq!(
        written(&decision.edits),
        [
            "x-envoy-hedge-on-per-try-timeout: true",
            "x-envoy-max-retries: 2",
            "x-envoy-retriable-header-names: x-again",
            "x-envoy-retriable-status-codes: 429",
            "x-envoy-retry-grpc-on: unavailable",
            "x-envoy-retry-on: 5xx,retriable-headers,retriable-status-codes",
            "x-envoy-upstream-rq-per-try-timeout-ms: 250",
            "x-envoy-upstream-rq-timeout-ms: 1000",
        ]
    );
    assert_eq!(host.events, [Event::Steered]);
}

/// The router would end the attempt, instead of keeping it beside the next one.
#[test]
fn without_a_retry_a_hedged_attempt_has_the_whole_time() {
    let mut policy =
        rule(r#"{"per_try_timeout": "250ms", "timeout": "1s", "hedge_on_per_try_timeout": true}"#);
    let expected = ["x-envoy-max-retries: 0", "x-envoy-upstream-rq-timeout-ms: 1000"];
    assert_eq!(edits(&mut policy, "POST", "/", &[]), expected);
}

#[test]
fn removes_every_header_of_a_client() {
    let sent: Vec<_> = CONTROLS.iter().map(|name| (name.as_str(), "9")).collect();
    let mut policy = policy(r#"{"rules": [{"match": {"methods": ["GET"]}}]}"#);
    let mut removed: Vec<_> = CONTROLS.iter().map(|name| format!("-{}", name.as_str())).collect();
    removed.sort();
    assert_eq!(edits(&mut policy, "POST", "/", &sent), removed);
    // Those that the filter sets replace the client's.
    let set = edits(&mut policy, "GET", "/", &sent);
    assert!(set.contains(&"x-envoy-max-retries: 1".to_owned()), "{set:?}");
    assert!(set.contains(&"-x-envoy-upstream-rq-timeout-ms".to_owned()), "{set:?}");
    assert_eq!(set.len(), CONTROLS.len());
}

#[test]
fn a_client_can_ask_for_less() {
    let json = r#"{"client_headers": "cap", "retry_budget": {"min_retries_per_second": 1000}, "rules": [
        {"retry_on": "5xx,reset,503,unavailable", "num_retries": 3, "timeout": "2s", "per_try_timeout": "500ms",
         "hedge_on_per_try_timeout": true}]}"#;
    let mut policy = policy(json);
    for (headers, expected) in [
        (vec![("x-envoy-max-retries", "1")], "x-envoy-max-retries: 1"),
        (vec![("x-envoy-max-retries", "9")], "x-envoy-max-retries: 3"),
        (vec![("x-envoy-max-retries", "-1")], "x-envoy-max-retries: 3"),
        (vec![("x-envoy-max-retries", "2"), ("x-envoy-max-retries", "1")], "x-envoy-max-retries: 1"),
        (vec![("x-envoy-retry-on", "reset, retriable-4xx")], "x-envoy-retry-on: reset"),
        (vec![("x-envoy-retry-on", "x"), ("x-envoy-retry-grpc-on", "internal")], "x-envoy-max-retries: 0"),
        (vec![("x-envoy-upstream-rq-timeout-ms", "100")], "x-envoy-upstream-rq-timeout-ms: 100"),
        (vec![("x-envoy-upstream-rq-timeout-ms", "0")], "x-envoy-upstream-rq-timeout-ms: 2000"),
        (vec![("x-envoy-upstream-rq-timeout-ms", "9999")], "x-envoy-upstream-rq-timeout-ms: 2000"),
        (vec![("x-envoy-upstream-rq-per-try-timeout-ms", "7")], "x-envoy-upstream-rq-per-try-timeout-ms: 7"),
    ] {
        let edits = edits(&mut policy, "GET", "/", &headers);
        assert!(edits.contains(&expected.to_owned()), "{headers:?}: {edits:?}");
    }
    let edits = edits(&mut policy, "GET", "/", &[("x-envoy-hedge-on-per-try-timeout", "false")]);
    assert!(edits.contains(&"-x-envoy-hedge-on-per-try-timeout".to_owned()), "{edits:?}");
}

#[test]
fn only_safe_requests_are_retried() {
    let mut policy = rule(r#"{"safe": {"grpc_methods": [{"exact": "/shop.Stock/Get"}]}}"#);
    let grpc = ("content-type", "application/grpc+proto");
    let key = ("idempotency-key", "8e03978e");
    for (method, path, headers, safe) in [
        ("GET", "/", vec![], true),
        ("DELETE", "/", vec![], true),
        ("POST", "/", vec![], false),
        ("PATCH", "/", vec![], false),
        ("get", "/", vec![], false),
        ("POST", "/", vec![key], true),
        ("POST", "/", vec![("idempotency-key", "")], false),
        ("POST", "/shop.Stock/Get", vec![grpc], true),
        ("POST", "/shop.Stock/Put", vec![grpc], false),
        ("POST", "/shop.Stock/Put", vec![grpc, key], true),
        ("POST", "/shop.Stock/Get", vec![], false),
        ("GET", "/shop.Stock/Put", vec![grpc], false),
        ("POST", "/shop.Stock/Get", vec![("content-type", "application/grpc-web")], false),
    ] {
        let fields = fields(method, path, &headers);
        let mut host = Host::default();
        let decision = decide(&mut policy, &fields, &mut host);
        let event = if safe { Event::Steered } else { Event::NotSafe };
        assert_eq!(host.events, [event], "{method} {path} {headers:?}");
        if !safe {
            assert_eq!(written(&decision.edits), ONCE);
        }
    }
}

#[test]
fn a_body_that_is_too_large_is_sent_once() {
    let mut policy = rule(r#"{"safe": {"max_request_bytes": 10}}"#);
    for (length, retried) in [("10", true), ("11", false), ("99999999999999999999", false), ("x", false)] {
        let edits = edits(&mut policy, "PUT", "/", &[("content-length", length)]);
        assert_eq!(edits != ONCE, retried, "{length}: {edits:?}");
    }
}

#[test]
fn a_request_that_is_sent_once_keeps_its_timeouts() {
    let mut policy = rule(r#"{"per_try_timeout": "250ms", "timeout": "1s"}"#);
    let once = [
        "x-envoy-max-retries: 0",
        "x-envoy-upstream-rq-per-try-timeout-ms: 250",
        "x-envoy-upstream-rq-timeout-ms: 1000",
    ];
    assert_eq!(edits(&mut policy, "POST", "/", &[]), once);
}

#[test]
fn a_body_without_a_length_is_counted() {
    let mut policy = rule(r#"{"safe": {"max_request_bytes": 10}}"#);
    let mut stream = decide(&mut policy, &fields("PUT", "/", &[]), &mut Host::default()).stream;
    for (size, events) in [(10, vec![]), (1, vec![Event::BodyTooLarge]), (99, vec![])] {
        let mut host = Host::default();
        policy.on_request_body(&mut stream, (size, false), || None, &mut host);
        assert_eq!(host.events, events, "{size}");
    }
}

/// Without retries in a budget, the retry policy of the route must not apply either.
#[test]
fn a_spent_budget_sends_each_request_once() {
    let json = r#"{"rules": [{"num_retries": 3}],
        "retry_budget": {"budget_percent": 50, "min_retries_per_second": 0}}"#;
    let (mut policy, mut host) = (policy(json), Host::default());
    let fields = fields("GET", "/", &[]);
    let mut granted = 0;
    for request in 1..=100 {
        let decision = decide(&mut policy, &fields, &mut host);
        let retries = decision.stream.reserved.retries;
        granted += retries;
        assert!(granted * 2 <= request);
        if retries == 0 {
            assert_eq!(written(&decision.edits), ONCE);
            assert_eq!(host.events(), [Event::BudgetExhausted]);
        }
        host.events.clear();
    }
    assert_eq!(granted, 50);
}

#[test]
fn without_shared_memory_a_request_is_sent_once() {
    let mut policy = rule("{}");
    let mut host = Host::default();
    host.memory.failure = Some(Failure::Host);
    let decision = decide(&mut policy, &fields("GET", "/", &[]), &mut host);
    assert_eq!(written(&decision.edits), ONCE);
    assert_eq!(host.events, [Event::BudgetUnavailable]);
}

/// The budget needs the time.
#[test]
fn without_a_clock_a_request_is_sent_once() {
    let mut policy = rule(r#"{"replay": {"retriable_status_codes": [503]}}"#);
    let mut host = Host { now: Err(Failure::Host), ..Host::default() };
    let decision = decide(&mut policy, &fields("GET", "/", &[]), &mut host);
    assert_eq!(written(&decision.edits), ONCE);
    assert!(decision.stream.kept.is_none());
    assert_eq!(host.events, [Event::HostError]);
}

#[test]
fn a_path_of_several_meanings_is_sent_once() {
    let mut policy = rule(r#"{"match": {"paths": [{"exact": "/b"}]}}"#);
    for path in ["/a/../b", "/%00", "?x"] {
        assert_eq!(edits(&mut policy, "GET", path, &[]), ONCE, "{path}");
    }
    assert_eq!(edits(&mut policy, "GET", "/other", &[]), [""; 0]);
}

#[test]
fn shadow_mode_counts_and_changes_nothing() {
    let mut policy = policy(
        r#"{"shadow": true, "rules": [{"deadline": {"max": "1s"}, "replay": {"retriable_status_codes": [503]}}]}"#,
    );
    let mut host = Host::default();
    let decision = decide(&mut policy, &fields("GET", "/", &[("x-envoy-max-retries", "9")]), &mut host);
    assert!(decision.edits.is_empty() && decision.refusal.is_none());
    assert_eq!(host.events, [Event::Steered, Event::ClientHeadersRemoved]);
    assert!(decision.stream.kept.is_none());
}

proptest! {
    /// No value exceeds the rule, and each header of the router that a client sends is set or removed.
    #[test]
    fn a_client_never_gets_more_than_the_rule(
        cap: bool,
        method in "GET|POST",
        values in prop::collection::vec((0usize..CONTROLS.len(), "[0-9]{1,20}|5xx,reset|true|false|[ -~]{0,12}"), 0..10),
    ) {
        let mode = if cap { "cap" } else { "remove" };
        let mut policy = policy(&format!(
            r#"{{"client_headers": "{mode}", "rules": [{{"retry_on": "5xx,503", "num_retries": 2, "timeout": "1s",
                "per_try_timeout": "100ms"}}]}}"#
        ));
        let headers: Vec<_> =
            values.iter().map(|(index, value)| (CONTROLS[*index].as_str(), value.as_str())).collect();
        let fields = fields(&method, "/", &headers);
        let decision = decide(&mut policy, &fields, &mut Host::default());
        for name in CONTROLS {
            let edits: Vec<_> = decision.edits.iter().filter(|edit| edit.name() == name).collect();
            prop_assert!(edits.len() <= 1);
            let is_sent = headers.iter().any(|(sent, _)| *sent == name.as_str());
            prop_assert!(!is_sent || edits.len() == 1, "{} stays", name.as_str());
            let Some(value) = edits.first().and_then(|edit| edit.value()) else { continue };
            prop_assert!(is_valid_value(value));
            let number = std::str::from_utf8(value).unwrap().parse::<u64>();
            let max = match name.as_str() {
                "x-envoy-max-retries" => if method == "GET" { 2 } else { 0 },
                "x-envoy-upstream-rq-timeout-ms" => 1_000,
                "x-envoy-upstream-rq-per-try-timeout-ms" => 100,
                _ => continue,
            };
            prop_assert!(number.is_ok_and(|number| number <= max), "{}", name.as_str());
        }
    }

    #[test]
    fn any_request_gets_valid_edits(
        method in prop::collection::vec(any::<u8>(), 0..6),
        path in prop::collection::vec(any::<u8>(), 0..20),
        headers in prop::collection::vec((0usize..17, prop::collection::vec(any::<u8>(), 0..12)), 0..8),
        ended: bool,
    ) {
        let mut policy = rule(
            r#"{"match": {"paths": [{"prefix": "/"}]}, "deadline": {"header": {"name": "x-deadline"}, "max": "10s"},
                "replay": {"retriable_status_codes": [503], "hedge": {"delay": "5ms"}}}"#,
        );
        let others = ["grpc-timeout", "x-deadline", "content-length", "content-type", "idempotency-key", "upgrade"];
        let names: Vec<_> = CONTROLS.iter().map(|name| name.as_str()).chain(others).collect();
        let mut fields: Vec<(&[u8], &[u8])> = vec![(b":method", &method), (b":path", &path)];
        fields.extend(headers.iter().map(|(index, value)| (names[*index].as_bytes(), value.as_slice())));
        let mut host = Host::default();
        let decision = decide_about(&mut policy, &fields, ended, &mut host);
        for edit in &decision.edits {
            prop_assert!(edit.value().is_none_or(is_valid_value));
        }
    }
}
