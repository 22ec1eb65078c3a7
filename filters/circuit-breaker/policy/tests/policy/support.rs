//! A host for the policy: shared memory, attributes and a clock.

use std::collections::BTreeMap;
use tollgate_circuit_breaker_policy::gradient::Limit;
use tollgate_circuit_breaker_policy::{
    Decision, Environment, Event, Plan, Policy, Reason, Refusal, Report, Ticket,
};
use tollgate_counting::{Failure, LocalMemory, SharedMemory};
use tollgate_policy::{Headers, RequestFacts, ResponseFacts, UnixNanos};

pub const SECOND: u64 = 1_000_000_000;

/// Inputs of the policy, and its reports.
#[derive(Default)]
pub struct Host {
    pub memory: LocalMemory,
    pub properties: BTreeMap<String, Vec<u8>>,
    pub property_fails: bool,
    pub events: Vec<(usize, Event)>,
    pub changes: Vec<String>,
    pub limits: Vec<u32>,
}

impl tollgate_counting::Host for Host {
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.memory
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        Err(Failure::Host)
    }

    fn random(&mut self) -> Result<u64, Failure> {
        Err(Failure::Host)
    }

    fn property(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        if self.property_fails { Err(Failure::Host) } else { Ok(self.properties.get(path).cloned()) }
    }
}

impl Environment for Host {
    fn host(&mut self) -> &mut dyn tollgate_counting::Host {
        self
    }

    fn count(&mut self, breaker: usize, event: Event) {
        self.events.push((breaker, event));
    }

    fn changed(&mut self, report: &Report<'_>) {
        let (from, to) = (report.change.from.name(), report.change.to.name());
        let key = if report.key.is_empty() { String::new() } else { format!("[{}]", report.key) };
        self.changes.push(format!("{}{key}: {from} -> {to}, {}", report.name, report.change.cause.text()));
    }

    fn limited(&mut self, _: usize, limit: &Limit) {
        self.limits.push(limit.limit);
    }
}

/// A policy with its host and a clock.
pub struct World {
    pub policy: Policy,
    pub host: Host,
    pub now: u64,
}

pub fn plan(json: &str) -> Result<Plan, String> {
    let config = tollgate_policy::config::parse(json).map_err(|error| error.to_string())?;
    Plan::new(config).map_err(|error| error.to_string())
}

/// A response: its status, its headers, and the response code details.
#[derive(Clone, Copy)]
pub struct Reply<'a> {
    pub status: u16,
    pub headers: &'a [(&'a str, &'a str)],
    pub details: &'a str,
}

pub fn reply(status: u16) -> Reply<'static> {
    Reply { status, headers: &[], details: "via_upstream" }
}

impl World {
    pub fn new(json: &str) -> Self {
        let plan = plan(json).unwrap();
        let page_bytes = plan.page_bytes();
        let host = Host { memory: LocalMemory { page_bytes, ..LocalMemory::default() }, ..Host::default() };
        Self { policy: Policy::new(plan, [7; 16], 1), host, now: 1_000_000 * SECOND }
    }

    /// A world with one breaker, named `a`.
    pub fn of_one(breaker: &str) -> Self {
        Self::new(&format!(r#"{{"breakers": {{"a": {breaker}}}}}"#))
    }

    pub fn ask(&mut self, headers: &[(&str, &str)]) -> Decision {
        let pairs: Vec<_> = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let now = UnixNanos(self.now);
        self.policy.decide(&RequestFacts::from_pairs(&pairs), &mut self.host, now)
    }

    /// Sends a request that must be admitted.
    #[track_caller]
    pub fn admitted(&mut self) -> Ticket {
        match self.ask(&[]) {
            Decision::Pass(pass) => pass.ticket,
            Decision::Refuse(refusal) => panic!("rejected: {:?}", refusal.reason),
        }
    }

    /// Sends a request that must be rejected.
    #[track_caller]
    pub fn rejected(&mut self) -> Refusal {
        match self.ask(&[]) {
            Decision::Refuse(refusal) => refusal,
            Decision::Pass(_) => panic!("admitted"),
        }
    }

    pub fn reason(&mut self) -> Option<Reason> {
        match self.ask(&[]) {
            Decision::Refuse(refusal) => Some(refusal.reason),
            Decision::Pass(pass) => {
                self.policy.end(pass.ticket, &mut self.host, UnixNanos(self.now));
                None
            }
        }
    }

    pub fn respond(&mut self, ticket: &mut Ticket, reply: Reply<'_>) {
        self.host.properties.insert("response\0code_details".into(), reply.details.into());
        let pairs: Vec<_> =
            reply.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let response = ResponseFacts { status: reply.status, headers: Headers(&pairs) };
        self.policy.respond(ticket, &response, &mut self.host, UnixNanos(self.now));
    }

    pub fn end(&mut self, ticket: Ticket) {
        self.policy.end(ticket, &mut self.host, UnixNanos(self.now));
    }

    /// Answers an admitted request, and ends it.
    pub fn answer(&mut self, mut ticket: Ticket, reply: Reply<'_>) {
        self.respond(&mut ticket, reply);
        self.end(ticket);
    }

    /// Sends a request that must be admitted, and answers it with a status.
    #[track_caller]
    pub fn exchange(&mut self, status: u16) {
        let ticket = self.admitted();
        self.answer(ticket, reply(status));
    }

    pub fn pass(&mut self, seconds: u64) {
        self.now += seconds * SECOND;
    }

    pub fn count(&self, event: Event) -> usize {
        self.host.events.iter().filter(|(_, counted)| *counted == event).count()
    }
}
