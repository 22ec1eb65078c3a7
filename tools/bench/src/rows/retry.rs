//! Rows of retry in steering mode, for a request that succeeds at once, beside the retry policy of a route,
//! which costs nothing here.

use super::{Row, Target, calls, configured};
use serde_json::json;

/// Host calls for a request that the router may retry: the time, the headers, the page of the budget, three
/// headers, and a counter; for its response, the number of attempts and the page again.
const CALLS: [&str; 9] = ["clock", "headers", "page", "edit", "edit", "edit", "counter", "attempts", "page"];

pub(super) fn rows() -> Vec<Row> {
    vec![
        calls::row("retry calls", "only the host calls of `retry`", &CALLS),
        Row::new("retry", "steering mode: conditions, number of retries, budget", || {
            let config = json!({"rules": [{"retry_on": "5xx,reset,unavailable", "num_retries": 2}]});
            vec![configured("tollgate-retry", config)]
        })
        .counts("wasmcustom.retry.steered")
        .target(Target::TimesRow("retry calls", 1.15)),
    ]
}
