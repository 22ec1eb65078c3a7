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
