//! Checks the page and the JSON Schema of the filter. To write the schema again, run
//! `UPDATE_SCHEMA=1 cargo test -p tollgate-retry-policy --test page`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use tollgate_filter_testing::page;
use tollgate_policy::Label;
use tollgate_retry_policy::{Config, Event, Plan, RetryReason};

const README: &str = include_str!("../../README.md");
const SCHEMA: &str = include_str!("../../config.schema.json");

tollgate_filter_testing::page_tests!(Config, Plan::new, README, SCHEMA, at least 4);

#[test]
fn every_event_and_reason_is_in_its_table() {
    let statistics = page::section(README, "## Statistics");
    for event in Event::ALL {
        assert_eq!(statistics.matches(&format!("\n| `retry.{}` |", event.name())).count(), 1, "{event:?}");
    }
    for reason in RetryReason::ALL {
        assert_eq!(statistics.matches(&format!("\n| `{}` |", reason.name())).count(), 1, "{reason:?}");
    }
}
