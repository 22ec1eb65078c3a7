//! The path for operators.

use crate::support::World;
use tollgate_circuit_breaker_policy::gradient::Limit;
use tollgate_circuit_breaker_policy::{Decision, Environment, Event, Reason, Report};
use tollgate_counting::in_flight::Members;
use tollgate_counting::{Failure, LocalMemory, SharedMemory};
use tollgate_policy::{RequestFacts, UnixNanos};

const SECRET: &str = "Bearer 0123456789abcdef";

fn world(public_read: bool) -> World {
    World::new(&format!(
        r#"{{
            "breakers": {{
                "a": {{"consecutive_failures": 2, "open": {{"duration": "10s", "jitter": 0}}}},
                "b": {{"key": [{{"header": {{"name": "x-tenant"}}}}], "mode": "metrics_only"}},
                "off": {{"mode": "disabled"}}
            }},
            "admin": {{"path": "/breakers", "secret": "0123456789abcdef", "public_read": {public_read}}}
        }}"#
    ))
}

fn ask(world: &mut World, method: &str, path: &str, authorization: &str) -> (u16, String) {
    match world.ask(&[(":method", method), (":path", path), ("authorization", authorization)]) {
        Decision::Refuse(refusal) => {
            assert_eq!(refusal.reason, Reason::Admin);
            (refusal.status, String::from_utf8(refusal.body).unwrap())
        }
        Decision::Pass(_) => panic!("the upstream must not receive the request"),
    }
}

#[test]
fn shows_states() {
    let mut world = world(false);
    (0..2).for_each(|_| world.exchange(500));
    let a = r#"{"failed":0,"mode":"automatic","name":"a","open_for_ms":10000,"openings":1,"requests":0,"slow":0,"state":"open"}"#;
    let off =
        r#"{"failed":0,"mode":"disabled","name":"off","openings":0,"requests":0,"slow":0,"state":"closed"}"#;
    let expected = format!(r#"{{"breakers":[{a},{{"mode":"metrics_only","name":"b"}},{off}]}}"#);
    assert_eq!(ask(&mut world, "GET", "/breakers", SECRET), (200, expected));
    let (_, one) = ask(&mut world, "GET", "/breakers?breaker=b&key=red", SECRET);
    assert!(one.contains(r#""name":"b""#) && one.contains(r#""state":"closed""#), "{one}");
}

#[test]
fn forces_states_with_the_secret() {
    let mut world = world(false);
    assert_eq!(ask(&mut world, "POST", "/breakers?breaker=a&force=open", SECRET).0, 200);
    assert_eq!(world.reason(), Some(Reason::ForcedOpen));
    assert_eq!(ask(&mut world, "POST", "/breakers?breaker=a&force=closed", SECRET).0, 200);
    (0..5).for_each(|_| world.exchange(500));
    let (_, auto) = ask(&mut world, "POST", "/breakers?breaker=a&force=auto", SECRET);
    assert!(auto.contains(r#""state":"closed""#), "{auto}");
    (0..2).for_each(|_| world.exchange(500));
    assert_eq!(world.reason(), Some(Reason::Open));
    let changes = [
        "a: closed -> forced_open, forced by an operator",
        "a: forced_open -> forced_closed, forced by an operator",
        "a: forced_closed -> closed, forced by an operator",
        "a: closed -> open, failures in a row",
    ];
    assert_eq!(world.host.changes, changes);
}

#[test]
fn rejects_others() {
    for (public, method, path, authorization, status) in [
        (false, "GET", "/breakers", "", 401),
        (false, "GET", "/breakers", "Bearer 0123456789abcdeF", 401),
        (false, "GET", "/breakers", "Bearer 0123456789abcde", 401),
        (false, "GET", "/breakers", "0123456789abcdef", 401),
        (true, "GET", "/breakers", "", 200),
        (true, "POST", "/breakers?breaker=a&force=open", "", 401),
        (true, "PUT", "/breakers", SECRET, 405),
        (true, "POST", "/breakers?breaker=a", SECRET, 400),
        (true, "POST", "/breakers?force=open", SECRET, 400),
        (true, "POST", "/breakers?breaker=x&force=open", SECRET, 404),
        (true, "POST", "/breakers?breaker=b&force=open", SECRET, 400),
        (true, "POST", "/breakers?breaker=off&force=open", SECRET, 409),
    ] {
        let (found, body) = ask(&mut world(public), method, path, authorization);
        assert_eq!(found, status, "{method} {path} {authorization}: {body}");
    }
    let mut world = world(true);
    let twice = [
        (":method", "POST"),
        (":path", "/breakers?breaker=a&force=open"),
        ("authorization", SECRET),
        ("authorization", SECRET),
    ];
    let Decision::Refuse(refusal) = world.ask(&twice) else { panic!("admitted") };
    assert_eq!(refusal.status, 401);
    assert!(matches!(world.ask(&[(":path", "/breakers/"), (":method", "GET")]), Decision::Pass(_)));
}

#[test]
fn an_unavailable_memory_is_an_error() {
    let mut world = world(true);
    world.host.memory.failure = Some(tollgate_counting::Failure::Host);
    assert_eq!(ask(&mut world, "GET", "/breakers", "").0, 503);
    assert_eq!(ask(&mut world, "POST", "/breakers?breaker=a&force=open", SECRET).0, 503);
}

/// Shared memory that another worker changes while a page is read: each page is read twice.
struct Changing([LocalMemory; 2]);

impl SharedMemory for Changing {
    fn page(&mut self, page: u32, change: &mut dyn FnMut(&mut [u8]) -> bool) -> Result<(), Failure> {
        self.0.iter_mut().try_for_each(|memory| memory.page(page, change))
    }

    fn seen(&self, _: u32) -> Option<&[u8]> {
        None
    }

    fn in_flight(
        &mut self,
        _: u32,
        _: &mut dyn FnMut(&mut Vec<u8>, &Members) -> bool,
    ) -> Result<(), Failure> {
        Ok(())
    }

    fn vm(&self) -> u32 {
        0
    }
}

impl tollgate_counting::Host for Changing {
    fn shared(&mut self) -> &mut dyn SharedMemory {
        self
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        Err(Failure::Host)
    }

    fn random(&mut self) -> Result<u64, Failure> {
        Err(Failure::Host)
    }

    fn property(&mut self, _: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(None)
    }
}

impl Environment for Changing {
    fn host(&mut self) -> &mut dyn tollgate_counting::Host {
        self
    }

    fn count(&mut self, _: usize, _: Event) {}

    fn changed(&mut self, _: &Report<'_>) {}

    fn limited(&mut self, _: usize, _: &Limit) {}
}

#[test]
fn a_state_is_never_mixed_with_an_older_one() {
    let mut world = world(true);
    let closed = world.host.memory.clone();
    (0..2).for_each(|_| world.exchange(500));
    let mut memory = Changing([world.host.memory.clone(), closed]);
    let pairs =
        [(":method", "GET"), (":path", "/breakers")].map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let decision = world.policy.decide(&RequestFacts::from_pairs(&pairs), &mut memory, UnixNanos(world.now));
    let Decision::Refuse(refusal) = decision else { panic!("passed") };
    let body = String::from_utf8(refusal.body).unwrap();
    assert!(body.contains(r#""state":"closed""#) && !body.contains("open_for_ms"), "{body}");
}
