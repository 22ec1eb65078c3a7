//! The rate limit service, with several limits or requests.

use super::*;
use tollgate_rate_limit_service::{Code, Response, Status};

#[test]
fn makes_no_call_for_requests_that_may_not_wait() {
    let mut rig = Rig::new(&ASKING.replace("FAILURE", "failure_mode: deny"));
    let Decision::Hold(Hold { call: Some(call), ticket, .. }) = rig.send(&[("x-user", "a")]) else {
        panic!("no call")
    };
    let send = |rig: &mut Rig, user: &str| {
        let pairs = [(&b"x-user"[..], user.as_bytes())];
        let decision = rig.policy.decide(&RequestFacts::from_pairs(&pairs), &mut rig.world, rig.now, false);
        match decision {
            Decision::Refuse(refusal) => refusal.reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(send(&mut rig, "a"), Reason::ServiceUnavailable);
    assert_eq!(send(&mut rig, "b"), Reason::ServiceUnavailable);
    let over = Response { overall_code: Code::OverLimit.into(), ..Response::default() };
    rig.policy.answered(call.id, Ok(&over.write()), rig.now);
    drop(rig.policy.ask_again(ticket, &mut rig.world, rig.now));
    assert_eq!(send(&mut rig, "a"), Reason::ServiceLimit);
    assert_eq!(send(&mut rig, "b"), Reason::ServiceUnavailable);
}

#[test]
fn a_shadow_limit_neither_rejects_nor_hides_another() {
    let shadow = ASKING.replace("service: {}", "service: {}\n    shadow: true");
    let mut rig = Rig::new(&shadow.replace("FAILURE", "failure_mode: deny"));
    let Decision::Hold(Hold { call: Some(call), ticket, .. }) = rig.send(&[("x-user", "a")]) else {
        panic!("no call")
    };
    rig.policy.answered(call.id, Err(CallFailure::Timeout), rig.now);
    match rig.policy.ask_again(ticket, &mut rig.world, rig.now) {
        Decision::Pass(pass) => {
            assert_eq!(pass.allowed_by, Some(AllowedBy::Shadow(Reason::ServiceUnavailable)))
        }
        other => panic!("{other:?}"),
    }
    let both = shadow.replace(
        "rate_limit_service",
        "  z_teams:
    key: [{request_headers: {header_name: x-team, descriptor_key: team}}]
    service: {}
rate_limit_service",
    );
    let mut rig = Rig::new(&both.replace("FAILURE", "cache: {lease_hits: 1}"));
    let headers = [("x-user", "a"), ("x-team", "t")];
    let over = |others: Code| Response {
        overall_code: Code::OverLimit.into(),
        statuses: [Code::OverLimit, others]
            .map(|code| Status { code: code.into(), ..Status::default() })
            .into(),
        ..Response::default()
    };
    // The shadow limit is exceeded, but the other one is still checked.
    for _ in 0..2 {
        let Decision::Hold(Hold { call: Some(call), ticket, .. }) = rig.send(&headers) else {
            panic!("no call")
        };
        rig.policy.answered(call.id, Ok(&over(Code::Ok).write()), rig.now);
        match rig.policy.ask_again(ticket, &mut rig.world, rig.now) {
            Decision::Pass(pass) => {
                assert_eq!(pass.allowed_by, Some(AllowedBy::Shadow(Reason::ServiceLimit)))
            }
            other => panic!("{other:?}"),
        }
    }
    // Over both.
    let Decision::Hold(Hold { call: Some(call), ticket, .. }) = rig.send(&headers) else { panic!("no call") };
    rig.policy.answered(call.id, Ok(&over(Code::OverLimit).write()), rig.now);
    match rig.policy.ask_again(ticket, &mut rig.world, rig.now) {
        Decision::Refuse(refusal) => assert_eq!(refusal.reason, Reason::ServiceLimit),
        other => panic!("{other:?}"),
    }
    // Which is remembered of the other.
    assert_eq!(rig.refuses(&headers).reason, Reason::ServiceLimit);
    assert_eq!((rig.counted(0, Event::ShadowLimited), rig.counted(1, Event::Limited)), (3, 2));
}
