//! Reads any text as a configuration, and runs its policy over any memory on any request and response: every
//! edit is valid, and no request gets more retries than its rule allows.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tollgate_counting::{Failure, LocalMemory, SharedMemory, table::PAGE_BYTES};
use tollgate_policy::{Headers, RequestFacts, UnixNanos, is_valid_value};
use tollgate_retry_policy::{Config, Environment, Event, Head, Outcome, Plan, Policy, RetryReason, Step, Stream};

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

impl tollgate_counting::Host for Host {
    fn shared(&mut self) -> &mut dyn SharedMemory {
        &mut self.memory
    }

    fn now(&mut self) -> Result<UnixNanos, Failure> {
        Ok(self.now)
    }

    fn random(&mut self) -> Result<u64, Failure> {
        Ok(self.draw)
    }

    /// Times and numbers of attempts.
    fn property(&mut self, _: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(Some(self.draw.to_le_bytes().into()))
    }
}

impl Environment for Host {
    fn host(&mut self) -> &mut dyn tollgate_counting::Host {
        self
    }

    fn count(&mut self, _: Event) {}

    fn count_retries(&mut self, _: RetryReason, _: u32) {}
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
    let mut stream = Stream::default();
    let decision = policy.on_request(&mut stream, &facts, input.body.is_empty(), &mut host);
    assert!(decision.edits.iter().all(|edit| edit.value().is_none_or(is_valid_value)));
    policy.on_request_body(&mut stream, (input.body.len(), true), || Some(input.body.to_vec()), &mut host);
    policy.settle(&mut stream, &mut host);
    let head = Head { status: input.status, headers: Headers(&input.response), trailers: Headers(&input.response) };
    let mut step = policy.respond(&mut stream, head, false, &mut host);
    let mut calls = 0;
    loop {
        step = match step {
            Step::After(_, wake) => policy.wake(&mut stream, wake, &mut host),
            Step::Call(call) => {
                calls += 1;
                assert!(call.timeout > 0 && calls <= 101);
                policy.after(&mut stream, Outcome::Response(head, input.body), &mut host)
            }
            _ => break,
        };
    }
    policy.end(&mut stream, &mut host);
});
