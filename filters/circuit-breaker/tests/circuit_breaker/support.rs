//! Helpers that all scenarios of this filter use.

use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::{Answer, Filter, Request, Response, Scenario, Upstream, Wasm};

/// A proxy with the filter and this configuration.
pub fn with(config: Value) -> Scenario {
    Scenario::new().filter(filter().config(config))
}

/// A proxy with the filter and one breaker, named `a`.
pub fn of_one(breaker: Value) -> Scenario {
    with(json!({"breakers": {"a": breaker}}))
}

/// The filter without a configuration.
pub fn filter() -> Filter {
    Filter::new(Wasm::package("tollgate-circuit-breaker"))
}

/// The full name of a counter of the breaker `a`.
pub fn of_a(event: &str) -> String {
    format!("circuit_breaker.breaker.a.{event}")
}

/// An answer with a status.
pub fn status(status: u16) -> Answer {
    after(Duration::ZERO, status)
}

/// An answer with a status after some time.
pub fn after(after: Duration, status: u16) -> Answer {
    Answer::Reply { response: Response::new(status), after }
}

/// An upstream that fails some times, and then works.
pub fn fails(times: usize, failure: &Answer) -> Upstream {
    let mut answers = vec![failure.clone(); times];
    answers.push(status(200));
    Upstream::answers("up", answers)
}

/// Adds the same request several times.
pub fn times(scenario: Scenario, count: usize) -> Scenario {
    (0..count).fold(scenario, |scenario, _| scenario.request(Request::get("/")))
}

/// A breaker that opens after three failures in a row, for two seconds, with two probes.
pub fn three() -> Value {
    json!({"consecutive_failures": 3, "open": {"duration": "2s", "jitter": 0}, "half_open": {"probes": 2}})
}
