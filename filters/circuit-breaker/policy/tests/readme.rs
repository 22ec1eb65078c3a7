//! Checks the README of the filter: its example configurations load, and its tables are complete.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use tollgate_circuit_breaker_policy::{Config, Event, Plan, Reason};
use tollgate_filter_testing::page;
use tollgate_policy::{Label, ResponseDetails};

const README: &str = include_str!("../../README.md");
const SCHEMA: &str = include_str!("../../config.schema.json");

#[test]
fn every_example_is_a_configuration() {
    let examples = page::blocks(README, "json");
    assert!(examples.len() >= 3, "expected at least 3 examples in the README");
    for example in examples {
        let config: Config =
            tollgate_policy::config::parse(example).unwrap_or_else(|error| panic!("{error} in\n{example}"));
        Plan::new(config).unwrap_or_else(|error| panic!("{error} in\n{example}"));
    }
}

#[test]
fn every_top_level_field_is_in_the_table() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let table = page::section(README, "## Configuration");
    for field in schema["properties"].as_object().unwrap().keys() {
        assert!(table.contains(&format!("\n| `{field}` |")), "`{field}` is not in the table");
    }
}

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
