//! Rows of circuit-breaker: a closed breaker, and an open one.

use super::{Row, Target, calls, configured};
use serde_json::{Value, json};

/// Host calls for an admitted request and its response: the time and the record for each, the headers of the
/// response, and the counter of successes.
const CALLS: [&str; 6] = ["clock", "page", "clock", "headers", "page", "counter"];

const SUCCESS: &str = "wasmcustom.circuit_breaker.breaker.upstream.success";
const REJECTED: &str = "wasmcustom.circuit_breaker.breaker.upstream.rejected";

pub(super) fn rows() -> Vec<Row> {
    let closed = json!({"failure_rate": 50, "minimum_requests": 20});
    // The status is that of all rows, so that the same checks apply.
    let open = json!({"mode": "forced_open", "response": {"status": 200}});
    vec![
        calls::row("cb calls", "only the host calls of `cb closed`", &CALLS),
        Row::new("cb closed", "a closed breaker", move || vec![filter(&closed)])
            .target(Target::TimesRow("cb calls", 1.15))
            .counts(SUCCESS),
        Row::new("cb open", "an open breaker answers all requests", move || vec![filter(&open)])
            .counts(REJECTED),
    ]
}

fn filter(breaker: &Value) -> Value {
    configured("tollgate-circuit-breaker", json!({"breakers": {"upstream": breaker}}))
}
