//! Second attempts: when they are made, which attempt answers, and the percentile.

use super::grpc::GRPC;
use super::responses::{PASS, call, kept_stream, respond};
use super::{Host, MS, NOW, SECOND, decide, fields, policy, rule};
use crate::{Event, Head, Outcome, Policy, Reason, RetryReason, Step, Stream, Wake};
use tollgate_policy::Headers;

/// Returns the time of a second attempt.
fn hedge_delay(policy: &mut Policy, headers: &[(&str, &str)]) -> Option<u64> {
    decide(policy, &fields("GET", "/", headers), &mut Host::default()).hedge_delay
}

/// The time of a second attempt, after the router has sent the request once.
fn hedge(policy: &mut Policy, stream: &mut Stream, host: &mut Host) -> Step {
    policy.wake(stream, Wake::Hedge, host.sent(1))
}

#[test]
fn a_percentile_needs_samples() {
    let mut policy = rule(
        r#"{"replay": {"retriable_status_codes": [503], "hedge": {"percentile": {"percent": 90, "min_samples": 10, "min_delay": "1ms"}}}}"#,
    );
    let mut host = Host::at(NOW.0 + 100 * MS);
    for sample in 0..10 {
        assert_eq!(hedge_delay(&mut policy, &[]), None, "{sample}");
        let mut stream = kept_stream(&mut policy, &[]);
        let head = Head { status: 200, ..Head::default() };
        assert_eq!(policy.respond(&mut stream, head, true, &mut host), PASS);
    }
    let delay = hedge_delay(&mut policy, &[]);
    assert!(delay.is_some_and(|delay| (100 * MS..113 * MS).contains(&delay)), "{delay:?}");
    assert_eq!(hedge_delay(&mut policy, &[GRPC]), None);
}

#[test]
fn a_hedge_is_made_once_and_only_before_a_response() {
    let mut policy = rule(
        r#"{"replay": {"num_retries": 3, "retriable_status_codes": ["5xx"], "hedge": {"delay": "20ms"}}}"#,
    );
    let mut host = Host::default();
    assert_eq!(hedge_delay(&mut policy, &[]), Some(20 * MS));
    let mut stream = kept_stream(&mut policy, &[]);
    assert_eq!(call(hedge(&mut policy, &mut stream, &mut host)).timeout, 5 * SECOND);
    assert_eq!(hedge(&mut policy, &mut stream, &mut host), Step::Hold);
    assert_eq!(host.retries, [(RetryReason::Hedge, 1)]);
    // Its failure leaves the answer to the first attempt.
    assert_eq!(policy.after(&mut stream.clone(), outcome(500), &mut host), Step::Hold);
    let mut answered = stream.clone();
    assert!(matches!(policy.after(&mut answered, outcome(200), &mut host), Step::Reply(_)));
    assert!(answered.is_settled);
    assert_eq!(host.events(), [Event::HedgeWon]);
    policy.settle(&mut stream, &mut host);
    assert_eq!(policy.after(&mut stream, outcome(200), &mut host), Step::Hold);
    let mut stream = kept_stream(&mut policy, &[]);
    respond(&mut policy, &mut stream, Head { status: 200, ..Head::default() }, false);
    assert_eq!(hedge(&mut policy, &mut stream, &mut host), Step::Hold);
    assert_eq!(host.events, []);
}

/// The outcome of a second attempt without a body.
fn outcome(status: u16) -> Outcome<'static> {
    Outcome::Response(Head { status, ..Head::default() }, b"")
}

#[test]
fn a_first_attempt_that_fails_waits_for_the_hedge() {
    let mut policy = rule(
        r#"{"replay": {"num_retries": 2, "retriable_status_codes": ["5xx"], "hedge": {"delay": "20ms"}}}"#,
    );
    for (second, won) in [
        (outcome(200), true),
        (outcome(503), false),
        (Outcome::Failed(RetryReason::Timeout), false),
        (Outcome::TooLarge, false),
    ] {
        let mut host = Host::default();
        let mut stream = kept_stream(&mut policy, &[]);
        call(hedge(&mut policy, &mut stream, &mut host));
        let after: [(&[u8], &[u8]); 1] = [(b"retry-after", b"2")];
        let head = Head { status: 500, headers: Headers(&after), ..Head::default() };
        assert_eq!(respond(&mut policy, &mut stream, head, false), (Step::Wait(Wake::Hedged), vec![]));
        assert_eq!(policy.after(&mut stream, second, &mut host), Step::Wake);
        match policy.wake(&mut stream, Wake::Hedged, &mut host) {
            Step::Replace(_, Reason::Hedged) => assert!(won),
            Step::After(delay, Wake::Attempt(_)) => assert_eq!((won, delay), (false, 2 * SECOND)),
            other => panic!("{other:?}"),
        }
        assert_eq!(host.events.contains(&Event::HedgeWon), won);
        // As after a new configuration, which wakes all streams.
        assert_eq!(policy.wake(&mut stream, Wake::Hedged, &mut host), PASS);
    }
}

#[test]
fn a_first_response_that_passes_ends_the_hedge() {
    let mut policy = rule(r#"{"replay": {"retriable_status_codes": ["5xx"], "hedge": {"delay": "20ms"}}}"#);
    let mut host = Host::default();
    let mut stream = kept_stream(&mut policy, &[]);
    call(hedge(&mut policy, &mut stream, &mut host));
    respond(&mut policy, &mut stream, Head { status: 200, ..Head::default() }, false);
    assert_eq!(policy.after(&mut stream, outcome(200), &mut host), Step::Hold);
    assert_eq!(host.events, []);
}

/// A callout would bypass the later filter.
#[test]
fn a_response_of_a_later_filter_is_not_replayed() {
    let mut policy = rule(r#"{"replay": {"retriable_status_codes": [403], "hedge": {"delay": "20ms"}}}"#);
    let mut host = Host::default();
    for (attempts, is_replayed) in [(None, false), (Some(0), false), (Some(1), true)] {
        let mut stream = kept_stream(&mut policy, &[]);
        let step = policy.wake(&mut stream.clone(), Wake::Hedge, host.sent(attempts));
        assert_eq!(step != Step::Hold, is_replayed, "{attempts:?}");
        assert!(policy.settle(&mut stream, &mut host));
        let head = Head { status: 403, ..Head::default() };
        let step = policy.respond(&mut stream, head, false, &mut host);
        assert_eq!(step != PASS, is_replayed, "{attempts:?}");
    }
}

/// A second attempt that answers hides how slow the first one is.
#[test]
fn hedges_that_win_do_not_lower_the_percentile() {
    let mut policy = rule(
        r#"{"replay": {"retriable_status_codes": [503], "hedge": {"percentile": {"percent": 90, "min_samples": 10, "min_delay": "1ms"}}}}"#,
    );
    let at = |ms: u64| Host::at(NOW.0 + ms * MS);
    for number in 0..50 {
        let mut stream = kept_stream(&mut policy, &[]);
        // One of five requests is slow, and answered by its second attempt.
        if number % 5 == 0 {
            call(hedge(&mut policy, &mut stream, &mut at(100)));
            assert!(matches!(policy.after(&mut stream, outcome(200), &mut at(101)), Step::Reply(_)));
        } else {
            policy.respond(&mut stream, Head { status: 200, ..Head::default() }, true, &mut at(10));
        }
    }
    assert!(hedge_delay(&mut policy, &[]).is_some_and(|delay| delay >= 100 * MS));
}

#[test]
fn a_hedge_does_not_go_to_the_fallback_cluster() {
    let mut policy = policy(
        r#"{"retry_budget": {"budget_percent": 0, "min_retries_per_second": 0}, "rules": [{"num_retries": 0, "replay":
            {"retriable_status_codes": [503], "hedge": {"delay": "1ms"}, "fallback_cluster": {"cluster": "spare"}}}]}"#,
    );
    let mut stream = kept_stream(&mut policy, &[]);
    assert_eq!(hedge(&mut policy, &mut stream, &mut Host::default()), Step::Hold);
    let (step, _) = respond(&mut policy, &mut stream, Head { status: 503, ..Head::default() }, false);
    assert_eq!(call(step).cluster, "spare");
}
