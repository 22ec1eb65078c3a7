//! Checks the filter's README: its configurations load, and its tables are complete.

use tollgate_filter_testing::page;
use tollgate_telemetry_headers_policy::Config;

const README: &str = include_str!("../../README.md");
const SCHEMA: &str = include_str!("../../config.schema.json");

#[test]
fn every_example_is_a_valid_configuration() {
    let examples = page::blocks(README, "json");
    assert!(examples.len() >= 4, "the examples were not found");
    for example in examples {
        if let Err(error) = tollgate_policy::config::parse::<Config>(example) {
            panic!("{error} in\n{example}");
        }
    }
}

/// Expects a row `section.field` for every field of a section, and a row for every section.
#[test]
fn every_field_is_in_the_configuration_table() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut fields = names(&schema["properties"]);
    for (section, definition) in
        [("request_id", "RequestId"), ("trace_context", "TraceContext"), ("server_timing", "ServerTiming")]
    {
        fields.extend(
            names(&schema["$defs"][definition]["properties"])
                .iter()
                .map(|field| format!("{section}.{field}")),
        );
    }
    for field in fields {
        assert_eq!(README.matches(&format!("\n| `{field}` |")).count(), 1, "`{field}`");
    }
}
