//! Helpers that all scenarios of this filter use.

use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::{Answer, Filter, Outcome, Response, Scenario, Wasm};

/// A proxy with the filter and this configuration.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(filter().config(config))
}

/// A proxy with one rule, and a budget that is never spent.
pub fn with_rule(rule: Value) -> Scenario {
    with(config(rule))
}

/// Returns a configuration with one rule, and with a budget that is never spent.
pub fn config(rule: Value) -> Value {
    json!({"rules": [rule], "retry_budget": {"min_retries_per_second": 1_000_000}, "attempts_header": "x-attempts"})
}

/// The filter without a configuration.
pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-retry"))
}

/// An answer with a status, whose body is the status.
pub fn status(code: u16) -> Answer {
    reply(Response::new(code).chunk(code.to_string()))
}

/// An answer at once.
pub fn reply(response: Response) -> Answer {
    Answer::Reply { response, after: Duration::ZERO }
}

/// An answer after some milliseconds.
pub fn slow(code: u16, milliseconds: u64) -> Answer {
    Answer::Reply {
        response: Response::new(code).chunk(code.to_string()),
        after: Duration::from_millis(milliseconds),
    }
}

/// An answer of a gRPC call with one message and a status.
pub fn grpc(message: &str, status: u32) -> Answer {
    Answer::Grpc {
        initial_metadata: Default::default(),
        messages: if message.is_empty() { Vec::new() } else { vec![message.into()] },
        status,
        message: Vec::new(),
        after: Duration::ZERO,
    }
}

/// How many requests reached the upstream of the route: by the router, and by callouts.
pub fn attempts(outcome: &Outcome) -> usize {
    let callouts = outcome.callouts.get("upstream").map_or(0, Vec::len);
    outcome.exchanges.iter().map(|exchange| exchange.upstream.len()).sum::<usize>() + callouts
}
