//! Decisions about responses: refunds, attempts, kept requests, replacements.

use super::grpc::{GRPC, GRPC_RULE, GRPC_TYPE, shown};
use super::{Host, MS, NOW, SECOND, decide, decide_about, fields, policy, rule};
use crate::{
    Attempt, Event, Head, Outcome, Policy, Reason, RetryReason, Step, Stream, Target, Wake, replacement,
};
use tollgate_policy::replay::{Call, Response, Wait};
use tollgate_policy::{HeaderEdit, Headers};

pub(super) const PASS: Step = Step::Pass(Wait::Nothing);

#[test]
fn unused_retries_return_to_the_budget() {
    let json = r#"{"rules": [{"num_retries": 2}],
        "retry_budget": {"budget_percent": 100, "min_retries_per_second": 0}}"#;
    let (mut policy, mut host) = (policy(json), Host::default());
    let fields = fields("GET", "/", &[]);
    // Each request earns one retry. Those before it have returned theirs.
    for number in 1..=5 {
        let mut stream = decide(&mut policy, &fields, &mut host).stream;
        assert_eq!(stream.reserved.retries, number.min(2));
        assert!(!policy.settle(&mut stream, host.sent(1)));
        assert!(!policy.settle(&mut stream, host.sent(3)));
    }
    assert_eq!(host.retries, []);
    // Without the number of attempts, all count as made.
    let mut stream = decide(&mut policy, &fields, &mut host).stream;
    policy.settle(&mut stream, host.sent(None));
    let mut stream = decide(&mut policy, &fields, &mut host).stream;
    assert!(policy.settle(&mut stream, host.sent(3)));
    assert_eq!(host.retries, [(RetryReason::Router, 2)]);
    assert_eq!(policy.attempts(&stream), 3);
}

#[test]
fn a_stream_without_a_response_returns_its_retries() {
    let json = r#"{"rules": [{"num_retries": 2}],
        "retry_budget": {"budget_percent": 0, "min_retries_per_second": 1, "budget_interval": "2s"}}"#;
    let (mut policy, mut host) = (policy(json), Host::default());
    let fields = fields("GET", "/", &[]);
    for _ in 0..3 {
        let mut stream = decide(&mut policy, &fields, &mut host).stream;
        assert_eq!(stream.reserved.retries, 2);
        policy.end(&mut stream, host.sent(1));
    }
}

/// A host call returns bytes, which takes as long as all callbacks together.
#[test]
fn details_are_read_only_for_a_replay() {
    let (mut steered, mut replayed) = (rule("{}"), rule(r#"{"replay": {"retriable_status_codes": [503]}}"#));
    for (details, is_sent) in [("no_healthy_upstream", true), ("rbac_access_denied", false)] {
        let mut host = Host::default();
        host.attributes.insert("response\0code_details", details.into());
        for (policy, expected) in [(&mut steered, false), (&mut replayed, is_sent)] {
            let mut stream = decide(policy, &fields("GET", "/", &[]), &mut host).stream;
            policy.settle(&mut stream, host.sent(0));
            assert_eq!(stream.is_sent, expected, "{details}");
        }
    }
}

/// Decides about the headers of a response to a request that the router has sent once.
pub(super) fn respond(
    policy: &mut Policy,
    stream: &mut Stream,
    head: Head<'_>,
    ended: bool,
) -> (Step, Vec<Event>) {
    let mut host = Host::default();
    policy.settle(stream, host.sent(1));
    let step = policy.respond(stream, head, ended, &mut host);
    (step, host.events)
}

/// Returns the callout of a step.
pub(super) fn call(step: Step) -> Call {
    match step {
        Step::Call(call) => *call,
        other => panic!("{other:?}"),
    }
}

pub(super) fn kept_stream(policy: &mut Policy, headers: &[(&str, &str)]) -> Stream {
    decide(policy, &fields("GET", "/a?b", headers), &mut Host::default()).stream
}

#[test]
fn a_callout_repeats_the_request_without_hop_headers() {
    let mut policy = rule(
        r#"{"deadline": {"max": "1m", "header": {"name": "x-deadline"}}, "replay": {"retriable_status_codes": [503],
            "fallback_cluster": {"cluster": "spare", "authority": "spare.example"}}}"#,
    );
    let sent = [
        ("connection", "close"),
        ("x-envoy-max-retries", "7"),
        ("content-length", "0"),
        ("x-deadline", "1000"),
        ("accept", "a"),
        ("accept", "b"),
    ];
    let mut stream = kept_stream(&mut policy, &sent);
    let mut later = Host::at(NOW.0 + 300 * MS);
    let mut send = |target| {
        let attempt = Wake::Attempt(Attempt { timeout: SECOND, target });
        call(policy.wake(&mut stream, attempt, &mut later))
    };
    let Call { cluster, request, timeout, .. } = send(Target::Same);
    assert_eq!((cluster.as_str(), timeout), ("shop", SECOND));
    assert_eq!((request.authority.as_str(), request.path.as_str()), ("shop.example", "/a?b"));
    let names: Vec<_> =
        request.headers.iter().map(|(n, v)| (n.as_str(), String::from_utf8_lossy(v))).collect();
    assert_eq!(names, [("accept", "a".into()), ("accept", "b".into()), ("x-deadline", "700".into())]);
    let Call { cluster, request, .. } = send(Target::Fallback);
    assert_eq!((cluster.as_str(), request.authority.as_str()), ("spare", "spare.example"));
}

#[test]
fn only_a_whole_request_is_repeated() {
    let mut policy =
        rule(r#"{"replay": {"retriable_status_codes": [503]}, "safe": {"max_request_bytes": 4}}"#);
    let put = fields("PUT", "/", &[]);
    let mut host = Host::default();
    let mut start = |policy: &mut Policy| decide_about(policy, &put, false, &mut host).stream;
    let mut stream = start(&mut policy);
    let head = Head { status: 503, ..Head::default() };
    let mut host = Host::default();
    policy.on_request_body(&mut stream, (2, false), || Some(b"ab".to_vec()), &mut host);
    // The response arrived before the end of the request.
    assert_eq!(respond(&mut policy, &mut stream.clone(), head, false), (PASS, vec![]));
    policy.kept_bytes = 2;
    policy.on_request_body(&mut stream, (2, true), || Some(b"cd".to_vec()), &mut host);
    let (step, events) = respond(&mut policy, &mut stream, head, false);
    assert_eq!((call(step).request.body, events, host.events()), (b"abcd".to_vec(), vec![], vec![]));

    let mut stream = start(&mut policy);
    policy.on_request_body(&mut stream, (5, true), || Some(b"abcde".to_vec()), &mut host);
    assert_eq!(host.events, [Event::BodyTooLarge]);
    assert!(stream.kept.is_none());
}

#[test]
fn an_upgrade_is_not_kept() {
    let mut policy = rule(r#"{"replay": {"retriable_status_codes": [503]}}"#);
    assert!(kept_stream(&mut policy, &[("upgrade", "websocket")]).kept.is_none());
}

#[test]
fn waits_only_for_what_can_be_held() {
    let body = r#"{"replay": {"retriable_body": {"field": "/code", "value": {"exact": "1"}}, "max_response_bytes": 9}}"#;
    let mut policy = rule(body);
    let stream = kept_stream(&mut policy, &[]);
    let json: (&[u8], &[u8]) = (b"content-type", b"Application/Problem+JSON; charset=utf-8");
    let wait = |policy: &mut Policy, stream: &Stream, headers: &[(&[u8], &[u8])], ended| {
        let mut stream = stream.clone();
        let head = Head { status: 200, headers: Headers(headers), ..Head::default() };
        assert_eq!(respond(policy, &mut stream, head, ended).0, Step::Pass(stream.wait));
        assert_eq!(stream.kept.is_some(), stream.wait != Wait::Nothing);
        stream.wait
    };
    for (headers, expected) in [
        (vec![json], Wait::Nothing),
        (vec![json, (b"content-length", b"9")], Wait::Body),
        (vec![json, (b"content-length", b"10")], Wait::Nothing),
        (vec![(b"content-type", b"text/event-stream")], Wait::Nothing),
        (vec![], Wait::Nothing),
    ] {
        assert_eq!(wait(&mut policy, &stream, &headers, false), expected);
        assert_eq!(wait(&mut policy, &stream, &headers, true), Wait::Nothing);
    }
    let mut policy = rule(GRPC_RULE);
    let stream = kept_stream(&mut policy, &[GRPC]);
    assert_eq!(wait(&mut policy, &stream, &GRPC_TYPE, false), Wait::Trailers);
    assert_eq!(wait(&mut policy, &stream, &[GRPC_TYPE[0], (b"grpc-status", b"0")], false), Wait::Nothing);
    assert_eq!(wait(&mut policy, &stream, &[], false), Wait::Nothing);
}

#[test]
fn the_last_response_is_kept_when_retries_run_out() {
    let mut policy = rule(r#"{"replay": {"num_retries": 2, "retriable_status_codes": ["5xx"]}}"#);
    let mut host = Host::default();
    let mut stream = kept_stream(&mut policy, &[]);
    let head = |status| Head { status, ..Head::default() };
    call(respond(&mut policy, &mut stream, head(500), false).0);
    let mut after = |outcome| policy.after(&mut stream, outcome, &mut host);
    assert_eq!(call(after(Outcome::Response(head(503), b"busy"))).timeout, 5 * SECOND);
    // A callout without a response leaves the one before it.
    let Step::Replace(response, Reason::Replayed) = after(Outcome::Failed(RetryReason::Timeout)) else {
        panic!("expected a response");
    };
    assert_eq!((response.status, response.body.as_slice()), (503, b"busy".as_slice()));
    assert_eq!((host.events, host.retries), (vec![Event::ReplayExhausted], vec![(RetryReason::Status, 1)]));
    assert_eq!(policy.attempts(&stream), 3);
}

#[test]
fn a_success_after_a_retry_is_counted() {
    let mut policy = rule(r#"{"replay": {"retriable_status_codes": ["5xx"]}}"#);
    let mut host = Host::default();
    for status in [200, 404, 429] {
        let mut stream = kept_stream(&mut policy, &[]);
        respond(&mut policy, &mut stream, Head { status: 500, ..Head::default() }, true);
        let outcome = Outcome::Response(Head { status, ..Head::default() }, b"");
        let step = policy.after(&mut stream, outcome, &mut host);
        assert!(matches!(step, Step::Replace(..)), "{step:?}");
        assert_eq!(host.events(), [Event::SucceededAfterRetry]);
    }
    let mut stream = kept_stream(&mut policy, &[]);
    let step = policy.after(&mut stream, Outcome::TooLarge, &mut host);
    assert_eq!((step, host.events), (PASS, vec![Event::ResponseTooLarge]));
}

/// The reply of the filter passes through the filter, and must not be retried.
#[test]
fn an_answer_of_the_filter_is_final() {
    let mut policy = rule(r#"{"replay": {"retriable_status_codes": [503], "num_retries": 5}}"#);
    let (mut host, head) = (Host::default(), Head { status: 503, ..Head::default() });
    let mut stream = kept_stream(&mut policy, &[]);
    call(respond(&mut policy, &mut stream, head, true).0);
    let ok = Outcome::Response(Head { status: 200, ..Head::default() }, b"ok");
    assert!(matches!(policy.after(&mut stream, ok, &mut host), Step::Reply(_)));
    assert!(!policy.settle(&mut stream, &mut host));
    assert_eq!(policy.respond(&mut stream, head, true, &mut host), PASS);
    assert_eq!(policy.kept_bytes, 0);
}

#[test]
fn the_number_of_attempts_replaces_that_of_the_upstream() {
    let json = r#"{"attempts_header": "x-attempts", "retry_budget": {"min_retries_per_second": 9},
        "rules": [{"replay": {"retriable_status_codes": [503]}}]}"#;
    let mut policy = policy(json);
    let mut stream = kept_stream(&mut policy, &[]);
    call(respond(&mut policy, &mut stream, Head { status: 503, ..Head::default() }, false).0);
    let sent: [(&[u8], &[u8]); 1] = [(b"x-attempts", b"1")];
    let head = Head { status: 200, headers: Headers(&sent), ..Head::default() };
    let step = policy.after(&mut stream, Outcome::Response(head, b""), &mut Host::default());
    let Step::Replace(response, _) = step else { panic!("{step:?}") };
    assert_eq!(shown(&response.headers), ["x-attempts: 2"]);
    let edits = policy.edits(&stream);
    assert!(matches!(edits.as_slice(), [HeaderEdit::Set(_, value)] if **value == *b"2"), "{edits:?}");
}

#[test]
fn a_replacement_has_no_header_of_a_connection() {
    let headers: [(&[u8], &[u8]); 5] = [
        (b":status", b"200"),
        (b"connection", b"close"),
        (b"content-length", b"7"),
        (b"x-a", b"\xff"),
        (b"\xff", b"b"),
    ];
    let head = Head { status: 200, headers: Headers(&headers), ..Head::default() };
    let names =
        |response: &Response| response.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&replacement::of_callout(head, b"1234567")), ["x-a"]);
    // The response to a `HEAD` request.
    let response = replacement::of_callout(head, b"");
    assert_eq!(names(&response), ["content-length", "x-a"]);
    assert_eq!(replacement::into_refusal(response, Reason::Replayed).headers.len(), 1);
}

fn fallback(policy: &mut Policy, mut stream: Stream) -> Response {
    let head = Head { status: 503, headers: Headers(&GRPC_TYPE), ..Head::default() };
    match respond(policy, &mut stream, head, false) {
        (Step::Replace(response, Reason::Fallback), events) => {
            assert_eq!(events, [Event::ReplayExhausted, Event::FallbackResponseUsed]);
            *response
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_response_that_is_too_large_is_replaced_too() {
    let json = |fallback: &str| {
        format!(r#"{{"replay": {{"retriable_status_codes": [503], "num_retries": 1{fallback}}}}}"#)
    };
    let after = |policy: &mut Policy| {
        let mut stream = kept_stream(policy, &[]);
        call(respond(policy, &mut stream, Head { status: 503, ..Head::default() }, false).0);
        let mut host = Host::default();
        let step = policy.after(&mut stream, Outcome::TooLarge, &mut host);
        (step, host.events)
    };
    let (step, events) = after(&mut rule(&json("")));
    assert_eq!((step, events), (PASS, vec![Event::ResponseTooLarge]));
    let (step, events) = after(&mut rule(&json(r#", "fallback_response": {"status": 299}"#)));
    assert!(matches!(step, Step::Replace(_, Reason::Fallback)), "{step:?}");
    assert_eq!(events, [Event::ResponseTooLarge, Event::FallbackResponseUsed]);
}

#[test]
fn a_fallback_response_is_that_of_the_protocol() {
    let mut policy = rule(
        r#"{"safe": {"grpc_methods": [{"prefix": "/"}]}, "replay": {"retriable_status_codes": [503], "num_retries": 0,
            "fallback_response": {"status": 299, "body": "100 %", "headers": [{"name": "x-a", "value": "b"}]}}}"#,
    );
    let stream = kept_stream(&mut policy, &[]);
    let response = replacement::into_refusal(fallback(&mut policy, stream), Reason::Fallback);
    assert_eq!((response.status, response.body.as_slice()), (299, b"100 %".as_slice()));
    let stream = kept_stream(&mut policy, &[GRPC]);
    let response = fallback(&mut policy, stream);
    assert_eq!((response.status, response.body.len()), (200, 0));
    assert_eq!(response.trailers[1], ("grpc-message".to_owned(), b"100 %25".to_vec()));
    assert_eq!(replacement::into_refusal(response, Reason::Fallback).grpc_status, 14);
}
