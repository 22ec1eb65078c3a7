//! Transitions of a replay: back-off, `Retry-After`, deadlines, fallback.

use super::{MS, NOW, SECOND, rule};
use crate::config::{Deadline, Replay};
use crate::replay::Next;
use crate::{Attempt, Attempts, Blocked, Head, RetryReason, Target};
use proptest::prelude::*;
use tollgate_policy::Headers;

fn replay(json: &str) -> Replay {
    let policy = rule(&format!(r#"{{"replay": {json}}}"#));
    policy.plan.rules[0].rule.replay.clone().unwrap()
}

/// The step after an attempt that failed, with the longest back-off.
fn next(
    replay: &Replay,
    attempts: &mut Attempts,
    left: Option<u64>,
    after: Option<&str>,
) -> (Next, Option<Blocked>) {
    let rule = Deadline::default();
    let deadline = left.map(|left| (&rule, NOW.0 + left));
    replay.next(attempts, deadline, after.map(str::as_bytes), NOW, u64::MAX, || true)
}

#[test]
fn waits_calls_falls_back_and_stops() {
    let replay = replay(
        r#"{"num_retries": 2, "retriable_status_codes": [503], "per_try_timeout": "1s",
            "fallback_cluster": {"cluster": "spare"}}"#,
    );
    let mut attempts = Attempts::default();
    let call = |delay, target| Next::Call { delay, attempt: Attempt { timeout: SECOND, target } };
    assert_eq!(next(&replay, &mut attempts, None, None), (call(25 * MS - 1, Target::Same), None));
    assert_eq!(next(&replay, &mut attempts, None, None), (call(75 * MS - 1, Target::Same), None));
    let exhausted = Some(Blocked::Exhausted);
    assert_eq!(next(&replay, &mut attempts, None, None), (call(0, Target::Fallback), exhausted));
    assert_eq!(next(&replay, &mut attempts, None, None), (Next::Stop, exhausted));
}

#[test]
fn retry_after_replaces_the_back_off() {
    let replay = replay(r#"{"num_retries": 9, "retriable_status_codes": [429], "max_retry_after": "10s"}"#);
    let step = |left: Option<u64>, after| next(&replay, &mut Attempts::default(), left, Some(after));
    let delay = |step| match step {
        (Next::Call { delay, .. }, None) => delay,
        other => panic!("{other:?}"),
    };
    assert_eq!(delay(step(None, "3")), 3 * SECOND);
    assert_eq!(delay(step(None, "Tue, 14 Nov 2023 22:13:22 GMT")), 2 * SECOND);
    assert_eq!(delay(step(None, "later")), 25 * MS - 1);
    assert_eq!(step(None, "11"), (Next::Stop, Some(Blocked::RetryAfter)));
    assert_eq!(step(Some(3 * SECOND), "3"), (Next::Stop, Some(Blocked::RetryAfter)));
    assert_eq!(delay(step(Some(4 * SECOND), "3")), 3 * SECOND);
}

#[test]
fn no_retry_starts_that_cannot_finish() {
    let replay = replay(r#"{"retriable_status_codes": [503], "per_try_timeout": "1s"}"#);
    let blocked = (Next::Stop, Some(Blocked::Deadline));
    assert_eq!(next(&replay, &mut Attempts::default(), Some(34 * MS), None), blocked);
    let attempt = Attempt { timeout: 11 * MS + 1, target: Target::Same };
    let call = Next::Call { delay: 25 * MS - 1, attempt };
    assert_eq!(next(&replay, &mut Attempts::default(), Some(36 * MS), None), (call, None));
}

#[test]
fn a_spent_budget_stops_and_falls_back() {
    let json = r#"{"retriable_status_codes": [503], "fallback_cluster": {"cluster": "spare"}}"#;
    let (replay, mut attempts) = (replay(json), Attempts::default());
    let (step, blocked) = replay.next(&mut attempts, None, None, NOW, 0, || false);
    assert!(matches!(step, Next::Call { attempt: Attempt { target: Target::Fallback, .. }, delay: 0 }));
    assert_eq!((blocked, attempts.retries), (Some(Blocked::Budget), 0));
}

#[test]
fn finds_the_reason_of_a_retry() {
    let replay = replay(
        r#"{"retriable_status_codes": [429], "retriable_headers": [{"name": "x-again", "exact": "1"}],
            "retriable_grpc_statuses": ["UNAVAILABLE", "ABORTED"],
            "retriable_body": {"field": "/error/code", "value": {"exact": "7"}}}"#,
    );
    let head = |status, headers| Head { status, headers: Headers(headers), trailers: Headers(&[]) };
    let trailers = Head { status: 200, headers: Headers(&[]), trailers: Headers(&[(b"grpc-status", b"10")]) };
    for (head, body, reason) in [
        (head(429, &[]), "", Some(RetryReason::Status)),
        (head(200, &[(b"x-again", b"1")]), "", Some(RetryReason::Header)),
        (head(200, &[(b"x-again", b"2")]), "", None),
        (head(200, &[(b"grpc-status", b"14")]), "", Some(RetryReason::GrpcStatus)),
        (head(200, &[(b"grpc-status", b"0")]), "", None),
        (head(200, &[(b"grpc-status", b"99999999999999999999")]), "", None),
        (trailers, "", Some(RetryReason::GrpcStatus)),
        (head(200, &[]), r#"{"error": {"code": 7}}"#, Some(RetryReason::Body)),
        (head(200, &[]), r#"{"error": {"code": "7"}}"#, Some(RetryReason::Body)),
        (head(200, &[]), r#"{"error": {"code": [7]}}"#, None),
        (head(200, &[]), r#"{"error""#, None),
        (head(200, &[]), &"[".repeat(100_000), None),
    ] {
        assert_eq!(replay.reason(head, Some(body.as_bytes())), reason, "{head:?} {:.20}", body);
    }
}

proptest! {
    #[test]
    fn a_step_keeps_within_deadline_attempts_and_bounds(
        retries in 0u32..5,
        draws in prop::collection::vec(any::<u64>(), 12),
        left in prop::option::of(0u64..2_000_000_000),
        after in prop::option::of("[0-9]{1,3}|[a-z]{3}"),
        fallback: bool,
    ) {
        let spare = if fallback { r#", "fallback_cluster": {"cluster": "spare"}"# } else { "" };
        let replay = replay(&format!(
            r#"{{"num_retries": {retries}, "fallback_response": {{}}, "retriable_status_codes": [503]{spare},
                "per_try_timeout": "300ms", "retry_back_off": {{"max_interval": "100ms"}}, "max_retry_after": "1s"}}"#
        ));
        let rule = Deadline::default();
        let (mut attempts, mut now, mut calls, mut spare) = (Attempts::default(), NOW, 0, 0);
        let end = left.map(|left| NOW.0 + left);
        for draw in draws {
            let deadline = end.map(|end| (&rule, end));
            let (step, blocked) =
                replay.next(&mut attempts, deadline, after.as_deref().map(str::as_bytes), now, draw, || true);
            let Next::Call { delay, attempt: Attempt { timeout, target } } = step else {
                prop_assert!(blocked.is_some());
                break;
            };
            match target {
                Target::Same => calls += 1,
                Target::Fallback => spare += 1,
            }
            prop_assert!((MS..=300 * MS).contains(&timeout));
            let number = after.as_deref().and_then(|after| after.parse::<u64>().ok());
            let max = number.map_or(100 * MS, |seconds| seconds * SECOND);
            prop_assert!(delay <= max);
            now.0 += delay;
            prop_assert!(end.is_none_or(|end| now.0 + 10 * MS <= end && now.0 + timeout <= end));
            now.0 += timeout / 2;
        }
        prop_assert!(calls <= retries && spare <= u32::from(fallback));
    }

    /// The bounds are those of Envoy's jittered exponential back-off.
    #[test]
    fn the_back_off_is_below_its_bound(n in 1u32..200, draw: u64) {
        let replay = replay(r#"{"retriable_status_codes": [503]}"#);
        let bound = (25 * MS).saturating_mul(2u64.saturating_pow(n) - 1).min(250 * MS);
        prop_assert!(replay.back_off(n, draw) < bound);
        prop_assert_eq!(replay.back_off(n, 0), 0);
    }
}
