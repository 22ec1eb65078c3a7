//! Tests of the policy.

mod budget;
mod config;
mod deadlines;
mod hedges;
mod memory;
mod replay;
mod requests;
mod responses;
mod times;

use crate::{Config, Environment, Plan, Policy, RequestDecision};
use tollgate_counting::LocalMemory;
use tollgate_policy::{ConfigError, HeaderEdit, RequestFacts, UnixNanos};

/// The time of most tests.
const NOW: UnixNanos = UnixNanos(1_700_000_000_000_000_000);
const SECOND: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// A host whose time, random number and arrivals are given.
#[derive(Debug)]
struct Host {
    memory: LocalMemory,
    received_at: Option<UnixNanos>,
    now: UnixNanos,
    draw: u64,
}

impl Default for Host {
    fn default() -> Self {
        Self { memory: LocalMemory::default(), received_at: None, now: NOW, draw: 0 }
    }
}

impl Environment for Host {
    type Memory = LocalMemory;

    fn memory(&mut self) -> &mut LocalMemory {
        &mut self.memory
    }

    fn now(&mut self) -> UnixNanos {
        self.now
    }

    fn draw(&mut self) -> u64 {
        self.draw
    }

    fn received_at(&mut self) -> Option<UnixNanos> {
        self.received_at
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

/// Decides about a request without a body.
fn decide<'p>(policy: &'p mut Policy, fields: &Fields<'_>, host: &mut Host) -> RequestDecision<'p> {
    policy.on_request(&RequestFacts::from_pairs(fields), true, host)
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
