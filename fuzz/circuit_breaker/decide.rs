//! Random requests, responses, clocks and bytes in shared memory, in any order, with a configuration that
//! uses every feature.
//!
//! Each line is an event. Nothing may panic, memory must stay bounded, and headers must be valid.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use tollgate_circuit_breaker_policy::gradient::Limit;
use tollgate_circuit_breaker_policy::{Config, Decision, Environment, Event, Plan, Policy, Report, Ticket};
use tollgate_counting::{Failure, Host, LocalMemory, SharedMemory};
use tollgate_policy::{Headers, RequestFacts, ResponseFacts, UnixNanos, is_token, is_valid_value};

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    tollgate_policy::config::parse(include_str!("decide.json")).expect("it is a configuration")
});

#[derive(Default)]
struct World {
    memory: LocalMemory,
    property: Vec<u8>,
}

impl Host for World {
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.memory
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        Err(Failure::Host)
    }

    fn random(&mut self) -> Result<u64, Failure> {
        Err(Failure::Host)
    }

    fn property(&mut self, _: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.memory.failure.map_or_else(|| Ok(Some(self.property.clone())), Err)
    }
}

impl Environment for World {
    fn host(&mut self) -> &mut dyn Host {
        self
    }

    fn count(&mut self, _: usize, _: Event) {}

    fn changed(&mut self, report: &Report<'_>) {
        assert!(!report.key.chars().any(char::is_control) && report.key.len() <= 64);
    }

    fn limited(&mut self, _: usize, _: &Limit) {}
}

fn written(name: &str, value: &[u8]) {
    assert!(is_token(name.as_bytes()) && is_valid_value(value), "{name}: {value:?}");
}

fuzz_target!(|data: &[u8]| {
    let mut policy = Policy::new(Plan::new(CONFIG.clone()).expect("it is a plan"), [7; 16], 1);
    let page_bytes = policy.plan().page_bytes();
    let mut world =
        World { memory: LocalMemory { page_bytes, ..LocalMemory::default() }, ..World::default() };
    let mut now = UnixNanos(1_800_000_000_000_000_000);
    let mut flying: Vec<Ticket> = Vec::new();
    for line in data.split(|byte| *byte == b'\n').take(200) {
        let Some((what, rest)) = line.split_first() else { continue };
        let number = rest.first().copied().unwrap_or_default();
        match what {
            b'+' => now.0 += 1u64 << (number % 45),
            b'-' => now.0 -= 1u64 << (number % 40),
            b'f' => {
                let failure = world.memory.failure;
                world.memory.failure = failure.is_none().then_some(Failure::Host);
            }
            b'p' => world.property = rest.to_vec(),
            b'm' => {
                let page =
                    world.memory.pages.entry(u32::from(number % 2)).or_insert_with(|| vec![0; page_bytes]);
                let begin = page_bytes.saturating_sub(rest.len()).min(usize::from(number) * 8);
                page[begin..begin + rest.len().min(page_bytes)]
                    .copy_from_slice(&rest[..rest.len().min(page_bytes)]);
            }
            b'r' => {
                let mut parts = rest.split(|byte| *byte == b' ');
                let (method, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                let headers: Vec<_> = parts
                    .map(|part| part.split_at(part.iter().position(|byte| *byte == b'=').unwrap_or_default()))
                    .collect();
                let request = RequestFacts { method, path, authority: rest, headers: Headers(&headers) };
                match policy.decide(&request, &mut world, now) {
                    Decision::Pass(pass) => {
                        for edit in pass.edits() {
                            written(edit.name().as_str(), edit.value().unwrap_or_default());
                        }
                        flying.push(pass.ticket);
                    }
                    Decision::Refuse(refusal) => {
                        refusal.headers.iter().for_each(|(name, value)| written(name, value));
                    }
                }
            }
            b's' => {
                let headers = [
                    (&b"content-type"[..], &b"application/grpc"[..]),
                    (b"grpc-status", rest),
                    (b"x-fault", rest),
                ];
                let headers = headers.get(usize::from(number % 4)..).unwrap_or_default();
                let response =
                    ResponseFacts { status: 200 + u16::from(number) * 2, headers: Headers(headers) };
                if let Some(ticket) = flying.last_mut() {
                    policy.respond(ticket, &response, &mut world, now);
                }
            }
            b't' => {
                if let Some(ticket) = flying.last_mut() {
                    policy.finish(ticket, Some(rest), &mut world, now);
                }
            }
            _ => {
                if let Some(ticket) = flying.pop() {
                    policy.end(ticket, &mut world, now);
                }
            }
        }
        assert!(world.memory.pages.len() <= 2 && world.memory.in_flight.len() <= 2);
    }
});
