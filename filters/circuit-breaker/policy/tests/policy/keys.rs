//! Keys, and their bounded number.

use crate::support::{SECOND, World, reply};
use tollgate_circuit_breaker_policy::{Decision, Event, Reason};

const BY_TENANT: &str = r#"{
    "breakers": {"a": {"key": [{"header": {"name": "x-tenant"}}], "consecutive_failures": 1, "open": {"duration": "10s"}}},
    "max_keys": 1
}"#;

fn ask(world: &mut World, tenant: &str) -> Option<Reason> {
    match world.ask(&[("x-tenant", tenant)]) {
        Decision::Refuse(refusal) => Some(refusal.reason),
        Decision::Pass(pass) => {
            world.end(pass.ticket);
            None
        }
    }
}

fn fail(world: &mut World, tenant: &str, status: u16) {
    match world.ask(&[("x-tenant", tenant)]) {
        Decision::Pass(pass) => world.answer(pass.ticket, reply(status)),
        Decision::Refuse(_) => panic!("rejected"),
    }
}

#[test]
fn each_key_has_its_own_state() {
    let mut world = World::new(BY_TENANT);
    fail(&mut world, "red", 500);
    assert_eq!(ask(&mut world, "red"), Some(Reason::Open));
    assert_eq!(ask(&mut world, "blue"), None);
    assert_eq!(world.host.changes, ["a[red]: closed -> open, failures in a row"]);
    // Absent and empty values differ.
    fail(&mut world, "", 500);
    assert!(matches!(world.ask(&[]), Decision::Pass(_)));
}

#[test]
fn key_values_in_logs_have_no_control_characters() {
    let mut world = World::new(BY_TENANT);
    fail(&mut world, &format!("a\nb,{}", "x".repeat(100)), 500);
    assert_eq!(world.host.changes, [format!("a[a_b_{}]: closed -> open, failures in a row", "x".repeat(60))]);
}

#[test]
fn a_full_page_evicts_the_oldest_closed_key() {
    let mut world = World::new(BY_TENANT);
    fail(&mut world, "open", 500);
    for index in 0..3 {
        world.now += SECOND;
        fail(&mut world, &format!("closed{index}"), 200);
    }
    world.now += SECOND;
    fail(&mut world, "closed3", 200);
    assert_eq!(world.count(Event::Evicted), 1);
    assert_eq!(ask(&mut world, "open"), Some(Reason::Open));
    for index in 4..100 {
        fail(&mut world, &format!("closed{index}"), 200);
    }
    assert_eq!(ask(&mut world, "open"), Some(Reason::Open), "an open key is evicted last");
    let mut memory = world.host.memory.pages.values();
    assert_eq!(
        (memory.next().map(Vec::len), memory.next()),
        (Some(world.policy.plan().record_bytes * 4), None)
    );
}

#[test]
fn an_evicted_open_key_is_reported_as_closed() {
    let mut world = World::new(BY_TENANT);
    for index in 0..5 {
        fail(&mut world, &format!("open{index}"), 500);
    }
    assert!(world.host.changes.contains(&"a: open -> closed, evicted for another key".into()));
}

/// The result of a probe must not evict another key.
#[test]
fn a_result_does_not_add_an_evicted_key_again() {
    let mut world = World::new(BY_TENANT);
    fail(&mut world, "red", 500);
    world.pass(20);
    let Decision::Pass(probe) = world.ask(&[("x-tenant", "red")]) else { panic!("rejected") };
    for index in 0..4 {
        world.pass(1);
        fail(&mut world, &format!("open{index}"), 500);
    }
    world.answer(probe.ticket, reply(500));
    assert_eq!([Event::Evicted, Event::Late].map(|event| world.count(event)), [1, 1]);
    assert!((0..4).all(|index| ask(&mut world, &format!("open{index}")) == Some(Reason::Open)));
}

/// A state without requests, such as that of an old configuration, must not take the place of others forever.
#[test]
fn an_open_key_is_evicted_after_a_day_without_requests() {
    let mut world = World::new(BY_TENANT);
    fail(&mut world, "old", 500);
    world.pass(86_402);
    (0..3).for_each(|index| fail(&mut world, &format!("open{index}"), 500));
    world.pass(1);
    fail(&mut world, "closed", 200);
    assert_eq!(world.host.changes.last().unwrap(), "a: open -> closed, evicted for another key");
    fail(&mut world, "closed", 200);
    assert_eq!(world.count(Event::Evicted), 1);
}

/// Empty values must not make the values of two headers equal.
#[test]
fn empty_values_of_two_headers_are_apart() {
    let key = r#"[{"header": {"name": "x-a"}}, {"header": {"name": "x-b"}}]"#;
    let mut world = World::of_one(&format!(r#"{{"key": {key}, "consecutive_failures": 1}}"#));
    let Decision::Pass(pass) = world.ask(&[("x-a", ""), ("x-a", "")]) else { panic!("rejected") };
    world.answer(pass.ticket, reply(500));
    assert!(matches!(world.ask(&[("x-a", ""), ("x-a", "")]), Decision::Refuse(_)));
    assert!(matches!(world.ask(&[("x-a", ""), ("x-b", "")]), Decision::Pass(_)));
    assert!(matches!(world.ask(&[("x-b", ""), ("x-b", "")]), Decision::Pass(_)));
}

/// A header can have several values, each of which is part of the key.
#[test]
fn values_of_two_headers_are_apart() {
    let key = r#"[{"header": {"name": "x-a"}}, {"header": {"name": "x-b"}}]"#;
    let mut world = World::of_one(&format!(r#"{{"key": {key}, "consecutive_failures": 1}}"#));
    let Decision::Pass(pass) = world.ask(&[("x-a", "1"), ("x-a", "2")]) else { panic!("rejected") };
    world.answer(pass.ticket, reply(500));
    assert!(matches!(world.ask(&[("x-a", "1"), ("x-a", "2")]), Decision::Refuse(_)));
    assert!(matches!(world.ask(&[("x-a", "1"), ("x-b", "2")]), Decision::Pass(_)));
}
