//! Checks the page and the JSON Schema of the filter. To write the schema again, run
//! `UPDATE_SCHEMA=1 cargo test -p tollgate-fault-policy --test page`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use tollgate_fault_policy::{Config, Document, Event, Plan};
use tollgate_filter_testing::page;
use tollgate_policy::Label;

const README: &str = include_str!("../../README.md");
const SCHEMA: &str = include_str!("../../config.schema.json");

tollgate_filter_testing::page_tests!(Config, Plan::new, README, SCHEMA, at least 3);

fn plan(example: &str) -> Plan {
    let config: Config =
        tollgate_policy::config::parse(example).unwrap_or_else(|error| panic!("{error} in\n{example}"));
    Plan::new(config).unwrap_or_else(|error| panic!("{error} in\n{example}"))
}

#[test]
fn the_document_is_one_of_the_control_endpoint() {
    let game_day = plan(page::blocks(README, "json")[1]);
    for document in page::blocks(README, "json5") {
        Document::parse(document.as_bytes(), &game_day).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn every_event_is_in_the_table() {
    let statistics = page::section(README, "## Statistics");
    for event in Event::ALL {
        let row = format!("\n| `fault.{}` |", event.name());
        assert_eq!(statistics.matches(&row).count(), 1, "{event:?}");
    }
}
