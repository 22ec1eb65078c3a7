//! Random requests, answers of a rate limit service and clocks, in any order, with a configuration that uses
//! every feature.
//!
//! Each line is an event. Nothing may panic, waits must be bounded, and headers must be valid.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;
use tollgate_policy::{RequestFacts, ResponseFacts, UnixNanos, is_token, is_valid_value};
use tollgate_rate_limit_policy::remote::{CallFailure, CallId};
use tollgate_counting::{Failure, Host, LocalMemory, SharedMemory};
use tollgate_rate_limit_policy::{
    Config, Decision, Environment, Event, HeaderChanges, Hold, Plan, Policy, Reason, Ticket, Until,
};

static CONFIG: LazyLock<Config> =
    LazyLock::new(|| tollgate_policy::config::parse(include_str!("decide.json")).expect("it is a configuration"));

#[derive(Default)]
struct World {
    shared: LocalMemory,
    address: Option<IpAddr>,
    property: Vec<u8>,
}

impl Host for World {
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.shared
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        Err(Failure::Host)
    }

    fn random(&mut self) -> Result<u64, Failure> {
        Ok(0)
    }

    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let found = match path {
            "source\0address" => self.address.map(|ip| SocketAddr::new(ip, 1).to_string().into_bytes()),
            _ => Some(self.property.clone()),
        };
        self.shared.failure.map_or(Ok(found), Err)
    }
}

impl Environment for World {
    fn host(&mut self) -> &mut dyn Host {
        self
    }

    fn count(&mut self, _: usize, _: Event) {}
}

fn written(headers: &[tollgate_policy::HeaderField]) {
    for (name, value) in headers {
        assert!(is_token(name.as_bytes()) && is_valid_value(value), "{name}: {value:?}");
    }
}

fn changed(changes: &HeaderChanges) {
    written(&changes.set);
    written(&changes.add);
}

fuzz_target!(|data: &[u8]| {
    let mut policy = Policy::new(Plan::new(CONFIG.clone()).expect("it is a plan"), [7; 16]);
    let mut world = World::default();
    let mut now = UnixNanos(1_800_000_000_000_000_000);
    let (mut passed, mut asking): (Vec<Ticket>, Vec<Ticket>) = Default::default();
    let mut unanswered: Vec<CallId> = Vec::new();
    let (mut queued, mut delayed): (Vec<Ticket>, Vec<Ticket>) = Default::default();
    for line in data.split(|byte| *byte == b'\n').take(200) {
        let Some((what, rest)) = line.split_first() else { continue };
        let number = rest.first().copied().unwrap_or_default();
        let decision = match what {
            b'+' => {
                now.0 += 1u64 << (number % 45);
                continue;
            }
            b'-' => {
                now.0 -= 1u64 << (number % 40);
                continue;
            }
            b'b' => {
                world.shared.failure = match world.shared.failure {
                    None => Some(Failure::Host),
                    Some(Failure::Host) => Some(Failure::Contended),
                    Some(Failure::Contended) => None,
                };
                continue;
            }
            b'p' => {
                world.property = rest.to_vec();
                continue;
            }
            b'a' => {
                world.address = std::str::from_utf8(rest).ok().and_then(|text| text.parse().ok());
                continue;
            }
            b'o' => {
                if let Some(call) = unanswered.pop() {
                    policy.answered(call, Ok(rest), now);
                }
                continue;
            }
            b'f' => {
                if let Some(call) = unanswered.pop() {
                    policy.answered(call, Err(CallFailure::Status(u32::from(number))), now);
                }
                continue;
            }
            b'w' => match asking.pop().or_else(|| delayed.pop()) {
                Some(ticket) => policy.resume(ticket, &RequestFacts::default(), &mut world, now),
                None => continue,
            },
            b'e' => {
                let ticket = passed.pop().or_else(|| asking.pop()).or_else(|| delayed.pop());
                if let Some(ticket) = ticket.or_else(|| queued.pop()) {
                    policy.end(ticket, &mut world, now);
                }
                continue;
            }
            // It is another request by then, as it is where the configuration is another.
            b'l' => match queued.is_empty() {
                false => {
                    let ticket = queued.swap_remove(usize::from(number) % queued.len());
                    let pairs = [(&b":authority"[..], rest)];
                    policy.resume(ticket, &RequestFacts::from_pairs(&pairs), &mut world, now)
                }
                true => continue,
            },
            b'r' => {
                if let Some(ticket) = passed.last_mut() {
                    let pairs = [(&b":status"[..], &b"401"[..]), (b"x-cost", rest), (b"ratelimit", rest)];
                    let settled = policy.respond(ticket, &ResponseFacts::from_pairs(&pairs), &mut world, now);
                    changed(&settled.headers);
                    unanswered.extend(settled.call.map(|call| call.id));
                }
                continue;
            }
            _ => {
                let mut fields = line.split(|byte| *byte == b'\t');
                let mut field = || fields.next().unwrap_or_default();
                let pairs = [
                    (&b":path"[..], field()),
                    (b":method", field()),
                    (b":authority", field()),
                    (b"x-user", field()),
                    (b"x-cost", field()),
                    (b"cookie", field()),
                    (b"content-length", field()),
                ];
                policy.decide(&RequestFacts::from_pairs(&pairs), &mut world, now, true)
            }
        };
        match decision {
            Decision::Pass(pass) => {
                changed(&pass.request_headers);
                passed.push(pass.ticket);
            }
            Decision::Refuse(refusal) => {
                written(&refusal.headers);
                assert!(refusal.status >= 400);
            }
            Decision::Hold(Hold { until, timeout, ticket, call }) => {
                assert!(timeout <= 2_000_000_000, "{timeout}");
                unanswered.extend(call.map(|call| call.id));
                match until {
                    Until::Turn => delayed.push(ticket),
                    Until::Room(_) => queued.push(ticket),
                    Until::Answer(_) => asking.push(ticket),
                }
            }
        }
    }
    world.shared.failure = None;
    for ticket in passed.into_iter().chain(asking).chain(queued).chain(delayed) {
        policy.end(ticket, &mut world, now);
    }
    policy.take_woken();
    // The queues are empty now, so a request that may not wait is decided on its own.
    world.shared.in_flight.clear();
    let pairs = [(&b":authority"[..], &b"a"[..]), (b":method", b"GET")];
    let ticket = match policy.decide(&RequestFacts::from_pairs(&pairs), &mut world, now, false) {
        Decision::Pass(pass) => pass.ticket,
        Decision::Refuse(refusal) => {
            assert_ne!(refusal.reason, Reason::Concurrency);
            return;
        }
        other => panic!("{other:?}"),
    };
    policy.end(ticket, &mut world, now);
});
