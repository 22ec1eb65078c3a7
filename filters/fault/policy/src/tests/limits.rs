use super::*;
use crate::{Injected, Then};
use tollgate_counting::in_flight::Members;

const SECOND: u64 = 1_000_000_000;

fn held(policy: &Policy, world: &mut World) -> Option<Box<Injected>> {
    decide(policy, world, "/", &[]).injected
}

#[test]
fn active_faults_have_a_maximum_over_all_workers() {
    let policy = policy(
        r#"{"max_active_faults": 3, "rules": [{"name": "r", "delay": {"percentage": 100, "fixed": "1s"}}]}"#,
    );
    let mut world = World::default();
    let mut held_by: Vec<_> = (0..5)
        .filter_map(|vm| {
            world.shared.vm = vm % 2;
            held(&policy, &mut world).map(|injected| (vm % 2, injected))
        })
        .collect();
    assert_eq!((held_by.len(), world.count("faults_overflow"), world.active), (3, 2, 3));
    // One delay ends, another request disconnects.
    let (vm, mut injected) = held_by.pop().unwrap();
    world.shared.vm = vm;
    assert_eq!(policy.resume(&mut injected, None, &mut world), Then::Pass);
    policy.end(injected, &mut world);
    let (vm, injected) = held_by.pop().unwrap();
    world.shared.vm = vm;
    policy.end(injected, &mut world);
    assert_eq!(world.active, 1);
    let more: Vec<_> = (0..5).filter_map(|_| held(&policy, &mut world)).collect();
    assert_eq!(more.len(), 2);
    // A VM that died without releasing its slots loses them.
    world.now.0 += 60 * SECOND;
    let mut beats = Vec::new();
    Members::beat(&mut beats, 9, world.now);
    world.shared.members = Members::read(&beats);
    world.shared.vm = 9;
    assert_eq!((0..5).filter_map(|_| held(&policy, &mut world)).count(), 3);
}

#[test]
fn a_short_fault_needs_a_slot_but_keeps_none() {
    let policy = policy(
        r#"{"max_active_faults": 1, "rules": [
            {"name": "slow", "match": {"paths": [{"exact": "/slow"}]}, "delay": {"percentage": 100, "fixed": "1s"}},
            {"name": "abort", "abort": {"percentage": 100, "http_status": 503}}
        ]}"#,
    );
    let mut world = World::default();
    for _ in 0..3 {
        assert!(held(&policy, &mut world).is_some());
    }
    let slow = decide(&policy, &mut world, "/slow", &[]).injected.unwrap();
    assert!(held(&policy, &mut world).is_none());
    policy.end(slow, &mut world);
    assert!(held(&policy, &mut world).is_some());
    assert_eq!((world.count("faults_overflow"), world.active), (1, 0));
}

#[test]
fn a_response_is_active_until_its_delay_ends() {
    let of = |fields: &str| {
        policy(&format!(
            r#"{{"max_active_faults": 1, "rules": [{{"name": "r", {fields}
                "response": {{"percentage": 100, "delay": {{"fixed": "1s"}}}}}}]}}"#
        ))
    };
    for fields in ["", r#""delay": {"percentage": 100, "fixed": "1s"},"#] {
        let (policy, mut world) = (of(fields), World::default());
        let mut first = held(&policy, &mut world).unwrap();
        if !fields.is_empty() {
            assert_eq!(policy.resume(&mut first, None, &mut world), Then::Pass);
        }
        assert!(matches!(policy.respond(&mut first, None, &mut world).then, Then::Delay(_)));
        assert!(held(&policy, &mut world).is_none());
        assert_eq!((world.count("faults_overflow"), world.active), (1, 1));
        assert_eq!(policy.resume(&mut first, None, &mut world), Then::Pass);
        assert!(held(&policy, &mut world).is_some());
    }
}

#[test]
fn a_maximum_of_zero_stops_all_faults() {
    let policy =
        policy(r#"{"max_active_faults": 0, "rules": [{"name": "r", "reset": {"percentage": 100}}]}"#);
    assert!(held(&policy, &mut World::default()).is_none());
}

#[test]
fn a_client_gets_a_maximum_of_faults() {
    let policy = policy(
        r#"{"max_faults_per_client": {"faults": 3, "per": "60s", "header": "x-user"},
            "rules": [{"name": "r", "abort": {"percentage": 100, "http_status": 503}}]}"#,
    );
    let mut world = World::default();
    let faults = |world: &mut World, headers: Pairs<'_>| {
        (0..10).filter(|_| !mark(&policy, world, headers).is_empty()).count()
    };
    assert_eq!(faults(&mut world, &[("x-user", "ann")]), 3);
    assert_eq!(faults(&mut world, &[("x-user", "bob")]), 3);
    // Without the header, the address identifies the client.
    assert_eq!(faults(&mut world, &[]), 3);
    world.address = Some([10, 0, 0, 2].into());
    assert_eq!(faults(&mut world, &[]), 3);
    assert_eq!(world.count("client_overflow"), 28);
    world.now.0 += 120 * SECOND;
    assert_eq!(faults(&mut world, &[("x-user", "ann")]), 3);
}

#[test]
fn a_fault_without_a_slot_costs_a_client_nothing() {
    let policy = policy(
        r#"{"max_active_faults": 1, "max_faults_per_client": {"faults": 2, "per": "60s"},
            "rules": [{"name": "r", "delay": {"percentage": 100, "fixed": "1s"}}]}"#,
    );
    let mut world = World::default();
    let first = held(&policy, &mut world).unwrap();
    assert!((0..5).all(|_| held(&policy, &mut world).is_none()));
    policy.end(first, &mut world);
    let second = held(&policy, &mut world).unwrap();
    policy.end(second, &mut world);
    // And a client without room holds no slot.
    assert!(held(&policy, &mut world).is_none());
    world.address = Some([10, 0, 0, 2].into());
    assert!(held(&policy, &mut world).is_some());
}

#[test]
fn faults_end_with_the_expiry_and_the_schedule() {
    let reset = r#""rules": [{"name": "r", "reset": {"percentage": 100}}]"#;
    for (limits, expected) in [
        (r#""expires_at": "2026-12-25T12:00:01Z""#, true),
        (r#""expires_at": "2026-12-25T12:00:00Z""#, false),
        (r#""schedule": [{"days": ["fri"], "from": "09:00", "until": "17:00"}]"#, true),
        (r#""schedule": [{"days": ["thu"]}, {"from": "13:00"}]"#, false),
        (r#""enabled": false"#, false),
    ] {
        let policy = policy(&format!("{{{limits}, {reset}}}"));
        assert_eq!(held(&policy, &mut World::default()).is_some(), expected, "{limits}");
    }
}

#[test]
fn a_failure_of_shared_memory_injects_nothing() {
    for limits in [r#""max_active_faults": 5"#, r#""max_faults_per_client": {"faults": 5, "per": "1s"}"#] {
        let policy =
            policy(&format!(r#"{{{limits}, "rules": [{{"name": "r", "reset": {{"percentage": 100}}}}]}}"#));
        let mut world = World::default();
        world.shared.failure = Some(Failure::Contended);
        assert!(held(&policy, &mut world).is_none());
        assert_eq!((world.count("host_error"), world.active), (1, 0));
    }
}
