use super::*;
use crate::{BodyFault, Injected, Part, Status, Then};
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
    let decision = policy.respond(&mut injected, &mut world);
    assert_eq!(decision.then, Then::Delay(Duration::from_nanos(20_000_000)));
    let Then::Reply(reply) = policy.after_response_delay(&mut injected) else { panic!("expected a reply") };
    assert_eq!(
        (reply.status, &*reply.body, reply.details),
        (Status::Http(502), "lost", "fault_filter_response")
    );
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
    let decision = policy.respond(&mut injected, &mut world);
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
        assert_eq!(policy.after_delay(&mut injected, false, &mut world), Then::Pass);
        assert_eq!(written(&policy.respond(&mut injected, &mut world).edits), expected);
        assert_eq!(world.count("responses_injected"), 0);
    }
}

#[test]
fn truncates_a_body() {
    let policy = rule(r#""response": {"percentage": 100, "truncate_after": 5}"#);
    let mut world = World::default();
    let mut injected = injected(&policy, &mut world, &[]);
    assert!(policy.respond(&mut injected, &mut world).changes_length);
    let body = injected.body().unwrap();
    assert_eq!(changed(body, &[b"abc", b"defg", b"hij"]), b"abcde");
    assert!(!body.is_cut() && body.pass(0, body.is_cut(), UnixNanos(0)) == Part::Pass);
}

#[test]
fn resets_after_a_part_of_the_body() {
    let policy = rule(r#""response": {"percentage": 100, "reset_after": 5}"#);
    let mut world = World::default();
    let mut injected = injected(&policy, &mut world, &[]);
    assert!(policy.respond(&mut injected, &mut world).changes_length);
    let body = injected.body().unwrap();
    let mut parts = Vec::new();
    for chunk in [&b"abc"[..], b"defg", b"hij"] {
        let (cut, mut out) = (body.is_cut(), Vec::new());
        body.change(chunk, &mut out);
        parts.push((out.len(), body.pass(out.len(), cut, UnixNanos(0))));
    }
    assert_eq!(parts, [(3, Part::Pass), (2, Part::Pass), (0, Part::Reset)]);
}

#[test]
fn corrupts_a_share_of_the_bytes() {
    let policy = rule(r#""response": {"percentage": 100, "corrupt": 1}"#);
    let mut world = World::default();
    let mut injected = injected(&policy, &mut world, &[]);
    assert!(!policy.respond(&mut injected, &mut world).changes_length);
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
    policy.respond(&mut injected, &mut world);
    assert_eq!((world.count("response_rl_injected"), world.count("responses_injected")), (1, 0));
    let body = injected.body().unwrap();
    let at = |ms: u64| UnixNanos(NOON + ms * 1_000_000);
    let hold = |ms: u64| Part::Hold(Duration::from_nanos(ms * 1_000_000));
    assert_eq!(body.pass(500, false, at(0)), hold(500));
    // Another part arrives while the first one is held.
    assert_eq!(body.pass(100, false, at(200)), Part::Held);
    assert_eq!(body.resume(at(500)), hold(100));
    assert_eq!(body.resume(at(600)), Part::Pass);
    assert_eq!(body.pass(50, false, at(10_000)), Part::Pass);
    // The clock is set back: the time begins again, and ends.
    assert_eq!(body.pass(50, false, UnixNanos(0)), hold(700));
    assert_eq!(body.resume(UnixNanos(700_000_000)), Part::Pass);
    // The end of a body without bytes is not held.
    assert_eq!(body.pass(0, false, at(10_001)), Part::Pass);
    policy.end(injected, &mut world);
    assert_eq!(world.active, 0);
}

#[test]
fn a_header_limits_the_rate() {
    let policy = rule(r#""response": {"percentage": 100, "rate_from_header": {}}"#);
    let mut world = World::default();
    let mut slow = injected(&policy, &mut world, &[("x-envoy-fault-throughput-response", "2")]);
    let held = slow.body().unwrap().pass(4096, false, UnixNanos(NOON));
    assert_eq!(held, Part::Hold(Duration::from_secs(2)));
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
            while let Part::Hold(time) = then {
                now = now + time.into();
                then = body.resume(now);
            }
        }
        let total = parts.iter().sum::<usize>() as u128 * 1_000_000_000 / u128::from(rate);
        let took = u128::from(now.0 - NOON);
        prop_assert!(took >= total && took < total + 1_000_000, "{took} {total}");
    }
}
