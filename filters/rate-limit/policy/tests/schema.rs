//! Checks that the committed JSON Schema is current.
//! `UPDATE_SCHEMA=1 cargo test -p tollgate-rate-limit-policy --test schema` regenerates it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;
use tollgate_filter_testing::schema;
use tollgate_rate_limit_policy::Config;

#[test]
fn the_committed_schema_is_current() {
    schema::is_current::<Config>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn every_field_is_described() {
    schema::describes_every_field(&schema::of::<Config>());
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
