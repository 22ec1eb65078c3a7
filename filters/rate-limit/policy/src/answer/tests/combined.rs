//! Headers of the service, and fields that a response already has.

use super::*;
use crate::answer::headers as answer_headers;

fn service() -> Vec<HeaderField> {
    vec![("set-cookie".into(), b"a=1".to_vec()), ("set-cookie".into(), b"b=2".to_vec())]
}

#[test]
fn headers_of_the_service_are_added() {
    let changes = answer_headers(&both(), &[standing("a", 1, 60, 1, 0)], Headers::default(), service());
    assert_eq!(changes.add, service());
    let mut with_retry = service();
    with_retry.push(("Retry-After".into(), b"7".to_vec()));
    let cause = Cause { service: with_retry, retry_after: Some(SECOND), ..cause(Reason::ServiceLimit) };
    let refusal = refuse(&Answers { x_envoy_ratelimited: false, ..Answers::default() }, &[], cause);
    assert_eq!(texts(&refusal.headers), [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("Retry-After", "7")]);
}

/// The fields of an upstream, or of another filter, and what becomes of them.
#[test]
fn fields_of_an_upstream_are_combined() {
    let answers = Answers { rate_limit_headers: true, ..Answers::default() };
    let standings = [standing("burst", 10, 60, 4, 6), standing("daily", 9, 86400, 3, 7200)];
    let changes = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        answer_headers(&answers, &standings, Headers(&pairs), Vec::new())
    };
    let policy = r#""burst";q=10;w=60, "daily";q=9;w=86400"#;
    let limit = r#""burst";r=4;t=6, "daily";r=3;t=7200"#;
    // Theirs stay, as they are in other lines. Ours have other names.
    let theirs = [("RateLimit-Policy", r#""other";q=1, "burst";q=5"#), ("ratelimit", r#""burst";r=5"#)];
    let found = changes(&theirs);
    assert!(found.set.is_empty());
    let renamed = |text: &str| text.replace("burst", "burst-2");
    let expected = [("ratelimit-policy", renamed(policy)), ("ratelimit", renamed(limit))];
    assert_eq!(texts(&found.add), expected.each_ref().map(|(name, text)| (*name, text.as_str())));
    let found = changes(&[("ratelimit", r#""x";r=5"#)]);
    assert_eq!(
        (texts(&found.set), texts(&found.add)),
        (vec![("ratelimit-policy", policy)], vec![("ratelimit", limit)])
    );
    // A field of an older draft would become invalid.
    for theirs in [("ratelimit", "limit=10, remaining=9, reset=5"), ("ratelimit-policy", "\"")] {
        assert_eq!(changes(&[theirs]), HeaderChanges::default());
    }
    // Names are compared with each other, so an upstream must not send any number of them.
    let names =
        |count: usize| (0..count).map(|n| format!("\"burst-{n}\";r=1")).collect::<Vec<_>>().join(", ");
    assert_ne!(changes(&[("ratelimit", &names(64))]), HeaderChanges::default());
    assert_eq!(changes(&[("ratelimit", &names(65))]), HeaderChanges::default());
}

#[test]
fn the_tighter_numbers_of_older_fields_stay() {
    let answers = Answers { x_ratelimit_headers: true, kong_headers: true, ..Answers::default() };
    let standings = [standing("a", 10, 60, 4, 6), standing("b", 10, 2_592_000, 5, 6)];
    let written = |pairs: &[(&[u8], &[u8])]| -> Vec<_> {
        let changes = answer_headers(&answers, &standings, Headers(pairs), Vec::new());
        changes.set.into_iter().map(|(name, _)| name.into_owned()).collect()
    };
    let envoy = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    let kong = [
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "x-ratelimit-limit-minute",
        "x-ratelimit-remaining-minute",
        "x-ratelimit-limit-month",
        "x-ratelimit-remaining-month",
    ];
    let all = [&envoy[..], &kong].concat();
    for (theirs, expected) in [(&b"4"[..], &all[..]), (b"x", &all), (b"3", &[])] {
        assert_eq!(
            written(&[(b"x-ratelimit-remaining", theirs), (b"ratelimit-remaining", theirs)]),
            expected
        );
    }
    assert_eq!(
        fields_to_combine(&answers).collect::<Vec<_>>(),
        ["x-ratelimit-remaining", "ratelimit-remaining"]
    );
}

#[test]
fn kong_has_a_pair_for_each_unit() {
    let answers = Answers { kong_headers: true, ..Answers::default() };
    let standings = [
        standing("a", 5, 1, 4, 1),
        standing("b", 100, 60, 9, 6),
        standing("c", 90, 60, 8, 7),
        standing("d", 7, 61, 6, 9),
    ];
    assert_eq!(
        texts(&headers(&answers, &standings)),
        [
            ("ratelimit-limit", "5"),
            ("ratelimit-remaining", "4"),
            ("ratelimit-reset", "1"),
            ("x-ratelimit-limit-second", "5"),
            ("x-ratelimit-remaining-second", "4"),
            ("x-ratelimit-limit-minute", "90"),
            ("x-ratelimit-remaining-minute", "8"),
        ]
    );
}
