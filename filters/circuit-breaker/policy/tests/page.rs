//! Checks the page and the JSON Schema of the filter. To write the schema again, run
//! `UPDATE_SCHEMA=1 cargo test -p tollgate-circuit-breaker-policy --test page`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use tollgate_circuit_breaker_policy::{Config, Event, Plan, Reason};
use tollgate_filter_testing::page;
use tollgate_policy::{Label, ResponseDetails};

const README: &str = include_str!("../../README.md");
const SCHEMA: &str = include_str!("../../config.schema.json");

tollgate_filter_testing::page_tests!(Config, Plan::new, README, SCHEMA, at least 3);

#[test]
fn every_reason_and_event_is_in_its_table() {
    let statistics = page::section(README, "## Statistics");
    for reason in Reason::ALL {
        let row = format!("\n| `{}` | `{}` |", reason.name(), reason.details());
        assert_eq!(statistics.matches(&row).count(), 1, "{reason:?}");
    }
    for event in Event::ALL {
        let row = format!("\n| `circuit_breaker.breaker.<name>.{}` |", event.name());
        assert_eq!(statistics.matches(&row).count(), 1, "{event:?}");
    }
}
