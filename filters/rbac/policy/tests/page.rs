//! Checks the page and the JSON Schema of the filter. To write the schema again, run
//! `UPDATE_SCHEMA=1 cargo test -p tollgate-rbac-policy --test page`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use tollgate_filter_testing::page;
use tollgate_policy::Label;
use tollgate_rbac_policy::{Config, Event, Plan, ReasonKind};

const README: &str = include_str!("../../README.md");
const SCHEMA: &str = include_str!("../../config.schema.json");

tollgate_filter_testing::page_tests!(Config, Plan::new, README, SCHEMA, at least 4);

#[test]
fn every_reason_and_event_is_in_its_table() {
    let statistics = page::section(README, "## Statistics");
    for reason in ReasonKind::ALL {
        assert_eq!(statistics.matches(&format!("\n| `{}` |", reason.name())).count(), 1, "{reason:?}");
    }
    let (_, events) = statistics.split_once("\n| Event |").unwrap();
    for event in Event::ALL {
        assert!(events.contains(&format!("`{}`", event.name())), "{event:?}");
    }
}
