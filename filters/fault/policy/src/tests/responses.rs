use super::*;
use crate::{BodyFault, Details, Injected, Then};
use proptest::prelude::*;
use tollgate_policy::{Duration, HeaderEdit};

fn injected(policy: &Policy, world: &mut World, headers: Pairs<'_>) -> Box<Injected> {
    let decision = decide(policy, world, "/", headers);
    assert_eq!(decision.then, Then::Pass);
    decision.injected.expect("the response has a fault")
}

fn written(edits: &[HeaderEdit<'_>]) -> Vec<String> {
    let text = |edit: &HeaderEdit<'_>| match edit.value() {
        Some(value) => format!("{}: {}", edit.name(), String::from_utf8_lossy(value)),
        None => format!("-{}", edit.name()),
    };
    edits.iter().map(text).collect()
}

fn changed(body: &mut BodyFault, chunks: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    chunks.iter().for_each(|chunk| body.change(chunk, &mut out));
    out
}

#[test]
fn replaces_the_response_after_a_delay() {
    let policy = rule(
        r#""response": {"percentage": 100, "delay": {"fixed": "20ms"}, "replace": {"http_status": 502, "body": "lost"}}"#,
    );
    let mut world = World::default();
    let mut injected = injected(&policy, &mut world, &[]);
    assert_eq!(injected.mark, "r;response");
    let decision = policy.respond(&mut injected, None, &mut world);
    assert_eq!(decision.then, Then::Delay(Duration::from_nanos(20_000_000)));
    let Then::Reply(reply) = policy.resume(&mut injected, None, &mut world) else { panic!("no reply") };
    assert_eq!((reply.status, &*reply.body, reply.reason), (502, &b"lost"[..], Details::Response));
    assert_eq!(world.count("responses_injected"), 1);
}

#[test]
fn edits_the_headers_of_a_response() {
    let policy = rule(
        r#""response": {"percentage": 100, "remove_headers": ["etag"],
            "set_headers": [{"name": "content-type", "value": "text/html"}]}"#,
    );
    let mut world = World::default();
    let mut injected = injected(&policy, &mut world, &[]);
    let decision = policy.respond(&mut injected, None, &mut world);
    assert_eq!(
        written(&decision.edits),
        ["x-tollgate-fault: r;response", "-etag", "content-type: text/html"]
    );
    assert!(!decision.changes_length && decision.then == Then::Pass);
    assert!(injected.body().is_none());
}

#[test]
fn marks_a_delayed_response() {
    let json = |mark: &str| {
        policy(&format!(
            r#"{{"mark": {mark}, "rules": [{{"name": "r", "delay": {{"percentage": 100, "fixed": "5ms"}}}}]}}"#
        ))
    };
    for (mark, expected) in [
        ("{}", &["x-tollgate-fault: r;delay=5"][..]),
        (r#"{"header": "x-chaos"}"#, &["x-chaos: r;delay=5"]),
        (r#"{"response": false}"#, &[]),
    ] {
        let (policy, mut world) = (json(mark), World::default());
        let mut injected = decide(&policy, &mut world, "/", &[]).injected.unwrap();
        assert_eq!(policy.resume(&mut injected, None, &mut world), Then::Pass);
        assert_eq!(written(&policy.respond(&mut injected, None, &mut world).edits), expected);
        assert_eq!(world.count("responses_injected"), 0);
    }
}

#[test]
fn truncates_a_body() {
    let policy = rule(r#""response": {"percentage": 100, "truncate_after": 5}"#);
    let mut world = World::default();
    let mut injected = injected(&policy, &mut world, &[]);
    assert!(policy.respond(&mut injected, None, &mut world).changes_length);
    let body = injected.body().unwrap();
    assert_eq!(changed(body, &[b"abc", b"defg", b"hij"]), b"abcde");
    assert_eq!(body.pass(0, true, UnixNanos(0)), Then::Pass);
}

#[test]
fn resets_after_a_part_of_the_body() {
    let policy = rule(r#""response": {"percentage": 100, "reset_after": 5}"#);
    let mut world = World::default();
    let mut injected = injected(&policy, &mut world, &[]);
    assert!(policy.respond(&mut injected, None, &mut world).changes_length);
    let body = injected.body().unwrap();
    let mut parts = Vec::new();
    for chunk in [&b"abc"[..], b"defg", b"hij"] {
        let mut out = Vec::new();
        body.change(chunk, &mut out);
        parts.push((out.len(), body.pass(out.len(), false, UnixNanos(0))));
    }
    assert_eq!(parts, [(3, Then::Pass), (2, Then::Pass), (0, Then::Reset)]);
    // No other part follows the last one.
    let mut whole = decide(&policy, &mut world, "/", &[]).injected.unwrap();
    changed(whole.body().unwrap(), &[b"abcdefg"]);
    assert_eq!(policy.pass(&mut whole, 5, true, &mut world), Then::Reset);
}

#[test]
fn a_part_of_several_chunks_leaves_before_the_reset() {
    let policy = rule(r#""response": {"percentage": 100, "reset_after": 5}"#);
    let mut injected = injected(&policy, &mut World::default(), &[]);
    let body = injected.body().unwrap();
    assert_eq!(changed(body, &[b"abc", b"defg", b"hij"]), b"abcde");
    assert_eq!(body.pass(5, false, UnixNanos(0)), Then::Pass);
    assert_eq!(body.pass(0, false, UnixNanos(0)), Then::Reset);
    let policy = rule(r#""response": {"percentage": 100, "reset_after": 0}"#);
    let mut injected = self::injected(&policy, &mut World::default(), &[]);
    assert_eq!(changed(injected.body().unwrap(), &[b"abc"]), b"");
    assert_eq!(injected.body().unwrap().pass(0, false, UnixNanos(0)), Then::Reset);
}

#[test]
fn a_reset_waits_for_what_is_held() {
    let policy = rule(r#""response": {"percentage": 100, "reset_after": 5, "bytes_per_second": 5}"#);
    let at = |seconds: u64| UnixNanos(NOON + seconds * 1_000_000_000);
    for (has_ended, expected) in [(false, Then::Pass), (true, Then::Reset)] {
        let mut injected = injected(&policy, &mut World::default(), &[]);
        let body = injected.body().unwrap();
        assert_eq!(changed(body, &[b"abcdefg"]), b"abcde");
        assert_eq!(body.pass(5, false, at(0)), Then::Delay(Duration::from_secs(1)));
        assert_eq!(changed(body, &[b"hij"]), b"");
        assert_eq!(body.pass(0, has_ended, at(0)), Then::Hold);
        assert_eq!(body.resume(at(1)), expected);
        if !has_ended {
            assert_eq!(body.pass(0, false, at(1)), Then::Reset);
        }
    }
}

/// Responses of the proxy and of other filters get no fault except a rate, as in Envoy.
#[test]
fn only_a_response_of_an_upstream_has_a_fault() {
    let of = |fields: &str| rule(&format!(r#""response": {{"percentage": 100, {fields}}}"#));
    let faulty = of(r#""truncate_after": 5, "bytes_per_second": 10"#);
    for (details, expected) in [
        ("", true),
        ("via_upstream", true),
        ("retry_replayed", true),
        ("route_not_found", false),
        ("jwt_authn_access_denied", false),
    ] {
        let mut world = World::default();
        world.properties.insert("response\0code_details", details);
        let mut injected = injected(&faulty, &mut world, &[]);
        let decision = faulty.respond(&mut injected, None, &mut world);
        assert_eq!((decision.changes_length, world.active == 1), (expected, expected), "{details}");
        assert_eq!(world.count("responses_injected") == 1, expected, "{details}");
        let rate = of(r#""bytes_per_second": 10"#);
        let mut slow = self::injected(&rate, &mut world, &[]);
        rate.respond(&mut slow, None, &mut world);
        assert!(slow.body().is_some(), "{details}");
    }
    let mut world = World::default();
    let mut injected = injected(&faulty, &mut world, &[]);
    world.failure = Some(Failure::Host);
    assert!(!faulty.respond(&mut injected, None, &mut world).changes_length);
    assert_eq!((world.count("host_error"), world.active), (1, 0));
}

#[test]
fn without_a_clock_a_body_has_no_rate() {
    let policy = rule(r#""response": {"percentage": 100, "bytes_per_second": 1}"#);
    let mut world = World::default();
    let mut slow = injected(&policy, &mut world, &[]);
    assert!(matches!(policy.pass(&mut slow, 9, false, &mut world), Then::Delay(_)));
    world.failure = Some(Failure::Host);
    assert_eq!(policy.resume(&mut slow, None, &mut world), Then::Pass);
    assert_eq!((world.count("host_error"), slow.holds_body()), (1, false));
    assert_eq!(policy.pass(&mut slow, 9, true, &mut world), Then::Pass);
}

#[test]
fn corrupts_a_share_of_the_bytes() {
    let policy = rule(r#""response": {"percentage": 100, "corrupt": 1}"#);
    let mut world = World::default();
    let mut injected = injected(&policy, &mut world, &[]);
    assert!(!policy.respond(&mut injected, None, &mut world).changes_length);
    let body = injected.body().unwrap();
    let (zeros, mut different) = (vec![0; 1000], 0);
    for _ in 0..1000 {
        let out = changed(body, &[&zeros]);
        assert_eq!(out.len(), 1000);
        different += out.iter().filter(|byte| **byte != 0).count();
    }
    // 10,000 +- 5 x 99.5.
    assert!(different.abs_diff(10_000) < 498, "{different}");
}

#[test]
fn limits_the_rate_of_a_body() {
    let policy = rule(r#""response": {"percentage": 100, "bytes_per_second": 1000}"#);
    let mut world = World::default();
    let mut injected = injected(&policy, &mut world, &[]);
    assert_eq!(world.active, 1);
    policy.respond(&mut injected, None, &mut world);
    assert_eq!((world.count("response_rl_injected"), world.count("responses_injected")), (1, 0));
    let body = injected.body().unwrap();
    let at = |ms: u64| UnixNanos(NOON + ms * 1_000_000);
    let hold = |ms: u64| Then::Delay(Duration::from_nanos(ms * 1_000_000));
    assert_eq!(body.pass(500, false, at(0)), hold(500));
    // Another part arrives while the first one is held.
    assert_eq!(body.pass(100, false, at(200)), Then::Hold);
    assert_eq!(body.resume(at(500)), hold(100));
    assert_eq!(body.resume(at(600)), Then::Pass);
    // Time without bytes is saved up for one second, as in Envoy.
    assert_eq!(body.pass(1050, false, at(10_000)), hold(50));
    assert_eq!(body.resume(at(10_050)), Then::Pass);
    assert_eq!(body.pass(50, false, at(10_050)), hold(50));
    // The clock is set back: the time begins again, and ends.
    assert_eq!(body.resume(UnixNanos(0)), hold(1700));
    assert_eq!(body.resume(UnixNanos(1_700_000_000)), Then::Pass);
    // The end of a body without bytes is not held.
    assert_eq!(body.pass(0, false, at(10_001)), Then::Pass);
    policy.end(injected, &mut world);
    assert_eq!(world.active, 0);
}

#[test]
fn a_header_limits_the_rate() {
    let policy = rule(r#""response": {"percentage": 100, "rate_from_header": {}}"#);
    let mut world = World::default();
    let mut slow = injected(&policy, &mut world, &[("x-envoy-fault-throughput-response", "2")]);
    let held = slow.body().unwrap().pass(4096, false, UnixNanos(NOON));
    assert_eq!(held, Then::Delay(Duration::from_secs(2)));
    for value in ["0", "x", "-1"] {
        assert_eq!(mark(&policy, &mut world, &[("x-envoy-fault-throughput-response", value)]), "");
    }
}

#[test]
fn an_aborted_request_has_no_response_fault() {
    let policy = rule(
        r#""abort": {"percentage": 100, "http_status": 503}, "response": {"percentage": 100, "truncate_after": 0}"#,
    );
    let decision = decide(&policy, &mut World::default(), "/", &[]).injected.unwrap();
    assert!(!decision.changes_response());
    assert_eq!(decision.mark, "r;abort");
}

proptest! {
    #[test]
    fn the_chunks_of_a_body_do_not_matter(
        body in prop::collection::vec(any::<u8>(), 0..300), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        end in 0u64..400,
    ) {
        let policy = rule(&format!(r#""response": {{"percentage": 100, "corrupt": 20, "truncate_after": {end}}}"#));
        let fault = || injected(&policy, &mut World::default(), &[]);
        let whole = changed(fault().body().unwrap(), &[&body]);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(body.len());
        let (mut chunks, mut start) = (Vec::new(), 0);
        for cut in cuts {
            chunks.push(&body[start..cut]);
            start = cut;
        }
        prop_assert_eq!(whole.len() as u64, end.min(body.len() as u64));
        prop_assert_eq!(changed(fault().body().unwrap(), &chunks), whole);
    }

    #[test]
    fn a_body_takes_the_time_of_its_rate(rate in 1u64..10_000_000, parts in prop::collection::vec(0usize..100_000, 1..20)) {
        let policy = rule(&format!(r#""response": {{"percentage": 100, "bytes_per_second": {rate}}}"#));
        let mut fault = injected(&policy, &mut World::default(), &[]);
        let body = fault.body().unwrap();
        let mut now = UnixNanos(NOON);
        for part in &parts {
            let mut then = body.pass(*part, false, now);
            while let Then::Delay(time) = then {
                now = now + time.into();
                then = body.resume(now);
            }
        }
        let total = parts.iter().sum::<usize>() as u128 * 1_000_000_000 / u128::from(rate);
        let took = u128::from(now.0 - NOON);
        prop_assert!(took >= total && took < total + 1_000_000, "{took} {total}");
    }
}
