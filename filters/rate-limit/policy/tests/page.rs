//! Checks the page and the JSON Schema of the filter. To write the schema again, run
//! `UPDATE_SCHEMA=1 cargo test -p tollgate-rate-limit-policy --test page`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;
use tollgate_filter_testing::{page, schema};
use tollgate_policy::{ConfigError, ResponseDetails};
use tollgate_rate_limit_policy::{Config, Plan, Reason};

const README: &str = include_str!("../../README.md");
const SCHEMA: &str = include_str!("../../config.schema.json");

tollgate_filter_testing::page_tests!(Config, plan, README, at least 6);

fn plan(config: Config) -> Result<(), ConfigError> {
    assert!(!Plan::new(config)?.limits.is_empty());
    Ok(())
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

/// Returns the text after `Default: ` in a description.
fn described_default(description: &str) -> Option<&str> {
    let (_, after) = description.split_once("Default: ")?;
    Some(after.split(['.', ';', ' ']).next().unwrap().trim_matches('`'))
}

#[test]
fn describes_every_default() {
    let mut seen = 0;
    let schema = schema::of::<Config>();
    for (name, definition) in schema::structs(&schema) {
        for (field, property) in schema::fields(definition) {
            let default = match &property["default"] {
                Value::Bool(default) => default.to_string(),
                Value::Number(default) => default.to_string(),
                Value::String(default) if !default.is_empty() => default.clone(),
                // `None`, an empty list, or a default that the plan sets.
                _ => continue,
            };
            let description = property["description"].as_str().unwrap();
            assert_eq!(
                described_default(description),
                Some(default.as_str()),
                "{name}.{field}: {description}"
            );
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen}");
}

#[test]
fn omits_fields_that_are_always_rejected() {
    let schema = schema::of::<Config>().to_string();
    for name in
        ["max_dynamic_descriptors", "google_grpc", "transport_api_version", "append_action", "safe_regex"]
    {
        assert!(!schema.contains(name), "{name}");
    }
}

#[test]
fn every_action_is_read() {
    let actions = schema::of::<Config>()["$defs"]["Action"]["oneOf"].as_array().unwrap().clone();
    assert_eq!(actions.len(), 20);
    for action in actions {
        let name = action["required"][0].as_str().unwrap();
        let value = serde_json::json!({name: {"no such field": 1}});
        let error =
            tollgate_policy::config::read::<tollgate_rate_limit_policy::config::Action>(&value).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{name}.no such field: unknown field")), "{error}");
    }
}
