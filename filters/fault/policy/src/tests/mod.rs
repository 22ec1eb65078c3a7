//! Tests of decisions, with a configuration and requests as an operator and a client write them.

mod any;
mod control;
mod draws;
mod errors;
mod formats;
mod headers;
mod limits;
mod responses;
mod rules;

use crate::{Config, Decision, Document, Environment, Event, Plan, Policy};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use tollgate_counting::{Failure, Host, LocalMemory, SharedMemory};
use tollgate_policy::{RequestFacts, UnixNanos};

/// 2026-12-25T12:00:00Z, a Friday.
const NOON: u64 = 1_798_200_000_000_000_000;

/// A host whose random numbers are the same in each run.
struct World {
    shared: LocalMemory,
    now: UnixNanos,
    seed: u64,
    address: Option<IpAddr>,
    properties: BTreeMap<&'static str, &'static str>,
    failure: Option<Failure>,
    events: BTreeMap<(usize, &'static str), usize>,
    active: i32,
}

impl Default for World {
    fn default() -> Self {
        Self {
            shared: LocalMemory::default(),
            now: UnixNanos(NOON),
            seed: 0,
            address: Some([10, 0, 0, 1].into()),
            properties: BTreeMap::new(),
            failure: None,
            events: BTreeMap::new(),
            active: 0,
        }
    }
}

impl World {
    /// Number of events, over all rules.
    fn count(&self, name: &str) -> usize {
        self.events.iter().filter(|((_, event), _)| *event == name).map(|(_, count)| count).sum()
    }
}

impl Host for World {
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.shared
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        self.failure.map_or(Ok(self.now), Err)
    }

    fn random(&mut self) -> Result<u64, Failure> {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.failure.map_or(Ok(crate::draw::mix(self.seed)), Err)
    }

    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let found = match path {
            "source\0address" => self.address.map(|ip| SocketAddr::new(ip, 1).to_string().into_bytes()),
            path => self.properties.get(path).map(|value| value.as_bytes().to_vec()),
        };
        self.failure.map_or(Ok(found), Err)
    }
}

impl Environment for World {
    fn host(&mut self) -> &mut dyn Host {
        self
    }

    fn count(&mut self, statistic: usize, event: Event) {
        *self.events.entry((statistic, tollgate_policy::Label::name(event))).or_default() += 1;
    }

    fn active(&mut self, change: i32) {
        self.active += change;
    }
}

fn plan(json: &str) -> Plan {
    let config: Config =
        tollgate_policy::config::parse(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    Plan::new(config).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn policy(json: &str) -> Policy {
    Policy::new(plan(json), [7; 16])
}

/// A policy with one rule, named `r`, with these fields.
fn rule(fields: &str) -> Policy {
    policy(&format!(r#"{{"rules": [{{"name": "r", {fields}}}]}}"#))
}

fn error(json: &str) -> String {
    let config = tollgate_policy::config::parse::<Config>(json);
    config.and_then(Plan::new).err().unwrap_or_else(|| panic!("accepted: {json}")).to_string()
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn with_request<R>(path: &str, headers: Pairs<'_>, then: impl FnOnce(&RequestFacts<'_>) -> R) -> R {
    let mut pairs: Vec<(&[u8], &[u8])> =
        vec![(b":method", b"GET"), (b":path", path.as_bytes()), (b":authority", b"shop.test")];
    pairs.extend(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    then(&RequestFacts::from_pairs(&pairs))
}

fn decide<'p>(policy: &'p Policy, world: &mut World, path: &str, headers: Pairs<'_>) -> Decision<'p> {
    with_request(path, headers, |request| policy.decide(request, None, world))
}

/// Returns the mark of a request to `/`; empty without a fault.
fn mark(policy: &Policy, world: &mut World, headers: Pairs<'_>) -> String {
    decide(policy, world, "/", headers).injected.map_or(String::new(), |injected| injected.mark)
}
