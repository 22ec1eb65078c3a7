//! Decisions about responses: refunds, attempts, kept requests, replacements.

use super::{Host, MS, NOW, SECOND, decide, fields, policy, rule};
use crate::{
    Event, Events, Head, Outcome, Policy, Reason, Replacement, RetryReason, Step, Stream, Target, Wait,
};
use tollgate_policy::{Headers, RequestFacts, UnixNanos};

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
        assert_eq!(policy.settle(&mut stream, Some(1), &mut host), 0);
        assert!(!policy.needs_attempts(&stream));
    }
    // Without the number of attempts, all count as made.
    let mut stream = decide(&mut policy, &fields, &mut host).stream;
    assert_eq!(policy.settle(&mut stream, None, &mut host), 0);
    let mut stream = decide(&mut policy, &fields, &mut host).stream;
    assert_eq!(policy.settle(&mut stream, Some(3), &mut host), 2);
    assert_eq!(policy.attempts(&stream), 3);
}

/// Decides about the headers of a response.
pub(super) fn respond(
    policy: &mut Policy,
    stream: &mut Stream,
    head: Head<'_>,
    ended: bool,
) -> (Option<Step>, Events) {
    let (mut host, mut events) = (Host::default(), Events::new());
    policy.settle(stream, Some(1), &mut host);
    let step = policy.respond(stream, head, ended, &mut host, &mut events);
    (step, events)
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
    let stream = kept_stream(&mut policy, &sent);
    let mut later = Host { now: UnixNanos(NOW.0 + 300 * MS), ..Host::default() };
    let (cluster, request, _) = policy.callout(&stream, Target::Same, &mut later).unwrap();
    assert_eq!((cluster, request.authority.as_str(), request.path.as_str()), (None, "shop.example", "/a?b"));
    let names: Vec<_> =
        request.headers.iter().map(|(n, v)| (n.as_str(), String::from_utf8_lossy(v))).collect();
    assert_eq!(names, [("accept", "a".into()), ("accept", "b".into()), ("x-deadline", "700".into())]);
    let (cluster, request, _) = policy.callout(&stream, Target::Fallback, &mut later).unwrap();
    assert_eq!((cluster, request.authority.as_str()), (Some("spare"), "spare.example"));
}

#[test]
fn only_a_whole_request_is_repeated() {
    let mut policy =
        rule(r#"{"replay": {"retriable_status_codes": [503]}, "safe": {"max_request_bytes": 4}}"#);
    let put = fields("PUT", "/", &[]);
    let mut host = Host::default();
    let mut start =
        |policy: &mut Policy| policy.on_request(&RequestFacts::from_pairs(&put), false, &mut host).stream;
    let mut stream = start(&mut policy);
    let head = Head { status: 503, ..Head::default() };
    assert_eq!(policy.on_request_body(&mut stream, 2, false, || Some(b"ab".to_vec())), []);
    // The response arrived before the end of the request.
    assert_eq!(respond(&mut policy, &mut stream.clone(), head, false), (None, vec![]));
    assert_eq!(policy.on_request_body(&mut stream, 2, true, || Some(b"cd".to_vec())), []);
    let (step, events) = respond(&mut policy, &mut stream, head, false);
    assert!(matches!(step, Some(Step::Call { reason: RetryReason::Status, .. })), "{step:?}");
    assert_eq!(events, []);
    assert_eq!(policy.callout(&stream, Target::Same, &mut Host::default()).unwrap().1.body, b"abcd");

    let mut stream = start(&mut policy);
    let events = policy.on_request_body(&mut stream, 5, true, || Some(b"abcde".to_vec()));
    assert_eq!(events, [Event::BodyTooLarge]);
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
        assert_eq!(respond(policy, &mut stream, head, ended).0, None);
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

pub(super) const GRPC: (&str, &str) = ("content-type", "application/grpc");
const GRPC_RULE: &str = r#"{"replay": {"retriable_grpc_statuses": ["UNAVAILABLE"], "max_response_bytes": 20},
    "safe": {"grpc_methods": [{"prefix": "/"}]}}"#;

#[test]
fn a_stream_of_messages_passes() {
    let mut policy = rule(GRPC_RULE);
    let mut stream = kept_stream(&mut policy, &[GRPC]);
    stream.wait = Wait::Trailers;
    let mut hold = |size, start: &[u8]| {
        let mut events = Events::new();
        (policy.hold(&mut stream.clone(), size, start, &mut events), events)
    };
    assert_eq!(hold(3, &[0, 0, 0]), (true, vec![]));
    assert_eq!(hold(8, &[0, 0, 0, 0, 3]), (true, vec![]));
    assert_eq!(hold(9, &[0, 0, 0, 0, 3]), (false, vec![]));
    assert_eq!(hold(9, &[0, 255, 255, 255, 255]), (true, vec![]));
    assert_eq!(hold(21, &[0, 0, 0, 0, 99]), (false, vec![Event::ResponseTooLarge]));
    assert_eq!(hold(9, &[0, 0, 0, 0, 4]), (true, vec![]));
}

#[test]
fn a_message_is_held_for_a_bounded_time() {
    let mut policy = rule(GRPC_RULE);
    let (mut host, mut events) = (Host::default(), Events::new());
    let start = |policy: &mut Policy| {
        let mut stream = kept_stream(policy, &[GRPC]);
        let head = Head { status: 200, headers: Headers(&GRPC_TYPE), ..Head::default() };
        assert_eq!(respond(policy, &mut stream, head, false), (None, vec![]));
        stream
    };
    let mut stream = start(&mut policy);
    assert_eq!(policy.hold_time(&mut stream), Some(SECOND));
    assert_eq!(policy.hold_time(&mut stream), None);
    assert!(policy.release(&mut stream, &mut events));
    assert_eq!((stream.wait, events.as_slice()), (Wait::Nothing, [Event::HeldTooLong].as_slice()));
    assert!(!policy.release(&mut stream, &mut events));
    // Its trailers have arrived.
    let mut stream = start(&mut policy);
    let trailers: [(&[u8], &[u8]); 1] = [(b"grpc-status", b"14")];
    let rest = (Headers(&trailers), None);
    assert!(policy.respond_rest(&mut stream, rest, Some(b"message"), &mut host, &mut events).is_some());
    assert!(!policy.release(&mut stream, &mut events));
}

#[test]
fn trailers_without_a_message_cannot_be_replaced() {
    let mut policy = rule(GRPC_RULE);
    let trailers: [(&[u8], &[u8]); 1] = [(b"grpc-status", b"14")];
    for (body, event) in [(None, Some(Event::Undeliverable)), (Some(&b"message"[..]), None)] {
        let mut stream = kept_stream(&mut policy, &[GRPC]);
        let mut events = Events::new();
        let step = policy.respond_rest(
            &mut stream,
            (Headers(&trailers), None),
            body,
            &mut Host::default(),
            &mut events,
        );
        assert_eq!((step.is_some(), events), (body.is_some(), event.into_iter().collect()));
    }
    // A response that ends with its headers.
    let mut stream = kept_stream(&mut policy, &[GRPC]);
    let head = Head { status: 200, headers: Headers(&trailers), ..Head::default() };
    let (step, events) = respond(&mut policy, &mut stream, head, true);
    assert_eq!((step, events), (Some(Step::Deliver(None)), vec![Event::Undeliverable]));
}

/// Returns the response of a callout as it is delivered to a gRPC client whose first response has trailers.
fn delivered(head: Head<'_>, body: &[u8]) -> Replacement {
    let mut policy = rule(GRPC_RULE);
    let mut stream = kept_stream(&mut policy, &[GRPC]);
    let first = Head { status: 200, headers: Headers(&GRPC_TYPE), ..Head::default() };
    assert_eq!(respond(&mut policy, &mut stream, first, false), (None, vec![]));
    assert_eq!(stream.wait, Wait::Trailers);
    let trailers: [(&[u8], &[u8]); 1] = [(b"grpc-status", b"14")];
    let (rest, mut host) = ((Headers(&trailers), None), Host::default());
    let step = policy.respond_rest(&mut stream, rest, Some(b"message"), &mut host, &mut Events::new());
    assert!(matches!(step, Some(Step::Call { .. })), "{step:?}");
    match policy.after(&mut stream, Outcome::Response(head, body), &mut host, &mut Events::new()) {
        Step::Deliver(Some((response, Reason::Replayed))) => response,
        other => panic!("{other:?}"),
    }
}

fn shown(fields: &[(String, Vec<u8>)]) -> Vec<String> {
    fields.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect()
}

/// A response that ends with its headers has its status there, which a client reads in trailers only.
#[test]
fn a_grpc_status_moves_from_headers_to_trailers() {
    let headers: [(&[u8], &[u8]); 5] = [
        GRPC_TYPE[0],
        (b"grpc-status", b"5"),
        (b"grpc-message", b"gone"),
        (b"grpc-status-details-bin", b"CAU"),
        (b"x-a", b"b"),
    ];
    let response = delivered(Head { status: 200, headers: Headers(&headers), ..Head::default() }, b"");
    assert_eq!(shown(&response.headers), ["content-type: application/grpc+proto", "x-a: b"]);
    let status = ["grpc-status: 5", "grpc-message: gone", "grpc-status-details-bin: CAU"];
    assert_eq!(shown(&response.trailers), status);

    let trailers: [(&[u8], &[u8]); 1] = [(b"grpc-status", b"0")];
    let head = Head { status: 200, headers: Headers(&GRPC_TYPE), trailers: Headers(&trailers) };
    let response = delivered(head, b"message");
    assert_eq!((shown(&response.trailers), response.body.len()), (vec!["grpc-status: 0".to_owned()], 7));
    // Without a status.
    let response = delivered(Head { trailers: Headers(&[]), ..head }, b"message");
    assert_eq!(shown(&response.trailers), ["grpc-status: 2"]);
}

#[test]
fn a_response_that_is_not_grpc_becomes_its_status() {
    let html: [(&[u8], &[u8]); 1] = [(b"content-type", b"text/html")];
    for (status, headers, code) in [
        (404, &html, 12),
        (401, &html, 16),
        (429, &html, 14),
        (200, &html, 2),
        (500, &GRPC_TYPE, 2),
        (503, &GRPC_TYPE, 14),
    ] {
        let head = Head { status, headers: Headers(headers), ..Head::default() };
        let response = delivered(head, b"<html>");
        assert_eq!((response.status, response.body.len()), (200, 0), "{status}");
        assert_eq!(shown(&response.headers), ["content-type: application/grpc"], "{status}");
        let trailers = [format!("grpc-status: {code}"), format!("grpc-message: HTTP status {status}")];
        assert_eq!(shown(&response.trailers), trailers, "{status}");
    }
}

/// Such a response has no trailers, which could contain the status of another.
#[test]
fn a_first_response_that_is_not_grpc_is_not_replaced() {
    let grpc =
        r#"{"replay": {"retriable_status_codes": [503]}, "safe": {"grpc_methods": [{"prefix": "/"}]}}"#;
    let mut policy = rule(grpc);
    let mut stream = kept_stream(&mut policy, &[GRPC]);
    let head = Head { status: 503, ..Head::default() };
    let expected = (Some(Step::Deliver(None)), vec![Event::Undeliverable]);
    assert_eq!(respond(&mut policy, &mut stream, head, false), expected);
    let response =
        Replacement { trailers: vec![("grpc-status".into(), b"14".to_vec())], ..Replacement::default() };
    assert!(stream.needs_reply(&response));
    let mut stream = kept_stream(&mut policy, &[GRPC]);
    let head = Head { headers: Headers(&GRPC_TYPE), ..head };
    assert!(matches!(respond(&mut policy, &mut stream, head, false).0, Some(Step::Call { .. })));
}

#[test]
fn the_last_response_is_kept_when_retries_run_out() {
    let mut policy = rule(r#"{"replay": {"num_retries": 2, "retriable_status_codes": ["5xx"]}}"#);
    let (mut host, mut events) = (Host::default(), Events::new());
    let mut stream = kept_stream(&mut policy, &[]);
    let head = |status| Head { status, ..Head::default() };
    let call = |reason| Step::Call { reason, delay: 0, timeout: 5 * SECOND, target: Target::Same };
    assert_eq!(respond(&mut policy, &mut stream, head(500), false).0, Some(call(RetryReason::Status)));
    let mut after = |outcome| policy.after(&mut stream, outcome, &mut host, &mut events);
    assert_eq!(after(Outcome::Response(head(503), b"busy")), call(RetryReason::Status));
    // A callout without a response leaves the one before it.
    let Step::Deliver(Some((response, Reason::Replayed))) = after(Outcome::Failed(RetryReason::Timeout))
    else {
        panic!("expected a response");
    };
    assert_eq!((response.status, response.body.as_slice()), (503, b"busy".as_slice()));
    assert_eq!(events, [Event::ReplayExhausted]);
    assert_eq!(policy.attempts(&stream), 3);
}

#[test]
fn a_success_after_a_retry_is_counted() {
    let mut policy = rule(r#"{"replay": {"retriable_status_codes": ["5xx"]}}"#);
    let (mut host, mut events) = (Host::default(), Events::new());
    for (status, counted) in [(200, 1), (404, 1), (429, 1)] {
        let mut stream = kept_stream(&mut policy, &[]);
        respond(&mut policy, &mut stream, Head { status: 500, ..Head::default() }, true);
        events.clear();
        let outcome = Outcome::Response(Head { status, ..Head::default() }, b"");
        assert!(matches!(policy.after(&mut stream, outcome, &mut host, &mut events), Step::Deliver(Some(_))));
        assert_eq!(events, vec![Event::SucceededAfterRetry; counted]);
    }
    let mut stream = kept_stream(&mut policy, &[]);
    let step = policy.after(&mut stream, Outcome::TooLarge, &mut host, &mut events);
    assert_eq!((step, events.last()), (Step::Deliver(None), Some(&Event::ResponseTooLarge)));
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
    let names = |replacement: &Replacement| {
        replacement.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&Replacement::new(head, b"1234567")), ["x-a"]);
    // The response to a `HEAD` request.
    let replacement = Replacement::new(head, b"");
    assert_eq!(names(&replacement), ["content-length", "x-a"]);
    assert_eq!(replacement.into_refusal(Reason::Replayed).headers.len(), 1);
}

const GRPC_TYPE: [(&[u8], &[u8]); 1] = [(b"content-type", b"application/grpc+proto")];

fn fallback(policy: &mut Policy, mut stream: Stream) -> Replacement {
    let head = Head { status: 503, headers: Headers(&GRPC_TYPE), ..Head::default() };
    match respond(policy, &mut stream, head, false) {
        (Some(Step::Deliver(Some((response, Reason::Fallback)))), events) => {
            assert_eq!(events, [Event::ReplayExhausted, Event::FallbackResponseUsed]);
            response
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
        let (step, _) = respond(policy, &mut stream, Head { status: 503, ..Head::default() }, false);
        assert!(matches!(step, Some(Step::Call { .. })), "{step:?}");
        let mut events = Events::new();
        let step = policy.after(&mut stream, Outcome::TooLarge, &mut Host::default(), &mut events);
        (step, events)
    };
    let (step, events) = after(&mut rule(&json("")));
    assert!(matches!(step, Step::Deliver(None)), "{step:?}");
    assert_eq!(events, [Event::ResponseTooLarge]);
    let (step, events) = after(&mut rule(&json(r#", "fallback_response": {"status": 299}"#)));
    assert!(matches!(step, Step::Deliver(Some((_, Reason::Fallback)))), "{step:?}");
    assert_eq!(events, [Event::ResponseTooLarge, Event::FallbackResponseUsed]);
}

#[test]
fn a_fallback_response_is_that_of_the_protocol() {
    let mut policy = rule(
        r#"{"safe": {"grpc_methods": [{"prefix": "/"}]}, "replay": {"retriable_status_codes": [503], "num_retries": 0,
            "fallback_response": {"status": 299, "body": "100 %", "headers": [{"name": "x-a", "value": "b"}]}}}"#,
    );
    let stream = kept_stream(&mut policy, &[]);
    let response = fallback(&mut policy, stream).into_refusal(Reason::Fallback);
    assert_eq!((response.status, response.body.as_slice()), (299, b"100 %".as_slice()));
    let stream = kept_stream(&mut policy, &[GRPC]);
    let response = fallback(&mut policy, stream);
    assert_eq!((response.status, response.body.len()), (200, 0));
    assert_eq!(response.trailers[1], ("grpc-message".to_owned(), b"100 %25".to_vec()));
    assert_eq!(response.into_refusal(Reason::Fallback).grpc_status, 14);
}
