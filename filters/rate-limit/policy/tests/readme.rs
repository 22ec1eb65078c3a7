//! Checks the README of the filter: its example configurations load, and its tables are complete.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;
use tollgate_filter_testing::page;
use tollgate_policy::ResponseDetails;
use tollgate_rate_limit_policy::{Config, Plan, Reason};

const README: &str = include_str!("../../README.md");
const SCHEMA: &str = include_str!("../../config.schema.json");

fn plan(example: &str) -> Plan {
    let config: Config =
        tollgate_policy::config::parse(example).unwrap_or_else(|error| panic!("{error} in\n{example}"));
    Plan::new(config).unwrap_or_else(|problem| panic!("{problem:?} in\n{example}"))
}

#[test]
fn every_example_is_a_configuration() {
    let examples = page::blocks(README, "json");
    assert!(examples.len() >= 6, "expected at least 6 examples in the README");
    for example in examples {
        assert!(!plan(example).limits.is_empty(), "{example}");
    }
}

#[test]
fn every_field_is_in_the_table_of_its_section() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let fields = |name: &str| {
        let of = if name == "Config" { &schema } else { &schema["$defs"][name] };
        of["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    for (heading, prefix, name) in [
        ("#### Top-level fields", "", "Config"),
        ("#### Rule fields", "", "Rule"),
        ("#### Limit fields", "", "Limit"),
        ("#### Limit fields", "service.", "LimitService"),
        ("#### Rate fields", "token_bucket.", "TokenBucket"),
        ("#### Rate fields", "gcra.", "Gcra"),
        ("#### Rate fields", "fixed_window.", "FixedWindow"),
        ("#### Rate fields", "sliding_window.", "SlidingWindow"),
        ("#### Cost fields", "on_response.", "OnResponse"),
        ("#### Service fields", "", "RateLimitService"),
        ("#### Service fields", "cache.", "Cache"),
        ("#### Response fields", "", "Response"),
        ("#### Matchers", "", "RequestMatch"),
        ("#### Path normalization", "", "PathNormalization"),
    ] {
        let table = page::section(README, heading);
        for field in fields(name) {
            let is_there = table.contains(&format!("\n| `{prefix}{field}` |"));
            // Sections whose fields have rows of their own.
            let is_divided = table.contains(&format!("\n| `{prefix}{field}."));
            assert!(is_there || is_divided, "`{prefix}{field}` is not under `{heading}`");
        }
    }
    let costs = schema["$defs"]["Cost"]["oneOf"].as_array().unwrap();
    for cost in costs {
        let name = cost["required"][0].as_str().unwrap();
        assert!(
            page::section(README, "#### Cost fields").contains(&format!("\n| `cost.{name}` |")),
            "{name}"
        );
    }
}

#[test]
fn every_action_is_in_the_table_of_keys() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let actions = schema["$defs"]["Action"]["oneOf"].as_array().unwrap();
    let table = page::section(README, "### Keys");
    for action in actions {
        let name = action["required"][0].as_str().unwrap();
        let rows = [format!("\n| `{name}` |"), format!("\n| `{name}: {{}}` |")];
        assert_eq!(rows.iter().map(|row| table.matches(row.as_str()).count()).sum::<usize>(), 1, "{name}");
    }
    assert_eq!(table.matches("\n| `").count(), actions.len(), "an action in the table does not exist");
}

#[test]
fn every_reason_is_in_its_table() {
    let (_, table) = page::section(README, "## Statistics").split_once("\n| Reason |").unwrap();
    for reason in Reason::ALL {
        let row = format!("\n| `{}` |", reason.details());
        assert_eq!(table.matches(&row).count(), 1, "{row}");
    }
    assert_eq!(table.matches("\n| `").count(), Reason::ALL.len(), "a row names an unknown reason");
}
