mod combined;

use super::*;
use proptest::prelude::*;
use sfv::{BareItem, List, ListEntry, Parser};

const SECOND: u64 = 1_000_000_000;

fn standing(policy: &str, limit: u64, window: u64, remaining: u64, reset: u64) -> Standing<'_> {
    let quota = Quota {
        limit,
        window: window.saturating_mul(SECOND),
        remaining,
        reset: reset.saturating_mul(SECOND),
    };
    Standing { policy, quota, unit: Unit::Requests }
}

fn both() -> Answers {
    Answers { rate_limit_headers: true, x_ratelimit_headers: true, ..Answers::default() }
}

fn texts(headers: &[HeaderField]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (&**name, str::from_utf8(value).unwrap())).collect()
}

/// The headers for a response that has none of them.
fn headers(answers: &Answers, standings: &[Standing<'_>]) -> Vec<HeaderField> {
    let changes = super::headers(answers, standings, Headers::default(), Vec::new());
    assert!(changes.add.is_empty());
    changes.set
}

fn cause(reason: Reason) -> Cause {
    Cause::new(reason, false)
}

fn local(answers: &Answers, standings: &[Standing<'_>], violated: usize, retry_after: u64) -> Refusal {
    let cause =
        Cause { violated: vec![violated], retry_after: Some(retry_after), ..cause(Reason::LocalLimit) };
    refuse(answers, standings, cause)
}

fn body(refusal: &Refusal) -> serde_json::Value {
    serde_json::from_slice(&refusal.body).unwrap()
}

#[test]
fn the_default_rejection_is_envoys_with_retry_after() {
    let answers = Answers::default();
    let refusal = local(&answers, &[standing("burst", 10, 60, 0, 30)], 0, 1);
    assert_eq!((refusal.status, refusal.grpc_status), (429, 14));
    assert_eq!(refusal.body, b"local_rate_limited");
    assert_eq!(texts(&refusal.headers), [("retry-after", "1")]);
    assert!(headers(&answers, &[standing("burst", 10, 60, 0, 30)]).is_empty());
    assert!(not_enforced(&answers).is_empty());
}

#[test]
fn retry_after_is_whole_seconds_rounded_up_and_at_least_one() {
    for (nanos, expected) in [
        (Some(0), Some("1")),
        (Some(SECOND), Some("1")),
        (Some(SECOND + 1), Some("2")),
        (Some(u64::MAX), Some("18446744074")),
        (None, None),
    ] {
        let refusal =
            refuse(&Answers::default(), &[], Cause { retry_after: nanos, ..cause(Reason::LocalLimit) });
        assert_eq!(texts(&refusal.headers).first().map(|(_, value)| *value), expected);
    }
    let silent = Answers { retry_after: false, ..Answers::default() };
    assert!(local(&silent, &[], 0, SECOND).headers.is_empty());
}

/// The examples of draft-ietf-httpapi-ratelimit-headers-11.
#[test]
fn fields_are_those_of_the_draft() {
    let answers = Answers { rate_limit_headers: true, ..Answers::default() };
    assert_eq!(
        texts(&headers(
            &answers,
            &[standing("burst", 100, 60, 50, 30), standing("daily", 1000, 86400, 900, 7200)]
        )),
        [
            ("ratelimit-policy", r#""burst";q=100;w=60, "daily";q=1000;w=86400"#),
            ("ratelimit", r#""burst";r=50;t=30, "daily";r=900;t=7200"#),
        ]
    );
    assert!(headers(&answers, &[]).is_empty());
}

#[test]
fn other_units_than_requests_are_named() {
    let answers = both();
    let bytes = Standing { unit: Unit::ContentBytes(1024), ..standing("upload", 10, 60, 3, 7) };
    let flying = Standing { unit: Unit::ConcurrentRequests, ..standing("flying", 8, 0, 2, 0) };
    assert_eq!(
        texts(&headers(&answers, &[bytes, flying])),
        [
            (
                "ratelimit-policy",
                r#""upload";q=10240;qu="content-bytes";w=60, "flying";q=8;qu="concurrent-requests""#
            ),
            ("ratelimit", r#""upload";r=3072;t=7, "flying";r=2"#),
            ("x-ratelimit-limit", r#"10, 10;w=60;name="upload""#),
            ("x-ratelimit-remaining", "3"),
            ("x-ratelimit-reset", "7"),
        ]
    );
    let only = Answers { x_ratelimit_headers: true, ..Answers::default() };
    assert!(headers(&only, &[flying]).is_empty());
    let refusal = refuse(&only, &[bytes, flying], Cause { violated: vec![1], ..cause(Reason::Concurrency) });
    assert_eq!(texts(&refusal.headers)[1], ("x-ratelimit-remaining", "3"));
}

#[test]
fn omits_windows_under_a_second() {
    let quota = Quota { limit: 10, window: SECOND / 10, remaining: 3, reset: SECOND / 20 };
    let tenth = Standing { policy: "tenth", quota, unit: Unit::Requests };
    assert_eq!(
        texts(&headers(&both(), &[tenth])),
        [
            ("ratelimit-policy", r#""tenth";q=10"#),
            ("ratelimit", r#""tenth";r=3;t=1"#),
            ("x-ratelimit-limit", "10"),
            ("x-ratelimit-remaining", "3"),
            ("x-ratelimit-reset", "1"),
        ]
    );
}

/// `test/extensions/filters/http/ratelimit/ratelimit_headers_test.cc`.
#[test]
fn x_ratelimit_reports_the_tightest_limit() {
    let answers = Answers { x_ratelimit_headers: true, ..Answers::default() };
    let (first, second) = (standing("first", 1, 60, 2, 3), standing("second", 4, 3600, 5, 6));
    for standings in [[first, second], [second, first]] {
        let headers = headers(&answers, &standings);
        let texts = texts(&headers);
        assert_eq!(texts[1..], [("x-ratelimit-remaining", "2"), ("x-ratelimit-reset", "3")]);
        if standings[0].policy == "first" {
            let limit = r#"1, 1;w=60;name="first", 4;w=3600;name="second""#;
            assert_eq!(texts[0], ("x-ratelimit-limit", limit));
        }
    }
    let (first, second) = (standing("first", 1, 60, 0, 3), standing("second", 4, 3600, 0, 6));
    assert_eq!(texts(&headers(&answers, &[first, second]))[2], ("x-ratelimit-reset", "3"));
}

#[test]
fn a_rejection_has_the_quotas() {
    let answers = Answers { status: 503, resource_exhausted: true, ..both() };
    let standings = [standing("daily", 1000, 86400, 0, 7200), standing("burst", 10, 60, 4, 6)];
    let refusal = local(&answers, &standings, 1, 6 * SECOND);
    assert_eq!((refusal.status, refusal.grpc_status), (503, 8));
    assert_eq!(
        texts(&refusal.headers),
        [
            ("retry-after", "6"),
            ("ratelimit-policy", r#""daily";q=1000;w=86400, "burst";q=10;w=60"#),
            ("ratelimit", r#""daily";r=0;t=7200, "burst";r=4;t=6"#),
            ("x-ratelimit-limit", r#"10, 1000;w=86400;name="daily", 10;w=60;name="burst""#),
            ("x-ratelimit-remaining", "4"),
            ("x-ratelimit-reset", "6"),
        ]
    );
}

#[test]
fn writes_the_configured_body() {
    let with = |body| Answers { body, ..Answers::default() };
    let standings = [standing("burst", 10, 60, 0, 30)];
    let refusal = local(&with(Body::Json), &standings, 0, 2 * SECOND);
    assert_eq!(texts(&refusal.headers)[0], ("content-type", "application/json"));
    let expected = serde_json::json!({
        "error": "rate_limited", "reason": "local_rate_limited", "policy": "burst", "retry_after": 2
    });
    assert_eq!(body(&refusal), expected);

    let refusal = local(&with(Body::Problem), &standings, 0, 2 * SECOND);
    assert_eq!(texts(&refusal.headers)[0], ("content-type", "application/problem+json"));
    let expected = serde_json::json!({
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded", "title": "Quota Exceeded",
        "status": 429, "reason": "local_rate_limited", "violated-policies": ["burst"]
    });
    assert_eq!(body(&refusal), expected);

    assert_eq!(local(&with(Body::Empty), &standings, 0, 1).body, b"");
    let html = |content_type: Option<&str>| Body::Inline {
        content_type: content_type.map(|text| text.parse().unwrap()),
        body: b"<p>".to_vec(),
    };
    let refusal = local(&with(html(Some("text/html"))), &standings, 0, 1);
    assert_eq!((texts(&refusal.headers)[0], &*refusal.body), (("content-type", "text/html"), &b"<p>"[..]));
    let refusal = local(&with(html(None)), &standings, 0, 1);
    assert_eq!((texts(&refusal.headers), &*refusal.body), (vec![("retry-after", "1")], &b"<p>"[..]));
}

#[test]
fn the_body_of_the_service_takes_precedence() {
    let answers = Answers { body: Body::Problem, ..Answers::default() };
    let raw_body = b"slow down".to_vec();
    let refusal = refuse(&answers, &[], Cause { raw_body, ..cause(Reason::ServiceLimit) });
    assert_eq!(refusal.body, b"slow down");
    assert_eq!(texts(&refusal.headers), [("x-envoy-ratelimited", "true")]);
}

#[test]
fn grpc_always_gets_a_text() {
    let json = "application/json".parse().unwrap();
    for configured in
        [Body::Json, Body::Problem, Body::Inline { content_type: Some(json), body: b"{}".to_vec() }]
    {
        let answers = Answers { body: configured, retry_after: false, ..Answers::default() };
        let refusal = refuse(&answers, &[], Cause { grpc: true, ..cause(Reason::ServiceLimit) });
        assert_eq!(refusal.body, b"request_rate_limited");
        assert_eq!(texts(&refusal.headers), [("x-envoy-ratelimited", "true")]);
    }
    let text = Body::Inline { content_type: Some("text/plain".parse().unwrap()), body: b"no".to_vec() };
    let answers = Answers { body: text, ..Answers::default() };
    let refusal = refuse(&answers, &[], Cause { grpc: true, ..cause(Reason::LocalLimit) });
    assert_eq!((refusal.headers, &*refusal.body), (vec![], &b"no"[..]));
}

#[test]
fn errors_use_the_capacity_problem_type() {
    let answers = Answers { body: Body::Problem, status_on_error: 503, resource_exhausted: true, ..both() };
    for reason in [Reason::ServiceUnavailable, Reason::SharedState, Reason::HostError] {
        let refusal = refuse(&answers, &[], cause(reason));
        assert_eq!((refusal.status, refusal.grpc_status), (503, 14));
        let expected = serde_json::json!({
            "type": "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
            "title": "Temporary Reduced Capacity", "status": 503, "reason": reason.name()
        });
        assert_eq!(body(&refusal), expected);
        assert_eq!(texts(&refusal.headers), [("content-type", "application/problem+json")]);
    }
}

#[test]
fn x_envoy_ratelimited_can_be_disabled() {
    let is_marked = |x_envoy_ratelimited, reason| {
        let answers = Answers { x_envoy_ratelimited, ..Answers::default() };
        !refuse(&answers, &[], cause(reason)).headers.is_empty()
    };
    assert!(is_marked(true, Reason::ServiceLimit));
    assert!(!is_marked(false, Reason::ServiceLimit));
    assert!(!is_marked(true, Reason::LocalLimit));
    assert!(!is_marked(true, Reason::ServiceUnavailable));
}

#[test]
fn configured_headers_replace_generated_ones() {
    let pair = |name: &str, value: &str| (name.parse().unwrap(), value.parse().unwrap());
    let answers = Answers {
        response_headers: vec![pair("Retry-After", "600"), pair("x-a", "1"), pair("x-a", "2")],
        request_headers_when_not_enforced: vec![pair("x-limited", "true")],
        ..Answers::default()
    };
    assert_eq!(
        texts(&local(&answers, &[], 0, SECOND).headers),
        [("retry-after", "600"), ("x-a", "1"), ("x-a", "2")]
    );
    assert_eq!(texts(&not_enforced(&answers)), [("x-limited", "true")]);
}

#[test]
fn a_status_determines_the_grpc_status_as_in_envoy() {
    for (status, grpc_status) in [(429, 14), (403, 7), (500, 2), (503, 14), (599, 2)] {
        let answers = Answers { status, status_on_error: status, ..Answers::default() };
        for reason in [Reason::LocalLimit, Reason::ServiceLimit, Reason::ServiceUnavailable] {
            assert_eq!(refuse(&answers, &[], cause(reason)).grpc_status, grpc_status, "{status} {reason:?}");
        }
    }
    assert_eq!(refuse(&Answers::default(), &[], cause(Reason::InvalidPath)).grpc_status, 13);
}

#[test]
fn all_policies_without_room_are_named() {
    let answers = Answers { body: Body::Problem, ..both() };
    let standings = [standing("a", 1, 60, 0, 5), standing("b", 1, 60, 1, 0), standing("c", 1, 60, 0, 50)];
    let cause = Cause { violated: vec![0, 2], retry_after: Some(50 * SECOND), ..cause(Reason::LocalLimit) };
    let refusal = refuse(&answers, &standings, cause.clone());
    assert_eq!(body(&refusal)["violated-policies"], serde_json::json!(["a", "c"]));
    let find =
        |name| texts(&refusal.headers).into_iter().find(|(other, _)| *other == name).unwrap().1.to_owned();
    assert_eq!((find("retry-after"), find("x-ratelimit-reset")), ("50".to_owned(), "50".to_owned()));
    let refusal = refuse(&Answers { body: Body::Json, ..answers }, &standings, cause);
    assert_eq!(body(&refusal)["policy"], "a", "the one that rejected");
}

#[test]
fn escapes_names_that_are_not_ascii() {
    let answers = Answers { rate_limit_headers: true, ..Answers::default() };
    let headers = headers(&answers, &[standing("a\"b\\c \u{e9}\n", 1, 1, 1, 1)]);
    assert_eq!(texts(&headers)[1].1, r#""a\"b\\c %C3%A9%0A";r=1;t=1"#);
}

fn any_standing() -> impl Strategy<Value = (String, Quota, Unit)> {
    let unit = prop_oneof![
        Just(Unit::Requests),
        any::<u64>().prop_map(Unit::ContentBytes),
        Just(Unit::ConcurrentRequests)
    ];
    (any::<String>(), any::<[u64; 4]>(), unit).prop_map(
        |(policy, [limit, window, remaining, reset], unit)| {
            (policy, Quota { limit, window, remaining, reset }, unit)
        },
    )
}

proptest! {
    #[test]
    fn headers_are_valid_for_any_numbers_and_names(
        all in proptest::collection::vec(any_standing(), 1..5), violated in 0usize..6, retry_after: Option<u64>,
    ) {
        let standings: Vec<_> =
            all.iter().map(|(policy, quota, unit)| Standing { policy, quota: *quota, unit: *unit }).collect();
        let refusal = refuse(&both(), &standings, Cause { violated: vec![violated], retry_after, ..cause(Reason::LocalLimit) });
        for (name, value) in refusal.headers.iter().chain(&headers(&both(), &standings)) {
            prop_assert!(tollgate_policy::is_token(name.as_bytes()) && tollgate_policy::is_valid_value(value));
            if !name.starts_with("ratelimit") {
                continue;
            }
            prop_assert_eq!(super::combine::names_of(value).map(|names| names.len()), Some(standings.len()));
            let list: List = Parser::new(value.as_slice()).parse().unwrap();
            prop_assert_eq!(list.len(), standings.len());
            for item in &list {
                let ListEntry::Item(item) = item else { panic!("a list in it") };
                prop_assert!(matches!(item.bare_item, BareItem::String(_)));
                let required = if name == "ratelimit" { "r" } else { "q" };
                for key in [Some(required), item.params.get("w").map(|_| "w"), item.params.get("t").map(|_| "t")] {
                    let Some(key) = key else { continue };
                    prop_assert!(matches!(item.params[key], BareItem::Integer(n) if i64::from(n) >= 0));
                }
            }
        }
    }
}
