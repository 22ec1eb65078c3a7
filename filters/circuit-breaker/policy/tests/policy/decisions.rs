//! Decisions about requests.

use crate::support::{World, reply};
use tollgate_circuit_breaker_policy::{Decision, Event, Reason};
use tollgate_counting::Failure;
use tollgate_policy::AllowedBy;

const THREE: &str =
    r#"{"consecutive_failures": 3, "open": {"duration": "10s", "jitter": 0}, "half_open": {"probes": 2}}"#;

fn opened(breaker: &str) -> World {
    let mut world = World::of_one(breaker);
    (0..3).for_each(|_| world.exchange(500));
    world
}

#[test]
fn opens_rejects_probes_and_closes() {
    let mut world = opened(THREE);
    let refusal = world.rejected();
    assert_eq!((refusal.reason, refusal.status, refusal.grpc_status), (Reason::Open, 503, 14));
    assert_eq!(refusal.headers, [("retry-after".into(), b"10".to_vec())]);
    assert_eq!(refusal.body, b"open");
    world.pass(10);
    let probes = [world.admitted(), world.admitted()];
    let refusal = world.rejected();
    assert_eq!(
        (refusal.reason, refusal.headers),
        (Reason::HalfOpen, vec![("retry-after".into(), b"1".to_vec())])
    );
    probes.into_iter().for_each(|probe| world.answer(probe, reply(200)));
    world.exchange(200);
    let changes = [
        "a: closed -> open, failures in a row",
        "a: open -> half_open, open time has passed",
        "a: half_open -> closed, probes succeeded",
    ];
    assert_eq!(world.host.changes, changes);
    assert_eq!([Event::Probe, Event::Rejected, Event::Failure].map(|event| world.count(event)), [2, 2, 3]);
}

#[test]
fn the_open_time_doubles_while_probes_fail() {
    let mut world = opened(THREE);
    for seconds in [10, 20, 40] {
        world.pass(seconds - 1);
        assert_eq!(world.rejected().headers, [("retry-after".into(), b"1".to_vec())]);
        world.pass(1);
        world.exchange(500);
        assert_eq!(world.rejected().reason, Reason::Open);
    }
    world.pass(80);
    (0..2).for_each(|_| world.exchange(200));
    (0..3).for_each(|_| world.exchange(500));
    assert_eq!(world.rejected().headers, [("retry-after".into(), b"10".to_vec())]);
}

/// The rule of the first texts of this project: `C_e` failures, or `M_r` requests with the error rate `R_e`.
#[test]
fn the_rule_of_three_numbers_is_one_configuration() {
    let rule = r#"{"window": {"duration": "10s"}, "consecutive_errors": 5, "minimum_requests": 4, "error_rate": 50}"#;
    let opens = |statuses: &[u16]| {
        let mut world = World::of_one(rule);
        statuses.iter().for_each(|status| world.exchange(*status));
        world.host.changes
    };
    assert_eq!(opens(&[500, 500, 500]), [""; 0]);
    assert_eq!(opens(&[500, 200, 200, 500]), ["a: closed -> open, failure rate"]);
    let mostly_good = [200, 200, 200, 500, 200, 500, 200, 200, 500, 200, 200, 500, 200, 200, 500];
    assert_eq!(opens(&mostly_good), ["a: closed -> open, number of failures"]);
    assert_eq!(opens(&mostly_good[..14]), [""; 0]);
}

#[test]
fn a_window_of_time_forgets() {
    let mut world = World::of_one(r#"{"window": {"duration": "10s"}, "failure_count": 3}"#);
    (0..2).for_each(|_| world.exchange(500));
    world.pass(11);
    (0..2).for_each(|_| world.exchange(500));
    assert!(world.host.changes.is_empty());
    world.exchange(500);
    assert_eq!(world.host.changes, ["a: closed -> open, number of failures"]);
}

#[test]
fn late_responses_do_not_count() {
    let mut world = World::of_one(THREE);
    let early: Vec<_> = (0..6).map(|_| world.admitted()).collect();
    let mut early = early.into_iter();
    (0..3).for_each(|_| world.answer(early.next().unwrap(), reply(500)));
    world.answer(early.next().unwrap(), reply(200));
    world.pass(10);
    let probe = world.admitted();
    world.answer(early.next().unwrap(), reply(500));
    world.answer(probe, reply(200));
    world.exchange(200);
    world.answer(early.next().unwrap(), reply(500));
    assert_eq!(world.count(Event::Late), 3);
    assert_eq!(world.host.changes.len(), 3, "{:?}", world.host.changes);
}

#[test]
fn a_probe_without_a_result_returns_its_permit() {
    let mut world = opened(THREE);
    world.pass(10);
    for _ in 0..5 {
        let probe = world.admitted();
        world.end(probe);
    }
    let probe = world.admitted();
    world.answer(probe, reply(429));
    (0..2).for_each(|_| world.exchange(200));
    assert_eq!(world.host.changes.last().unwrap(), "a: half_open -> closed, probes succeeded");
}

/// A worker that died holds its probes forever.
#[test]
fn lost_probes_open_the_breaker_again() {
    let mut world = opened(THREE);
    world.pass(10);
    let _lost = [world.admitted(), world.admitted()];
    world.pass(59);
    assert_eq!(world.rejected().reason, Reason::HalfOpen);
    world.pass(1);
    assert_eq!(world.rejected().headers, [("retry-after".into(), b"10".to_vec())], "not longer than before");
    assert_eq!(world.host.changes.last().unwrap(), "a: half_open -> open, probes had no result in time");
}

#[test]
fn slow_requests_open_the_breaker() {
    let mut world =
        World::of_one(r#"{"minimum_requests": 2, "slow_requests": {"duration": "2s", "rate": 100}}"#);
    for _ in 0..2 {
        let ticket = world.admitted();
        world.pass(2);
        world.answer(ticket, reply(200));
    }
    assert_eq!(world.host.changes, ["a: closed -> open, rate of slow requests"]);
    assert_eq!([Event::Success, Event::Slow].map(|event| world.count(event)), [2, 2]);
}

/// Otherwise, an upstream that hangs would never count while clients give up first.
#[test]
fn an_abandoned_request_can_be_slow() {
    let mut world = World::of_one(r#"{"minimum_requests": 2, "slow_requests": {"duration": "2s"}}"#);
    for (seconds, is_sent) in [(1, true), (2, false), (2, true), (2, true)] {
        let mut ticket = world.admitted();
        ticket.is_sent = is_sent;
        world.pass(seconds);
        world.end(ticket);
    }
    assert_eq!(world.host.changes, ["a: closed -> open, rate of slow requests"]);
    assert_eq!([Event::Ignored, Event::Slow, Event::Failure].map(|event| world.count(event)), [2, 2, 2]);
}

/// Without timeouts as failures, an abandoned request is only slow.
#[test]
fn an_abandoned_request_is_a_timeout_if_configured() {
    for (timeouts, changes) in [(true, 1), (false, 0)] {
        let mut world = World::of_one(&format!(
            r#"{{"consecutive_failures": 1, "slow_requests": {{"duration": "2s"}}, "failures": {{"timeouts": {timeouts}}}}}"#
        ));
        let mut ticket = world.admitted();
        ticket.is_sent = true;
        world.pass(2);
        world.end(ticket);
        assert_eq!((world.host.changes.len(), world.count(Event::Slow)), (changes, 1));
    }
}

#[test]
fn modes_force_a_state() {
    let mut disabled = opened(r#"{"mode": "disabled", "consecutive_failures": 1}"#);
    assert!(disabled.host.events.is_empty() && disabled.admitted().is_empty());
    let mut counting = opened(r#"{"mode": "metrics_only", "consecutive_failures": 1}"#);
    counting.exchange(200);
    assert_eq!((counting.count(Event::Failure), counting.host.changes.len()), (3, 0));
    let mut forced = World::of_one(r#"{"mode": "forced_open"}"#);
    assert_eq!(forced.rejected().reason, Reason::ForcedOpen);
}

#[test]
fn shadow_mode_only_counts() {
    let mut filter = World::new(&format!(r#"{{"shadow": true, "breakers": {{"a": {THREE}}}}}"#));
    let mut breaker = World::of_one(&THREE.replacen('{', r#"{"shadow": true,"#, 1));
    for world in [&mut filter, &mut breaker] {
        (0..3).for_each(|_| world.exchange(500));
        let Decision::Pass(pass) = world.ask(&[]) else { panic!("rejected") };
        assert_eq!(pass.allowed_by, Some(AllowedBy::Shadow(Reason::Open)));
        assert!(pass.ticket.is_empty(), "the result of a request that was not admitted does not count");
        assert_eq!(world.count(Event::ShadowRejected), 1);
    }
}

#[test]
fn a_failure_of_shared_memory_allows_by_default() {
    let mut world = World::of_one(THREE);
    world.host.memory.failure = Some(Failure::Contended);
    let Decision::Pass(pass) = world.ask(&[]) else { panic!("rejected") };
    assert_eq!(pass.allowed_by, Some(AllowedBy::FailureMode(Reason::SharedState)));
    let mut strict = World::new(&format!(
        r#"{{"on_error": "deny", "status_on_error": 500, "breakers": {{"a": {THREE}}}}}"#
    ));
    strict.host.memory.failure = Some(Failure::Host);
    let refusal = strict.rejected();
    assert_eq!(
        (refusal.reason, refusal.status, refusal.body),
        (Reason::SharedState, 500, b"shared_state".to_vec())
    );
    assert_eq!(strict.count(Event::Error), 1);
}

#[test]
fn a_failure_to_store_a_result_is_counted() {
    let mut world = World::of_one(THREE);
    let ticket = world.admitted();
    world.host.memory.failure = Some(Failure::Host);
    world.answer(ticket, reply(500));
    assert_eq!((world.count(Event::Error), world.count(Event::Failure)), (1, 0));
}

#[test]
fn a_failure_to_read_a_key_is_an_error() {
    let mut world = World::of_one(r#"{"key": [{"cluster": {}}], "consecutive_failures": 1}"#);
    world.host.property_fails = true;
    let Decision::Pass(pass) = world.ask(&[]) else { panic!("rejected") };
    assert_eq!(pass.allowed_by, Some(AllowedBy::FailureMode(Reason::HostError)));
}

#[test]
fn responses_are_configured() {
    let response = r#""response": {"status": 200, "body": "[]", "content_type": "application/json", "headers": [{"name": "x-from", "value": "fallback"}], "retry_after": false}"#;
    let mut world = opened(&format!(r#"{{"consecutive_failures": 3, {response}}}"#));
    let refusal = world.rejected();
    assert_eq!((refusal.status, refusal.body), (200, b"[]".to_vec()));
    let headers =
        [("x-from".into(), b"fallback".to_vec()), ("content-type".into(), b"application/json".to_vec())];
    assert_eq!(refusal.headers, headers);
    for (format, content_type, body) in [
        (
            "json",
            "application/json",
            r#"{"breaker":"a","error":"temporarily_unavailable","reason":"open","retry_after":10}"#,
        ),
        (
            "problem",
            "application/problem+json",
            r#"{"breaker":"a","reason":"open","retry_after":10,"status":503,"title":"Temporary Reduced Capacity","type":"https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"}"#,
        ),
    ] {
        let with = format!(r#"{{"breakers": {{"a": {THREE}}}, "response": {{"body_format": "{format}"}}}}"#);
        let mut world = World::new(&with);
        (0..3).for_each(|_| world.exchange(500));
        let refusal = world.rejected();
        assert_eq!(String::from_utf8(refusal.body).unwrap(), body);
        assert_eq!(refusal.headers.last().unwrap(), &("content-type".into(), content_type.into()));
    }
}

#[test]
fn an_earlier_breaker_gets_its_probe_back() {
    let mut world = World::new(
        r#"{"breakers": {
            "a": {"consecutive_failures": 1, "open": {"duration": "1s", "jitter": 0}, "half_open": {"probes": 1}},
            "b": {"consecutive_failures": 1, "open": {"duration": "5s", "jitter": 0}}
        }}"#,
    );
    world.exchange(500);
    world.pass(1);
    assert_eq!(world.rejected().reason, Reason::Open, "the probe of a is rejected by b");
    world.pass(4);
    let ticket = world.admitted();
    world.answer(ticket, reply(200));
    assert!(world.host.changes.contains(&"a: half_open -> closed, probes succeeded".into()));
}

#[test]
fn rules_select_breakers() {
    let config = r#"{
        "breakers": {"orders": {"consecutive_failures": 1}, "other": {"consecutive_failures": 1}},
        "rules": [{"match": {"paths": [{"prefix": "/orders"}]}, "breakers": ["orders"]}, {"match": {"methods": ["POST"]}, "breakers": ["other"]}]
    }"#;
    let mut world = World::new(config);
    let mut admitted = |method: &str, path: &str| match world.ask(&[(":method", method), (":path", path)]) {
        Decision::Pass(pass) => {
            let count = usize::from(!pass.ticket.is_empty());
            world.answer(pass.ticket, reply(500));
            Some(count)
        }
        Decision::Refuse(_) => None,
    };
    assert_eq!(admitted("GET", "/"), Some(0));
    assert_eq!(admitted("GET", "/orders/1"), Some(1));
    assert_eq!(admitted("GET", "/orders/2"), None);
    assert_eq!(admitted("POST", "/%6frders/2"), None, "the upstream may decode the path");
    assert_eq!(admitted("POST", "/"), Some(1));
}

#[test]
fn rejects_a_path_that_cannot_be_read() {
    let config = r#"{"breakers": {"a": {"consecutive_failures": 1}}, "rules": [{"match": {"paths": [{"prefix": "/a"}]}, "breakers": ["a"]}]}"#;
    let mut world = World::new(config);
    let Decision::Refuse(refusal) = world.ask(&[(":path", "/a%zz")]) else { panic!("admitted") };
    assert_eq!((refusal.reason, refusal.status, refusal.grpc_status), (Reason::InvalidPath, 400, 3));
}

#[test]
fn limits_requests_in_flight() {
    let mut world =
        World::of_one(r#"{"concurrency": {"min_rtt": {"min_concurrency": 2, "request_count": 2}}}"#);
    let tickets = [world.admitted(), world.admitted()];
    let refusal = world.rejected();
    assert_eq!((refusal.reason, refusal.headers.len()), (Reason::ConcurrencyLimited, 0));
    world.pass(1);
    tickets.into_iter().for_each(|ticket| world.answer(ticket, reply(200)));
    let _again = [world.admitted(), world.admitted()];
    assert_eq!(world.rejected().reason, Reason::ConcurrencyLimited);
    assert_eq!(world.host.limits, [2]);
}

/// A request above the limit must not keep a probe.
#[test]
fn the_concurrency_limit_returns_the_probe() {
    let mut world = World::of_one(
        r#"{"consecutive_failures": 1, "open": {"duration": "1s", "jitter": 0}, "half_open": {"probes": 3},
            "concurrency": {"min_rtt": {"min_concurrency": 1}}}"#,
    );
    world.exchange(500);
    world.pass(2);
    let probe = world.admitted();
    for _ in 0..5 {
        assert_eq!(world.rejected().reason, Reason::ConcurrencyLimited);
    }
    world.answer(probe, reply(200));
    (0..2).for_each(|_| world.exchange(200));
    assert_eq!(world.host.changes.last().unwrap(), "a: half_open -> closed, probes succeeded");
}

/// An update of the configuration drains the old filter for minutes, with the same name of the breaker.
#[test]
fn configurations_with_one_name_have_states_of_their_own() {
    let plans = [THREE.to_owned(), THREE.replace('3', "2"), THREE.replacen('{', r#"{"shadow": true, "#, 1)];
    let mut world = World::of_one(THREE);
    let mut policies = plans.map(|breaker| World::of_one(&breaker).policy);
    let mut exchange = |index: usize| {
        core::mem::swap(&mut world.policy, &mut policies[index]);
        let Decision::Pass(pass) = world.ask(&[]) else { panic!("rejected") };
        world.answer(pass.ticket, reply(500));
        core::mem::swap(&mut world.policy, &mut policies[index]);
        world.host.changes.len()
    };
    let opened: Vec<_> = [0, 1, 2, 0, 1, 0, 2, 2].map(&mut exchange).into();
    assert_eq!(opened, [0, 0, 0, 0, 1, 2, 2, 3]);
}

#[test]
fn another_configuration_begins_closed() {
    let mut world = opened(THREE);
    let plan =
        crate::support::plan(&format!(r#"{{"breakers": {{"a": {}}}}}"#, THREE.replace('3', "4"))).unwrap();
    world.policy = tollgate_circuit_breaker_policy::Policy::new(plan, [7; 16], 1);
    world.exchange(200);
    assert_eq!(world.host.changes, ["a: closed -> open, failures in a row"]);
}

/// A request that is never sent does not count as a probe, and has no result.
#[test]
fn a_rejected_probe_is_only_counted_as_rejected() {
    let mut world = World::new(
        r#"{"breakers": {
            "a": {"consecutive_failures": 1, "open": {"duration": "1s", "jitter": 0}, "half_open": {"probes": 1}},
            "b": {"consecutive_failures": 1, "open": {"duration": "5s", "jitter": 0}}
        }}"#,
    );
    world.exchange(500);
    world.pass(1);
    world.host.events.clear();
    assert_eq!(world.rejected().reason, Reason::Open);
    assert_eq!(world.host.events, [(0, Event::HalfOpened), (1, Event::Rejected)]);
}

#[test]
fn a_status_without_a_body_has_none() {
    let mut world = World::of_one(r#"{"mode": "forced_open", "response": {"status": 204}}"#);
    let refusal = world.rejected();
    assert_eq!((refusal.status, refusal.body, refusal.headers.len()), (204, Vec::new(), 0));
}
