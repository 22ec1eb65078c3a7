//! Random requests, bodies, clocks and failures of the host, with a configuration that uses every feature.
//!
//! Each line is an event. Nothing may panic, delays must be bounded, headers must be valid, and at the end no
//! fault may be active.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tollgate_counting::{Failure, Host, LocalMemory, SharedMemory};
use tollgate_fault_policy::{Config, Document, Environment, Event, Injected, Plan, Policy, Then};
use tollgate_policy::{RequestFacts, UnixNanos, is_token, is_valid_value};

static CONFIG: LazyLock<Config> =
    LazyLock::new(|| tollgate_policy::config::parse(include_str!("decide.json")).expect("it is a configuration"));

/// `max_delay` of the configuration, and the longest time before the rate of a body is checked again.
const MAX_DELAY: u64 = 2_000_000_000;
const MAX_HOLD: u64 = 60_000_000_000;

struct World {
    shared: LocalMemory,
    now: UnixNanos,
    random: u64,
    property: Vec<u8>,
    active: i32,
}

impl Host for World {
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.shared
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        self.shared.failure.map_or(Ok(self.now), Err)
    }

    fn random(&mut self) -> Result<u64, Failure> {
        self.random = self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        self.shared.failure.map_or(Ok(self.random), Err)
    }

    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let found = if path == "source\0address" { b"10.0.0.1:5000" } else { &*self.property };
        self.shared.failure.map_or_else(|| Ok(Some(found.to_vec())), Err)
    }
}

impl Environment for World {
    fn host(&mut self) -> &mut dyn Host {
        self
    }

    fn count(&mut self, _: usize, _: Event) {}

    fn active(&mut self, change: i32) {
        self.active += change;
    }
}

/// A delay has at most `max` nanoseconds.
fn carry_out(then: Then, max: u64) {
    match then {
        Then::Pass | Then::Reset | Then::Hold => {}
        Then::Delay(time) => assert!((1_000_000..=max).contains(&time.as_nanos()), "{time}"),
        Then::Reply(reply) => {
            for (name, value) in &reply.headers {
                assert!(is_token(name.as_bytes()) && is_valid_value(value), "{name}: {value:?}");
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let policy = Policy::new(Plan::new(CONFIG.clone()).expect("it is a plan"), [7; 16]);
    let stop = Document::parse(br#"{"enabled": false}"#, policy.plan()).expect("it is a document");
    let now = UnixNanos(1_800_000_000_000_000_000);
    let mut world = World { shared: LocalMemory::default(), now, random: 1, property: Vec::new(), active: 0 };
    let mut held: Vec<Box<Injected>> = Vec::new();
    for line in data.split(|byte| *byte == b'\n').take(200) {
        let Some((what, rest)) = line.split_first() else { continue };
        let number = rest.first().copied().unwrap_or_default();
        match what {
            b'+' => world.now.0 += 1u64 << (number % 45),
            b'-' => world.now.0 -= 1u64 << (number % 40),
            b'p' => world.property = rest.to_vec(),
            b'b' => {
                let failure = world.shared.failure;
                world.shared.failure = if failure.is_none() { Some(Failure::Host) } else { None };
            }
            b'd' => {
                if let Some(injected) = held.last_mut() {
                    let document = if number.is_multiple_of(2) { Some(&stop) } else { None };
                    carry_out(policy.resume(injected, document, &mut world), MAX_HOLD);
                }
            }
            b'r' => {
                if let Some(injected) = held.last_mut() {
                    let document = if number.is_multiple_of(2) { Some(&stop) } else { None };
                    let decision = policy.respond(injected, document, &mut world);
                    assert!(decision.edits.iter().all(|edit| edit.value().is_none_or(is_valid_value)));
                    carry_out(decision.then, MAX_DELAY);
                }
            }
            b'c' => {
                if let Some(injected) = held.last_mut() {
                    let mut out = Vec::new();
                    injected.body().into_iter().for_each(|body| body.change(rest, &mut out));
                    assert!(out.len() <= rest.len());
                    let ended = number.is_multiple_of(3);
                    carry_out(policy.pass(injected, out.len(), ended, &mut world), MAX_HOLD);
                }
            }
            // Its failure may leave a slot taken.
            b'e' if world.shared.failure.is_none() => {
                if let Some(injected) = held.pop() {
                    policy.end(injected, &mut world);
                }
            }
            _ => {
                let mut fields = line.split(|byte| *byte == b'\t');
                let mut field = || fields.next().unwrap_or_default();
                let pairs = [
                    (&b":path"[..], field()),
                    (b":method", field()),
                    (b":authority", field()),
                    (b"x-user", field()),
                    (b"x-envoy-fault-delay-request", field()),
                    (b"x-envoy-fault-abort-request", field()),
                    (b"x-envoy-fault-abort-request-percentage", field()),
                    (b"x-envoy-fault-throughput-response", field()),
                ];
                let decision = policy.decide(&RequestFacts::from_pairs(&pairs), None, &mut world);
                carry_out(decision.then, MAX_DELAY);
                held.extend(decision.injected);
            }
        }
    }
    world.shared.failure = None;
    for injected in held {
        policy.end(injected, &mut world);
    }
    assert_eq!(world.active, 0);
});
