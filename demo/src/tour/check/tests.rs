use super::*;
use crate::http::Reply;
use crate::services::{ORDER, Seen, USER};
use tollgate_host_test::Headers;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const NEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-aaaaaaaaaaaaaaaa-01";
const OTHER: &str = "00-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-cccccccccccccccc-01";

fn headers(fields: &[(&str, &str)]) -> Headers {
    Headers(fields.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect())
}

fn seen(service: &'static str, fields: &[(&str, &str)]) -> Seen {
    let (method, path) = ("GET".into(), "/".into());
    Seen { service, method, path, headers: headers(fields), answered: Headers::default() }
}

fn came_back(fields: &[(&str, &str)]) -> Outcome {
    let (status, headers) = (http::StatusCode::OK, headers(fields));
    Outcome { reply: Some(Reply { status, headers, body: "not_allowed".into() }), ..Outcome::default() }
}

fn response_matches(name: &'static str, value: &str, is: Is) -> bool {
    Expect::Header(Place::Response, name, is).check(&came_back(&[(name, value)])).is_ok()
}

#[test]
fn describes_the_difference() {
    let outcome = came_back(&[("a", "1"), ("a", "2")]);
    let differs = |expect: Expect| expect.check(&outcome).unwrap_err();
    assert_eq!(differs(Expect::Status(403)), "it is 200");
    assert_eq!(differs(Expect::Body("ok")), "it is `not_allowed`");
    assert_eq!(differs(Expect::Header(Place::Response, "a", Is::Text("1"))), "it is `1`, `2`");
    assert_eq!(differs(Expect::Header(Place::Response, "b", Is::Uuid)), "it is absent");
    assert_eq!(differs(Expect::Reached(&[USER])), "no service received it");
    assert_eq!(differs(Expect::Counted("hits", 1)), "it grew by 0");
    assert_eq!(differs(Expect::Rejected(&["field"])), "it was accepted");
    assert_eq!(Expect::Status(200).check(&Outcome::default()).unwrap_err(), "there is no response");
}

#[test]
fn checks_the_order_of_services() {
    let outcome = Outcome { seen: vec![seen(ORDER, &[]), seen(USER, &[])], ..Outcome::default() };
    assert_eq!(Expect::Reached(&[ORDER, USER]).check(&outcome), Ok(()));
    let differs = Expect::Reached(&[USER, ORDER]).check(&outcome).unwrap_err();
    assert_eq!(differs, "it was order-service, then user-service");
    assert!(Expect::Reached(&[]).check(&outcome).is_err());
}

#[test]
fn finds_counters_by_their_last_name() {
    let counted = vec![("a.hits".to_owned(), 1), ("a.more_hits".to_owned(), 5)];
    let outcome = Outcome { counted, ..Outcome::default() };
    assert_eq!(Expect::Counted("hits", 1).check(&outcome), Ok(()));
    assert_eq!(Expect::Counted("misses", 0).check(&outcome), Ok(()));
    assert!(Expect::Counted("hits", 2).check(&outcome).is_err());
}

#[test]
fn a_continued_trace_has_another_span() {
    let continued = Is::Continues("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let other = Is::NotOfTrace("4bf92f3577b34da6a3ce929d0e0e4736");
    for (value, continues, is_other, valid) in [
        (PARENT, false, false, true),
        (NEXT, true, false, true),
        (OTHER, false, true, true),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false, false, false),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false, false, false),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false, false, false),
    ] {
        assert_eq!(response_matches("traceparent", value, continued), continues, "{value}");
        assert_eq!(response_matches("traceparent", value, other), is_other, "{value}");
        assert_eq!(response_matches("traceparent", value, Is::Trace), valid, "{value}");
    }
}

#[test]
fn compares_hops() {
    let next = Expect::Header(Place::At(USER), "traceparent", Is::NextSpanAfter(Place::At(ORDER)));
    let same = Expect::Header(Place::At(USER), "traceparent", Is::SameAt(Place::At(ORDER)));
    for (second, is_next, is_same) in [(PARENT, false, true), (NEXT, true, false), (OTHER, false, false)] {
        let (first, second) =
            (seen(ORDER, &[("traceparent", PARENT)]), seen(USER, &[("traceparent", second)]));
        let outcome = Outcome { seen: vec![first, second], ..Outcome::default() };
        assert_eq!(next.check(&outcome).is_ok(), is_next, "{outcome:?}");
        assert_eq!(same.check(&outcome).is_ok(), is_same, "{outcome:?}");
    }
}

#[test]
fn checks_ids_and_timings() {
    assert!(response_matches("id", "d4ed5bd0-8cf9-4f9a-8ae4-3aab8ea08e35", Is::Uuid));
    assert!(!response_matches("id", "d4ed5bd0-8cf9-4f9a-8ae4-3aab8ea08e3", Is::Uuid));
    assert!(!response_matches("id", "d4ed5bd0+8cf9+4f9a+8ae4+3aab8ea08e35", Is::Uuid));
    let timing = Is::Timing("upstream", 25);
    for (value, fits) in [
        ("upstream;dur=25", true),
        ("cache;desc=\"hit\", upstream;desc=u;dur=26.5", true),
        ("upstream;dur=24.9", false),
        ("upstream2;dur=30", false),
        ("upstream", false),
    ] {
        assert_eq!(response_matches("server-timing", value, timing), fits, "{value}");
    }
}

#[test]
fn checks_numbers_and_parts_of_a_text() {
    for (value, fits) in [
        ("1", true),
        ("30", true),
        ("0", false),
        ("31", false),
        ("1.5", false),
        ("-1", false),
        ("soon", false),
    ] {
        assert_eq!(response_matches("retry-after", value, Is::Number(1, 30)), fits, "{value}");
    }
    assert!(response_matches("ratelimit", "\"all\";r=1;t=30", Is::Containing(";r=1;")));
    assert!(!response_matches("ratelimit", "\"all\";r=10;t=30", Is::Containing(";r=1;")));
}

#[test]
fn a_rejection_is_one_line_with_all_texts() {
    let rejected = |line: &str| {
        let outcome = Outcome { rejection: Some(line.to_owned()), ..Outcome::default() };
        Expect::Rejected(&["reqest_id", "request_id"]).check(&outcome).is_ok()
    };
    assert!(rejected("`reqest_id`: expected `request_id`"));
    assert!(!rejected("`reqest_id`: what?"));
    assert!(!rejected("`reqest_id`:\nexpected `request_id`"));
}
