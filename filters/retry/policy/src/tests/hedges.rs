//! Second attempts: when they are made, which attempt answers, and the percentile.

use super::responses::{GRPC, kept_stream, respond};
use super::{Host, MS, NOW, SECOND, policy, rule};
use crate::{Event, Events, Head, Outcome, Reason, RetryReason, Step, Target};
use tollgate_policy::{Headers, UnixNanos};

#[test]
fn a_percentile_needs_samples() {
    let mut policy = rule(
        r#"{"replay": {"retriable_status_codes": [503], "hedge": {"percentile": {"percent": 90, "min_samples": 10, "min_delay": "1ms"}}}}"#,
    );
    let mut host = Host { now: UnixNanos(NOW.0 + 100 * MS), ..Host::default() };
    for sample in 0..10 {
        let mut stream = kept_stream(&mut policy, &[]);
        assert_eq!(policy.hedge_delay(&stream), None, "{sample}");
        let head = Head { status: 200, ..Head::default() };
        assert_eq!(policy.respond(&mut stream, head, true, &mut host, &mut Events::new()), None);
    }
    let stream = kept_stream(&mut policy, &[]);
    assert!(policy.hedge_delay(&stream).is_some_and(|delay| (100 * MS..113 * MS).contains(&delay)));
    let grpc = kept_stream(&mut policy, &[GRPC]);
    assert_eq!(policy.hedge_delay(&grpc), None);
}

#[test]
fn a_hedge_is_made_once_and_only_before_a_response() {
    let mut policy = rule(
        r#"{"replay": {"num_retries": 3, "retriable_status_codes": ["5xx"], "hedge": {"delay": "20ms"}}}"#,
    );
    let (mut host, mut events) = (Host::default(), Events::new());
    let mut stream = kept_stream(&mut policy, &[]);
    assert_eq!(policy.hedge_delay(&stream), Some(20 * MS));
    let call = Step::Call { reason: RetryReason::Hedge, delay: 0, timeout: 5 * SECOND, target: Target::Same };
    assert_eq!(policy.hedge(&mut stream, Some(1), &mut host, &mut events), Some(call));
    assert_eq!(policy.hedge(&mut stream, Some(1), &mut host, &mut events), None);
    assert_eq!(policy.hedged(&mut stream, outcome(500), &mut host, &mut events), None);
    let step = policy.hedged(&mut stream, outcome(200), &mut host, &mut events);
    assert!(matches!(&step, Some(Step::Deliver(Some((new, Reason::Hedged)))) if stream.needs_reply(new)));
    policy.settle(&mut stream, Some(1), &mut host);
    assert_eq!(policy.hedged(&mut stream, outcome(200), &mut host, &mut events), None);
    assert_eq!(events, [Event::HedgeWon]);
    let mut stream = kept_stream(&mut policy, &[]);
    respond(&mut policy, &mut stream, Head { status: 200, ..Head::default() }, false);
    assert_eq!(policy.hedge(&mut stream, Some(1), &mut host, &mut events), None);
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
        let (mut host, mut events) = (Host::default(), Events::new());
        let mut stream = kept_stream(&mut policy, &[]);
        assert!(policy.hedge(&mut stream, Some(1), &mut host, &mut events).is_some());
        let after: [(&[u8], &[u8]); 1] = [(b"retry-after", b"2")];
        let head = Head { status: 500, headers: Headers(&after), ..Head::default() };
        assert_eq!(respond(&mut policy, &mut stream, head, false), (Some(Step::Wait), vec![]));
        match policy.hedged(&mut stream, second, &mut host, &mut events) {
            Some(Step::Deliver(Some((new, Reason::Hedged)))) => assert!(won && !stream.needs_reply(&new)),
            Some(Step::Call { reason: RetryReason::Status, delay, .. }) => {
                assert_eq!((won, delay), (false, 2 * SECOND));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(events.contains(&Event::HedgeWon), won);
    }
}

#[test]
fn a_first_response_that_passes_ends_the_hedge() {
    let mut policy = rule(r#"{"replay": {"retriable_status_codes": ["5xx"], "hedge": {"delay": "20ms"}}}"#);
    let (mut host, mut events) = (Host::default(), Events::new());
    let mut stream = kept_stream(&mut policy, &[]);
    assert!(policy.hedge(&mut stream, Some(1), &mut host, &mut events).is_some());
    respond(&mut policy, &mut stream, Head { status: 200, ..Head::default() }, false);
    assert_eq!(policy.hedged(&mut stream, outcome(200), &mut host, &mut events), None);
    assert_eq!(events, []);
}

/// A callout would bypass the later filter.
#[test]
fn a_response_of_a_later_filter_is_not_replayed() {
    let mut policy = rule(r#"{"replay": {"retriable_status_codes": [403], "hedge": {"delay": "20ms"}}}"#);
    let (mut host, mut events) = (Host::default(), Events::new());
    for (attempts, is_replayed) in [(None, false), (Some(0), false), (Some(1), true)] {
        let mut stream = kept_stream(&mut policy, &[]);
        assert!(policy.needs_attempts(&stream));
        assert_eq!(
            policy.hedge(&mut stream.clone(), attempts, &mut host, &mut events).is_some(),
            is_replayed
        );
        policy.settle(&mut stream, attempts, &mut host);
        let head = Head { status: 403, ..Head::default() };
        let step = policy.respond(&mut stream, head, false, &mut host, &mut events);
        assert_eq!(step.is_some(), is_replayed, "{attempts:?}");
    }
}

/// A second attempt that answers hides how slow the first one is.
#[test]
fn hedges_that_win_do_not_lower_the_percentile() {
    let mut policy = rule(
        r#"{"replay": {"retriable_status_codes": [503], "hedge": {"percentile": {"percent": 90, "min_samples": 10, "min_delay": "1ms"}}}}"#,
    );
    let at = |ms: u64| Host { now: UnixNanos(NOW.0 + ms * MS), ..Host::default() };
    for number in 0..50 {
        let mut stream = kept_stream(&mut policy, &[]);
        let mut events = Events::new();
        // One of five requests is slow, and answered by its second attempt.
        if number % 5 == 0 {
            assert!(policy.hedge(&mut stream, Some(1), &mut at(100), &mut events).is_some());
            assert!(policy.hedged(&mut stream, outcome(200), &mut at(101), &mut events).is_some());
        } else {
            policy.respond(
                &mut stream,
                Head { status: 200, ..Head::default() },
                true,
                &mut at(10),
                &mut events,
            );
        }
    }
    let stream = kept_stream(&mut policy, &[]);
    assert!(policy.hedge_delay(&stream).is_some_and(|delay| delay >= 100 * MS));
}

#[test]
fn a_hedge_does_not_go_to_the_fallback_cluster() {
    let mut policy = policy(
        r#"{"retry_budget": {"budget_percent": 0, "min_retries_per_second": 0}, "rules": [{"num_retries": 0, "replay":
            {"retriable_status_codes": [503], "hedge": {"delay": "1ms"}, "fallback_cluster": {"cluster": "spare"}}}]}"#,
    );
    let mut stream = kept_stream(&mut policy, &[]);
    assert_eq!(policy.hedge(&mut stream, Some(1), &mut Host::default(), &mut Events::new()), None);
    let (step, _) = respond(&mut policy, &mut stream, Head { status: 503, ..Head::default() }, false);
    assert!(matches!(step, Some(Step::Call { target: Target::Fallback, .. })), "{step:?}");
}
