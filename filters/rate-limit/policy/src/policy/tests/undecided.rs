//! States that a plan and the shell rule out. None of them may let a request pass.

use super::*;

/// A rig whose plan was changed after it was resolved.
fn changed(yaml: &str, change: impl FnOnce(&mut Plan)) -> Rig {
    let config: Config = tollgate_policy::config::read(&serde_saphyr::from_str(yaml).unwrap()).unwrap();
    let mut plan = Plan::new(config).unwrap();
    change(&mut plan);
    Rig { policy: Policy::new(plan, [9; 16]), world: World::default(), now: UnixNanos(NOON) }
}

#[test]
fn rejects_if_a_limit_does_not_exist() {
    let unknown = |plan: &mut Plan| plan.otherwise = vec![7];
    assert_eq!(changed(TWO_AN_HOUR, unknown).refuses(&[]).reason, Reason::HostError);
    let mut rig = changed(&format!("{TWO_AN_HOUR}\non_error: allow\n"), unknown);
    assert_eq!(rig.passes(&[]).allowed_by, Some(AllowedBy::FailureMode(Reason::HostError)));
}

#[test]
fn rejects_if_the_service_does_not_exist() {
    let yaml = ASKING.replace("FAILURE", "failure_mode: allow");
    let none = |plan: &mut Plan| plan.service = None;
    assert_eq!(changed(&yaml, none).refuses(&[("x-user", "a")]).reason, Reason::ServiceUnavailable);
    let mut rig = changed(&format!("{yaml}\non_error: allow\n"), none);
    let pass = rig.passes(&[("x-user", "a")]);
    assert_eq!(pass.allowed_by, Some(AllowedBy::FailureMode(Reason::ServiceUnavailable)));
}

#[test]
fn rejects_if_the_reservations_are_lost() {
    let mut rig = Rig::new(&ASKING.replace("FAILURE", "failure_mode: allow"));
    let Decision::Hold(Hold { call: Some(call), ticket: _, .. }) = rig.send(&[("x-user", "a")]) else {
        panic!("no call")
    };
    rig.policy.answered(call.id, Err(CallFailure::Timeout), rig.now);
    match rig.policy.ask_again(Ticket::default(), &mut rig.world, rig.now) {
        Decision::Refuse(refusal) => assert_eq!(refusal.reason, Reason::ServiceUnavailable),
        other => panic!("{other:?}"),
    }
}

#[test]
fn counts_a_body_whose_size_cannot_be_read() {
    let mut rig = Rig::new(
        "limits: {one: {cost: {body_bytes: {per: 1, max: 9}}, rates: [{token_bucket: {max_tokens: 9, fill_interval: 1h}}]}}",
    );
    let mut ticket = rig.passes(&[("content-length", "3")]).ticket;
    rig.world.silent = Some(tollgate_counting::Failure::Host);
    rig.policy.respond(&mut ticket, &ResponseFacts::default(), &mut rig.world, rig.now);
    assert_eq!(rig.counted(0, Event::Error), 1);
    drop(ticket);
}
