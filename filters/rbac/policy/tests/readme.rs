//! Checks the README of the filter: its example configurations load, and its tables are complete.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use tollgate_filter_testing::page;
use tollgate_policy::Label;
use tollgate_rbac_policy::{Event, Plan, ReasonKind};

const README: &str = include_str!("../../README.md");
const SCHEMA: &str = include_str!("../../config.schema.json");

#[test]
fn every_example_is_a_configuration() {
    page::examples_load(README, 4, Plan::new);
}

#[test]
fn every_top_level_field_is_in_the_table() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let table = page::section(README, "## Configuration");
    for field in schema["properties"].as_object().unwrap().keys() {
        let rows = [format!("\n| `{field}` |"), format!("\n| `{field}.")];
        assert!(rows.iter().any(|row| table.contains(row.as_str())), "`{field}` is not in the table");
    }
}

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
