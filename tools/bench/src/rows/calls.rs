//! The cost of host calls within requests: the minimum for a filter that makes them.
//!
//! In a loop, a call takes a tenth of a microsecond, or half a microsecond if it returns bytes. Within
//! requests it takes longer: the work of the proxy between two calls evicts the code and data of a call from
//! the CPU caches.

use super::{CALLBACKS, Row, configured};
use serde_json::json;

pub(super) fn rows() -> Vec<Row> {
    [
        ("calls none", CALLBACKS, &[][..]),
        ("calls clock", "reads the time", &["clock"]),
        ("calls counter", "increments a counter", &["counter"]),
        ("calls headers", "reads all headers", &["headers"]),
        ("calls address", "reads the client address", &["address"]),
        ("calls page", "updates a shared page; reads the time", &["clock", "page"]),
    ]
    .into_iter()
    .map(|(name, description, calls)| row(name, description, calls))
    .collect()
}

pub(super) fn row(name: &'static str, description: &'static str, calls: &'static [&'static str]) -> Row {
    Row::new(name, description, move || vec![configured("fixture-calls", json!({"calls": calls}))])
}
