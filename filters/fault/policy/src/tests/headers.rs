use super::*;
use crate::Then;
use tollgate_policy::{Duration, HeaderEdit};

const FROM_HEADERS: &str =
    r#""delay": {"percentage": 100, "header": {}}, "abort": {"percentage": 100, "header": {}}"#;

fn reply_of(then: Then) -> Option<(u16, u8)> {
    match then {
        Then::Reply(reply) => Some((reply.status, reply.grpc_status)),
        _ => None,
    }
}

#[test]
fn a_request_asks_for_its_fault() {
    let policy = rule(FROM_HEADERS);
    let mut world = World::default();
    for (headers, expected) in [
        (&[("x-envoy-fault-abort-request", "429")][..], Some((429, 14))),
        (&[("x-envoy-fault-abort-grpc-request", "14")], Some((200, 14))),
        (
            &[("x-envoy-fault-abort-grpc-request", "14"), ("x-envoy-fault-abort-request", "503")],
            Some((503, 14)),
        ),
        (&[("x-envoy-fault-abort-request", "199")], None),
        (&[("x-envoy-fault-abort-request", "600")], None),
        (&[("x-envoy-fault-abort-request", "+503")], None),
        (&[("x-envoy-fault-abort-request", "99999999999999999999")], None),
        (&[("x-envoy-fault-abort-request", "")], None),
        (&[("x-envoy-fault-abort-request", "503"), ("x-envoy-fault-abort-request-percentage", "0")], None),
        (&[], None),
    ] {
        assert_eq!(reply_of(decide(&policy, &mut world, "/", headers).then), expected, "{headers:?}");
    }
    let decision = decide(&policy, &mut world, "/", &[("x-envoy-fault-delay-request", "1500")]);
    assert_eq!(decision.then, Then::Delay(Duration::from_nanos(1_500_000_000)));
    let decision = decide(&policy, &mut world, "/", &[("x-envoy-fault-delay-request", "86400000")]);
    assert_eq!(decision.then, Then::Delay(Duration::from_secs(60)), "capped by `max_delay`");
}

#[test]
fn the_headers_never_reach_the_upstream() {
    for fields in [FROM_HEADERS, r#""reset": {"percentage": 0}"#] {
        let policy = rule(fields);
        let headers: Vec<_> =
            crate::plan::HEADERS.iter().map(|name| (name.as_str().to_owned(), "0")).collect();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let mut world = World::default();
        let decision = decide(&policy, &mut world, "/", &headers);
        let removed: Vec<_> = decision.edits.iter().map(HeaderEdit::name).collect();
        assert_eq!(removed, crate::plan::HEADERS.iter().collect::<Vec<_>>());
        assert!(decision.edits.iter().all(|edit| edit.value().is_none()));
    }
}

#[test]
fn headers_have_no_effect_unless_configured() {
    let policy = rule(
        r#""abort": {"percentage": 100, "http_status": 500}, "delay": {"percentage": 0, "fixed": "1s"}"#,
    );
    let headers: Pairs<'_> = &[
        ("x-envoy-fault-abort-request", "429"),
        ("x-envoy-fault-abort-request-percentage", "0"),
        ("x-envoy-fault-delay-request", "5"),
        ("x-envoy-fault-delay-request-percentage", "100"),
    ];
    let mut world = World::default();
    assert_eq!(reply_of(decide(&policy, &mut world, "/", headers).then), Some((500, 2)));
}

#[test]
fn the_configured_percentage_caps_that_of_the_header() {
    const DRAWS: usize = 20_000;
    let policy = rule(r#""abort": {"percentage": 25, "header": {}}"#);
    for (asked, expected) in
        [("0", 0.0), ("10", 0.1), ("25", 0.25), ("100", 0.25), ("4294967295", 0.25), ("x", 0.25)]
    {
        let mut world = World::default();
        let headers: Pairs<'_> =
            &[("x-envoy-fault-abort-request", "503"), ("x-envoy-fault-abort-request-percentage", asked)];
        let hits = (0..DRAWS).filter(|_| !mark(&policy, &mut world, headers).is_empty()).count() as f64;
        let deviation = (expected * (1.0 - expected) * DRAWS as f64).sqrt();
        assert!((hits - expected * DRAWS as f64).abs() <= 5.0 * deviation, "{asked}: {hits}");
    }
}

#[test]
fn the_numerator_of_a_header_has_the_configured_denominator() {
    const DRAWS: usize = 200_000;
    let policy = policy(
        r#"{"envoy": {"abort": {"header_abort": {}, "percentage": {"numerator": 10000, "denominator": "TEN_THOUSAND"}}}}"#,
    );
    let mut world = World::default();
    let headers: Pairs<'_> =
        &[("x-envoy-fault-abort-request", "503"), ("x-envoy-fault-abort-request-percentage", "50")];
    let hits = (0..DRAWS).filter(|_| !mark(&policy, &mut world, headers).is_empty()).count();
    // 50 in 10,000 of 200,000: 1,000 +- 5 x 31.6.
    assert!(hits.abs_diff(1_000) < 158, "{hits}");
}

#[test]
fn a_secret_or_a_principal_can_be_required() {
    let config = |conditions: &str| {
        policy(&format!(r#"{{"header_faults": {conditions}, "rules": [{{"name": "r", {FROM_HEADERS}}}]}}"#))
    };
    let asked = ("x-envoy-fault-abort-request", "503");
    let secret = config(r#"{"secret": {"header": "x-secret", "value": "s3cret"}}"#);
    for (headers, expected) in [
        (&[asked, ("x-secret", "s3cret")][..], true),
        (&[asked, ("x-secret", "s3cre")], false),
        (&[asked, ("x-secret", "s3cret2")], false),
        (&[asked, ("x-secret", "")], false),
        (&[asked], false),
    ] {
        let mut world = World::default();
        let decision = decide(&secret, &mut world, "/", headers);
        assert_eq!(reply_of(decision.then).is_some(), expected, "{headers:?}");
        assert_eq!(world.count("headers_denied"), usize::from(!expected));
        assert_eq!(decision.edits.len(), headers.len(), "the upstream does not receive the secret");
    }
    for matcher in [r#"{"regex": ".*"}"#, r#"{"exact": ""}"#] {
        let any = config(&format!(r#"{{"principals": [{matcher}]}}"#));
        let mut world = World::default();
        assert_eq!(mark(&any, &mut world, &[asked]), "", "no certificate");
        world.properties.insert("connection\0uri_san_peer_certificate", "");
        assert_eq!(mark(&any, &mut world, &[asked]), "", "a certificate without a URI");
    }
    let principal = config(r#"{"principals": [{"exact": "spiffe://c/ns/test/sa/chaos"}]}"#);
    let mut world = World::default();
    assert_eq!(mark(&principal, &mut world, &[asked]), "");
    world.properties.insert("connection\0uri_san_peer_certificate", "spiffe://c/ns/test/sa/chaos");
    assert_eq!(mark(&principal, &mut world, &[asked]), "r;abort");
    // A request that asks for nothing is not counted.
    assert_eq!((mark(&principal, &mut world, &[]), world.count("headers_denied")), (String::new(), 1));
}
