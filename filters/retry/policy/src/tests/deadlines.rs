//! Deadlines: reading, capping, forwarding, rejecting.

use super::grpc::GRPC;
use super::{Host, MS, NOW, SECOND, decide, fields, rule, written};
use crate::{Event, Reason};

fn arrived(before: u64) -> Host {
    received_at(NOW.0 - before)
}

/// A host that received the request at this time.
fn received_at(nanos: u64) -> Host {
    let mut host = Host::default();
    host.attributes.insert("request\0time", nanos.to_le_bytes().into());
    host
}

#[test]
fn forwards_the_time_that_remains() {
    let mut policy =
        rule(r#"{"timeout": "1m", "deadline": {}, "safe": {"grpc_methods": [{"prefix": "/"}]}}"#);
    let fields = fields("POST", "/a.B/C", &[GRPC, ("grpc-timeout", "1S")]);
    let decision = decide(&mut policy, &fields, &mut arrived(250 * MS));
    let edits = written(&decision.edits);
    assert!(edits.contains(&"grpc-timeout: 750000u".to_owned()), "{edits:?}");
    assert!(edits.contains(&"x-envoy-upstream-rq-timeout-ms: 750".to_owned()), "{edits:?}");
    assert_eq!(decision.stream.deadline, Some(NOW.0 + 750 * MS));
}

#[test]
fn each_format_is_read_and_written() {
    let at = (NOW.0 + 2 * SECOND) / MS;
    for (format, value, written_value) in [
        ("milliseconds", "2000", "1500"),
        ("seconds", "2", "2"),
        ("seconds", "1", "1"),
        ("grpc_timeout", "2S", "1500000u"),
        ("unix_milliseconds", &at.to_string(), &at.to_string()),
    ] {
        let mut policy = rule(&format!(
            r#"{{"deadline": {{"max": "1h", "header": {{"name": "x-deadline", "format": "{format}"}}}}}}"#
        ));
        let fields = fields("GET", "/", &[("x-deadline", value)]);
        let edits = written(&decide(&mut policy, &fields, &mut arrived(500 * MS)).edits);
        assert!(edits.contains(&format!("x-deadline: {written_value}")), "{format}: {edits:?}");
    }
}

#[test]
fn a_client_cannot_exceed_the_maximum() {
    let mut policy =
        rule(r#"{"timeout": "4s", "deadline": {"max": "3s", "header": {"name": "x-deadline"}}}"#);
    for (headers, remaining) in [
        (vec![("x-deadline", "99999")], 3_000),
        (vec![("x-deadline", "1000")], 1_000),
        (vec![("x-deadline", "1000"), ("x-deadline", "10")], 10),
        (vec![("x-deadline", "18446744073709551615")], 3_000),
        (vec![], 3_000),
        (vec![("x-deadline", "soon")], 3_000),
        (vec![("grpc-timeout", "1n")], 3_000),
    ] {
        let fields = fields("GET", "/", &headers);
        let edits = written(&decide(&mut policy, &fields, &mut arrived(0)).edits);
        assert!(
            edits.contains(&format!("x-envoy-upstream-rq-timeout-ms: {remaining}")),
            "{headers:?}: {edits:?}"
        );
        assert!(edits.contains(&format!("x-deadline: {remaining}")), "{headers:?}: {edits:?}");
    }
}

#[test]
fn rejects_a_request_whose_deadline_has_passed() {
    let mut policy = rule(r#"{"timeout": "1m", "deadline": {"header": {"name": "x-deadline"}}}"#);
    for (value, before, rejected) in [("0", 0, true), ("100", 100 * MS, true), ("100", 99 * MS, false)] {
        let fields = fields("POST", "/", &[("x-deadline", value)]);
        let mut host = arrived(before);
        let decision = decide(&mut policy, &fields, &mut host);
        assert_eq!(decision.refusal.is_some(), rejected, "{value} {before}");
        if let Some(refusal) = &decision.refusal {
            assert_eq!(
                (refusal.reason, refusal.status, refusal.grpc_status),
                (Reason::DeadlineExceeded, 504, 4)
            );
            assert_eq!(host.events, [Event::DeadlineExceeded]);
        }
    }
}

#[test]
fn an_invalid_deadline_is_ignored_and_counted() {
    let mut policy = rule(r#"{"timeout": "1m", "deadline": {}}"#);
    let fields = fields("POST", "/", &[GRPC, ("grpc-timeout", "1S,2S")]);
    let mut host = arrived(0);
    assert_eq!(decide(&mut policy, &fields, &mut host).stream.deadline, None);
    assert_eq!(host.events[0], Event::DeadlineInvalid);
}

#[test]
fn a_clock_behind_the_arrival_takes_no_time() {
    let mut policy = rule(r#"{"deadline": {"max": "1s"}}"#);
    let decision = decide(&mut policy, &fields("GET", "/", &[]), &mut received_at(NOW.0 + SECOND));
    assert_eq!(decision.stream.deadline, Some(NOW.0 + SECOND));
}

#[test]
fn a_client_cannot_exceed_the_timeout_of_a_rule() {
    let mut policy = rule(r#"{"timeout": "2s", "deadline": {"header": {"name": "x-deadline"}}}"#);
    let fields = fields("GET", "/", &[("x-deadline", "3600000")]);
    let edits = written(&decide(&mut policy, &fields, &mut arrived(0)).edits);
    assert!(edits.contains(&"x-envoy-upstream-rq-timeout-ms: 2000".to_owned()), "{edits:?}");
}

/// If a later edit fails, the request is not sent too often.
#[test]
fn the_number_of_retries_is_the_first_edit() {
    let mut policy = rule(r#"{"deadline": {"max": "3s", "header": {"name": "x-deadline"}}}"#);
    let fields = fields("GET", "/", &[("x-envoy-retry-on", "5xx")]);
    let decision = decide(&mut policy, &fields, &mut arrived(0));
    assert_eq!(decision.edits[0].name().as_str(), "x-envoy-max-retries");
}
