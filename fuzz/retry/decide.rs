//! Reads any text as a configuration, and runs its policy over any memory on any request and response: every
//! edit is valid, and no request gets more retries than its rule allows.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tollgate_counting::{LocalMemory, table::PAGE_BYTES};
use tollgate_policy::{Headers, RequestFacts, UnixNanos, is_valid_value};
use tollgate_retry_policy::{Config, Environment, Events, Head, Outcome, Plan, Policy, Step};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    config: &'a str,
    page: Vec<u8>,
    now: u64,
    draw: u64,
    fields: Vec<(&'a [u8], &'a [u8])>,
    status: u16,
    response: Vec<(&'a [u8], &'a [u8])>,
    body: &'a [u8],
}

struct Host {
    memory: LocalMemory,
    now: UnixNanos,
    draw: u64,
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
        Some(UnixNanos(self.now.0.saturating_sub(self.draw)))
    }
}

fuzz_target!(|input: Input<'_>| {
    let Ok(config) = tollgate_policy::config::parse::<Config>(input.config) else { return };
    let Ok(plan) = Plan::new(config) else { return };
    let mut host = Host { memory: LocalMemory::default(), now: UnixNanos(input.now), draw: input.draw };
    let mut page = input.page;
    page.resize(PAGE_BYTES, 0);
    host.memory.pages.insert(0, page);
    let mut policy = Policy::new(plan);
    let facts = RequestFacts::from_pairs(&input.fields);
    let decision = policy.on_request(&facts, input.body.is_empty(), &mut host);
    assert!(decision.edits.iter().all(|edit| edit.value().is_none_or(is_valid_value)));
    let mut stream = decision.stream;
    policy.on_request_body(&mut stream, input.body.len(), true, || Some(input.body.to_vec()));
    policy.settle(&mut stream, Some(input.draw), &mut host);
    let head = Head { status: input.status, headers: Headers(&input.response), trailers: Headers(&input.response) };
    let mut events = Events::new();
    let mut step = policy.respond(&mut stream, head, false, &mut host, &mut events);
    let mut calls = 0;
    while let Some(Step::Call { timeout, .. }) = step {
        calls += 1;
        assert!(timeout > 0 && calls <= 101);
        step = Some(policy.after(&mut stream, Outcome::Response(head, input.body), &mut host, &mut events));
    }
    policy.end(&mut stream);
});
