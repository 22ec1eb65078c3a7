//! Tests of the policy.

mod budget;
mod config;
mod deadlines;
mod grpc;
mod hedges;
mod memory;
mod replay;
mod requests;
mod responses;
mod times;

use crate::{Config, Environment, Event, Plan, Policy, RequestDecision, RetryReason, Stream};
use std::collections::BTreeMap;
use tollgate_counting::{Failure, LocalMemory, SharedMemory};
use tollgate_policy::{ConfigError, HeaderEdit, RequestFacts, UnixNanos};

/// The time of most tests.
const NOW: UnixNanos = UnixNanos(1_700_000_000_000_000_000);
const SECOND: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// A host whose time, random number and attributes are given, and what was counted.
#[derive(Debug)]
struct Host {
    memory: LocalMemory,
    now: Result<UnixNanos, Failure>,
    draw: u64,
    attributes: BTreeMap<&'static str, Vec<u8>>,
    events: Vec<Event>,
    retries: Vec<(RetryReason, u32)>,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            memory: LocalMemory::default(),
            now: Ok(NOW),
            draw: 0,
            attributes: BTreeMap::from([("xds\0cluster_name", b"shop".to_vec())]),
            events: Vec::new(),
            retries: Vec::new(),
        }
    }
}

impl Host {
    /// A host at a time.
    fn at(now: u64) -> Self {
        Self { now: Ok(UnixNanos(now)), ..Self::default() }
    }

    /// The same host, after the router has sent the request this often.
    fn sent(&mut self, attempts: impl Into<Option<u64>>) -> &mut Self {
        const COUNT: &str = "upstream\0request_attempt_count";
        match attempts.into() {
            Some(attempts) => self.attributes.insert(COUNT, attempts.to_le_bytes().into()),
            None => self.attributes.remove(COUNT),
        };
        self
    }

    /// Returns the events since the last call.
    fn events(&mut self) -> Vec<Event> {
        core::mem::take(&mut self.events)
    }
}

impl tollgate_counting::Host for Host {
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.memory
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        self.now
    }

    fn random(&mut self) -> Result<u64, Failure> {
        Ok(self.draw)
    }

    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.attributes.get(path).cloned())
    }
}

impl Environment for Host {
    fn host(&mut self) -> &mut dyn tollgate_counting::Host {
        self
    }

    fn count(&mut self, event: Event) {
        self.events.push(event);
    }

    fn count_retries(&mut self, reason: RetryReason, retries: u32) {
        self.retries.push((reason, retries));
    }
}

fn plan(json: &str) -> Result<Plan, ConfigError> {
    Plan::new(tollgate_policy::config::parse::<Config>(json)?)
}

fn policy(json: &str) -> Policy {
    Policy::new(plan(json).unwrap())
}

/// A policy with one rule, and a budget that is never spent.
fn rule(json: &str) -> Policy {
    policy(&format!(r#"{{"rules": [{json}], "retry_budget": {{"min_retries_per_second": 1000}}}}"#))
}

/// The fields of a request: method, path and headers.
type Fields<'a> = Vec<(&'a [u8], &'a [u8])>;

fn fields<'a>(method: &'a str, path: &'a str, headers: &[(&'a str, &'a str)]) -> Fields<'a> {
    let pseudo = [(":method", method), (":path", path), (":authority", "shop.example")];
    pseudo.iter().chain(headers).map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect()
}

/// The decision about a request, and the state of its stream.
struct Decided<'p> {
    decision: RequestDecision<'p>,
    stream: Stream,
}

impl<'p> std::ops::Deref for Decided<'p> {
    type Target = RequestDecision<'p>;

    fn deref(&self) -> &RequestDecision<'p> {
        &self.decision
    }
}

/// Decides about a request without a body.
fn decide<'p>(policy: &'p mut Policy, fields: &Fields<'_>, host: &mut Host) -> Decided<'p> {
    decide_about(policy, fields, true, host)
}

/// Decides about a request. `ended` is whether it has no body.
fn decide_about<'p>(
    policy: &'p mut Policy,
    fields: &Fields<'_>,
    ended: bool,
    host: &mut Host,
) -> Decided<'p> {
    let mut stream = Stream::default();
    let decision = policy.on_request(&mut stream, &RequestFacts::from_pairs(fields), ended, host);
    Decided { decision, stream }
}

/// Returns the edits as text: `name: value`, or `-name`.
fn written(edits: &[HeaderEdit<'_>]) -> Vec<String> {
    let mut lines: Vec<_> = edits.iter().map(line).collect();
    lines.sort();
    lines
}

fn line(edit: &HeaderEdit<'_>) -> String {
    match edit.value() {
        Some(value) => format!("{}: {}", edit.name().as_str(), String::from_utf8_lossy(value)),
        None => format!("-{}", edit.name().as_str()),
    }
}
