//! Requests that are held for the rate limit service.

use super::*;
use tollgate_rate_limit_service::{Code, CurrentLimit, Duration, Response, Status};

const TIMEOUT: u64 = 50_000_000;

fn rig() -> Rig {
    Rig::new(&ASKING.replace("FAILURE", "failure_mode: deny, timeout: 50ms"))
}

/// A request waits for a call of another one, which is never answered, and then for others.
#[test]
fn a_request_is_held_for_one_timeout_at_most() {
    let mut rig = rig();
    let mut calls = Vec::new();
    let mut held = Vec::new();
    let mut hold = |rig: &mut Rig, decision: Decision, since: UnixNanos| match decision {
        Decision::Hold(Hold { call: Some(call), ticket, .. }) => {
            let left = rig.policy.left_to_ask(&ticket, rig.now);
            assert!(rig.now.0 + left <= since.0 + TIMEOUT);
            calls.push((call.id, rig.now));
            Some(ticket)
        }
        Decision::Hold(Hold { ticket, .. }) => {
            assert!(rig.now.0 + rig.policy.left_to_ask(&ticket, rig.now) <= since.0 + TIMEOUT);
            Some(ticket)
        }
        Decision::Refuse(refusal) => {
            assert_eq!(refusal.reason, Reason::ServiceUnavailable);
            assert!(rig.now.0 <= since.0 + TIMEOUT);
            None
        }
        other => panic!("{other:?}"),
    };
    let start = rig.now;
    for ms in 0..200 {
        rig.now = UnixNanos(start.0 + ms * 1_000_000);
        let decision = rig.send(&[("x-user", "a")]);
        let now = rig.now;
        held.extend(hold(&mut rig, decision, now).map(|ticket| (now, ticket)));
        let over = |(since, _): &(UnixNanos, Ticket)| since.0 + TIMEOUT <= now.0;
        for (since, ticket) in held.extract_if(.., |one| over(one)).collect::<Vec<_>>() {
            let decision = rig.policy.ask_again(ticket, &mut rig.world, rig.now);
            assert!(hold(&mut rig, decision, since).is_none(), "the request is held again");
        }
    }
}

#[test]
fn a_request_gives_up_before_its_call_is_answered() {
    let mut rig = rig();
    let Decision::Hold(Hold { call: Some(call), ticket, .. }) = rig.send(&[("x-user", "a")]) else {
        panic!("no call")
    };
    rig.now.0 += TIMEOUT;
    match rig.policy.ask_again(ticket, &mut rig.world, rig.now) {
        Decision::Refuse(refusal) => assert_eq!(refusal.reason, Reason::ServiceUnavailable),
        other => panic!("{other:?}"),
    }
    // The answer serves others.
    let over = Response { overall_code: Code::OverLimit.into(), ..Response::default() };
    rig.policy.answered(call.id, Ok(&over.write()), rig.now);
    assert_eq!(rig.refuses(&[("x-user", "a")]).reason, Reason::ServiceLimit);
}

#[test]
fn retry_after_is_the_longest_time_of_all_limits() {
    let two = "  z_teams:
    key: [{request_headers: {header_name: x-team, descriptor_key: team}}]
    service: {}
rate_limit_service";
    let status = |seconds| Status {
        code: Code::OverLimit.into(),
        current_limit: Some(CurrentLimit { requests_per_unit: 9, unit: 3, name: Vec::new() }),
        duration_until_reset: Some(Duration { seconds, nanos: 0 }),
        ..Status::default()
    };
    for resets in [[17, 900], [900, 17]] {
        let mut rig = Rig::new(&ASKING.replace("FAILURE", "").replace("rate_limit_service", two));
        let headers = [("x-user", "a"), ("x-team", "t")];
        let Decision::Hold(Hold { call: Some(call), ticket, .. }) = rig.send(&headers) else {
            panic!("no call")
        };
        let statuses = resets.map(status).into();
        let over = Response { overall_code: Code::OverLimit.into(), statuses, ..Response::default() };
        rig.policy.answered(call.id, Ok(&over.write()), rig.now);
        let first = match rig.policy.ask_again(ticket, &mut rig.world, rig.now) {
            Decision::Refuse(refusal) => refusal,
            other => panic!("{other:?}"),
        };
        let remembered = rig.refuses(&headers);
        assert_eq!(remembered, first);
        assert!(first.headers.contains(&("retry-after".into(), b"900".to_vec())), "{first:?}");
        assert_eq!([0, 1].map(|limit| rig.counted(limit, Event::Limited)), [2, 2]);
    }
}

#[test]
fn a_client_that_leaves_a_queue_is_counted() {
    for (limit, held) in [
        ("concurrency: {max_requests: 1}, delay: {max_wait: 1m}", true),
        ("rates: [{fixed_window: {requests: 1, window: 1h}}], delay: {max_wait: 1m}", false),
        ("rates: [{gcra: {requests: 1, per: 10s}}], delay: {max_wait: 1m}", true),
    ] {
        let mut rig = Rig::new(&format!(
            "limits: {{a: {{rates: [{{fixed_window: {{requests: 9, window: 1h}}}}]}}, b: {{{limit}}}}}"
        ));
        let first = rig.passes(&[]).ticket;
        let ticket = match rig.send(&[]) {
            Decision::Hold(hold) => hold.ticket,
            Decision::Refuse(_) if !held => continue,
            other => panic!("{limit}: {other:?}"),
        };
        rig.now.0 += SECOND;
        rig.policy.end(ticket, &mut rig.world, rig.now);
        assert_eq!([0, 1].map(|limit| rig.counted(limit, Event::Cancelled)), [0, 1], "{limit}");
        rig.policy.end(first, &mut rig.world, rig.now);
        assert_eq!(rig.counted(1, Event::Cancelled), 1);
    }
}
