//! Fallback clusters.

use crate::support::World;
use tollgate_circuit_breaker_policy::{Decision, Event, Reason};
use tollgate_policy::{AllowedBy, HeaderEdit, header_name};

#[test]
fn rejected_requests_go_to_the_fallback_cluster() {
    let fallback = r#"{"consecutive_failures": 3, "fallback": {"header": "x-cluster", "value": "backup"}}"#;
    let mut world = World::of_one(fallback);
    (0..3).for_each(|_| world.exchange(500));
    let Decision::Pass(pass) = world.ask(&[("x-cluster", "forged")]) else { panic!("rejected") };
    let name = header_name!("x-cluster");
    let [removed, set] = [HeaderEdit::Remove(&name), HeaderEdit::Set(&name, b"backup"[..].into())];
    assert_eq!(pass.edits(), [removed.clone(), set]);
    assert!(pass.ticket.is_empty());
    let mut closed = World::of_one(fallback);
    let Decision::Pass(pass) = closed.ask(&[("x-cluster", "forged")]) else { panic!("rejected") };
    assert_eq!(pass.edits(), [removed]);
}

#[test]
fn a_path_that_cannot_be_read_selects_no_fallback_cluster() {
    let config = r#"{
        "shadow": true,
        "breakers": {"a": {"consecutive_failures": 1, "fallback": {"header": "x-cluster", "value": "backup"}}},
        "rules": [{"match": {"paths": [{"prefix": "/a"}]}, "breakers": ["a"]}]
    }"#;
    let mut world = World::new(config);
    let decision = world.ask(&[(":path", "/a%zz"), ("x-cluster", "backup")]);
    let Decision::Pass(pass) = decision else { panic!("rejected") };
    assert_eq!(pass.allowed_by, Some(AllowedBy::Shadow(Reason::InvalidPath)));
    assert_eq!(pass.edits(), [HeaderEdit::Remove(&header_name!("x-cluster"))]);
}

/// The forged header has selected the cluster before the filter can remove it.
#[test]
fn a_forged_route_selects_no_key() {
    let breaker = |part: &str| {
        format!(
            r#"{{"key": [{{"{part}": {{}}}}], "consecutive_failures": 1, "fallback": {{"header": "x-cluster", "value": "backup"}}}}"#
        )
    };
    for part in ["cluster", "route"] {
        let mut world = World::of_one(&breaker(part));
        let Decision::Refuse(refusal) = world.ask(&[("x-cluster", "backup")]) else { panic!("admitted") };
        assert_eq!((refusal.reason, refusal.status, refusal.grpc_status), (Reason::ForgedHeader, 400, 3));
        assert!(matches!(world.ask(&[]), Decision::Pass(_)));
    }
    let mut world = World::of_one(&breaker("method"));
    assert!(matches!(world.ask(&[("x-cluster", "backup")]), Decision::Pass(_)));
    let shadow = format!(r#"{{"shadow": true, "breakers": {{"a": {}}}}}"#, breaker("cluster"));
    let Decision::Pass(pass) = World::new(&shadow).ask(&[("x-cluster", "backup")]) else {
        panic!("rejected")
    };
    assert_eq!(pass.allowed_by, Some(AllowedBy::Shadow(Reason::ForgedHeader)));
    assert_eq!((pass.edits().len(), pass.ticket.is_empty()), (1, true));
}

/// A fallback of one breaker must not bypass the others.
#[test]
fn a_fallback_applies_if_no_other_breaker_rejects() {
    let with = |mode: &str| {
        World::new(&format!(
            r#"{{"breakers": {{
                "a": {{"mode": "forced_open", "fallback": {{"header": "x-cluster", "value": "backup"}}}},
                "b": {{"consecutive_failures": 1}},
                "c": {{"mode": "{mode}"}}
            }}}}"#
        ))
    };
    let mut world = with("forced_open");
    let refusal = world.rejected();
    assert_eq!(refusal.reason, Reason::ForcedOpen);
    assert_eq!(world.host.events, [(2, Event::Rejected), (0, Event::Rejected)]);
    let mut world = with("metrics_only");
    let Decision::Pass(pass) = world.ask(&[]) else { panic!("rejected") };
    assert_eq!((pass.edits().len(), pass.ticket.is_empty()), (1, true));
    assert_eq!(world.host.events, [(0, Event::Fallback)]);
}
