//! Host calls, where requests pay for them: what a filter can cost at the least that makes them.
//!
//! In a loop a call costs a tenth of a microsecond, or half of one if it returns bytes; between two of a request the proxy has
//! done so much else that every call finds the caches without it.

use super::{Row, configured};
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    [
        ("calls none", "does nothing, in both header callbacks; ours", &[][..]),
        ("calls clock", "asks for the time", &["clock"]),
        ("calls counter", "adds to a counter", &["counter"]),
        ("calls headers", "reads all headers", &["headers"]),
        ("calls address", "reads the client's address", &["address"]),
        ("calls page", "changes a page that workers share; asks for the time", &["clock", "page"]),
    ]
    .into_iter()
    .map(|(name, what, calls)| row(name, what, calls))
    .collect()
}

pub(super) fn row(name: &'static str, what: &'static str, calls: &'static [&'static str]) -> Row {
    Row::new(name, what, move || vec![configured("fixture-calls", json!({"calls": calls}))])
}
