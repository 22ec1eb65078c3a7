//! Responses of gRPC: messages, trailers and statuses.

use super::responses::{PASS, call, kept_stream, respond};
use super::{Host, SECOND, rule};
use crate::{Event, Head, Outcome, Policy, Reason, Step, Stream, Wake};
use tollgate_policy::Headers;
use tollgate_policy::replay::{Response, Wait};

pub(super) const GRPC: (&str, &str) = ("content-type", "application/grpc");
pub(super) const GRPC_TYPE: [(&[u8], &[u8]); 1] = [(b"content-type", b"application/grpc+proto")];
pub(super) const GRPC_RULE: &str = r#"{"replay": {"retriable_grpc_statuses": ["UNAVAILABLE"], "max_response_bytes": 20},
    "safe": {"grpc_methods": [{"prefix": "/"}]}}"#;

#[test]
fn a_stream_of_messages_passes() {
    let mut policy = rule(GRPC_RULE);
    let mut stream = kept_stream(&mut policy, &[GRPC]);
    stream.wait = Wait::Trailers;
    let mut hold = |size, start: &[u8]| {
        let mut host = Host::default();
        (policy.hold(&mut stream.clone(), (size, true), start, &mut host), host.events)
    };
    // The whole message.
    assert_eq!(hold(3, &[0, 0, 0]), (None, vec![]));
    assert_eq!(hold(8, &[0, 0, 0, 0, 3]), (None, vec![]));
    assert_eq!(hold(9, &[0, 0, 0, 0, 3]), (Some(PASS), vec![]));
    assert_eq!(hold(9, &[0, 255, 255, 255, 255]), (None, vec![]));
    assert_eq!(hold(21, &[0, 0, 0, 0, 99]), (Some(PASS), vec![Event::ResponseTooLarge]));
    assert_eq!(hold(9, &[0, 0, 0, 0, 4]), (None, vec![]));
}

#[test]
fn a_message_is_held_for_a_bounded_time() {
    let mut policy = rule(GRPC_RULE);
    let mut host = Host::default();
    let start = |policy: &mut Policy| {
        let mut stream = kept_stream(policy, &[GRPC]);
        let head = Head { status: 200, headers: Headers(&GRPC_TYPE), ..Head::default() };
        assert_eq!(respond(policy, &mut stream, head, false), (Step::Pass(Wait::Trailers), vec![]));
        stream
    };
    let mut stream = start(&mut policy);
    let mut hold = |stream: &mut Stream| policy.hold(stream, (8, false), &[0, 0, 0, 0, 3], &mut host);
    assert_eq!(hold(&mut stream), Some(Step::After(SECOND, Wake::Release)));
    assert_eq!(hold(&mut stream), Some(Step::Hold));
    assert_eq!(policy.wake(&mut stream, Wake::Release, &mut host), PASS);
    assert_eq!((stream.wait, host.events()), (Wait::Nothing, vec![Event::HeldTooLong]));
    assert_eq!(policy.wake(&mut stream, Wake::Release, &mut host), Step::Hold);
    // Its trailers have arrived.
    let mut stream = start(&mut policy);
    let trailers: [(&[u8], &[u8]); 1] = [(b"grpc-status", b"14")];
    call(policy.respond_rest(&mut stream, Headers(&trailers), Some(b"message"), &mut host));
    assert_eq!(policy.wake(&mut stream, Wake::Release, &mut host), Step::Hold);
    assert_eq!(host.events, []);
}

#[test]
fn trailers_without_a_message_cannot_be_replaced() {
    let mut policy = rule(GRPC_RULE);
    let trailers: [(&[u8], &[u8]); 1] = [(b"grpc-status", b"14")];
    for (body, event) in [(None, Some(Event::Undeliverable)), (Some(&b"message"[..]), None)] {
        let mut stream = kept_stream(&mut policy, &[GRPC]);
        let mut host = Host::default();
        let step = policy.respond_rest(&mut stream, Headers(&trailers), body, &mut host);
        assert_eq!((step == PASS, host.events), (body.is_none(), event.into_iter().collect()));
    }
    // A response that ends with its headers.
    let mut stream = kept_stream(&mut policy, &[GRPC]);
    let head = Head { status: 200, headers: Headers(&trailers), ..Head::default() };
    let (step, events) = respond(&mut policy, &mut stream, head, true);
    assert_eq!((step, events), (PASS, vec![Event::Undeliverable]));
}

/// A response whose headers have passed cannot be retried before the time that they ask for.
#[test]
fn retry_after_is_remembered_until_the_trailers() {
    let mut policy = rule(GRPC_RULE);
    let mut stream = kept_stream(&mut policy, &[GRPC]);
    let headers = [GRPC_TYPE[0], (b"retry-after".as_slice(), b"2".as_slice())];
    let head = Head { status: 200, headers: Headers(&headers), ..Head::default() };
    assert_eq!(respond(&mut policy, &mut stream, head, false).0, Step::Pass(Wait::Trailers));
    let trailers: [(&[u8], &[u8]); 1] = [(b"grpc-status", b"14")];
    let step = policy.respond_rest(&mut stream, Headers(&trailers), Some(b"message"), &mut Host::default());
    assert!(matches!(step, Step::After(delay, Wake::Attempt(_)) if delay == 2 * SECOND), "{step:?}");
}

/// Returns the response of a callout as it is delivered to a gRPC client whose first response has trailers.
fn delivered(head: Head<'_>, body: &[u8]) -> Response {
    let mut policy = rule(GRPC_RULE);
    let mut stream = kept_stream(&mut policy, &[GRPC]);
    let first = Head { status: 200, headers: Headers(&GRPC_TYPE), ..Head::default() };
    assert_eq!(respond(&mut policy, &mut stream, first, false), (Step::Pass(Wait::Trailers), vec![]));
    let trailers: [(&[u8], &[u8]); 1] = [(b"grpc-status", b"14")];
    let mut host = Host::default();
    call(policy.respond_rest(&mut stream, Headers(&trailers), Some(b"message"), &mut host));
    match policy.after(&mut stream, Outcome::Response(head, body), &mut host) {
        Step::Replace(response, Reason::Replayed) => *response,
        other => panic!("{other:?}"),
    }
}

pub(super) fn shown(fields: &[(String, Vec<u8>)]) -> Vec<String> {
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
    let expected = (PASS, vec![Event::Undeliverable]);
    assert_eq!(respond(&mut policy, &mut stream, head, false), expected);
    let response = Response { trailers: vec![("grpc-status".into(), b"14".to_vec())], ..Response::default() };
    assert!(stream.needs_reply(&response));
    let mut stream = kept_stream(&mut policy, &[GRPC]);
    let head = Head { headers: Headers(&GRPC_TYPE), ..head };
    call(respond(&mut policy, &mut stream, head, false).0);
}
