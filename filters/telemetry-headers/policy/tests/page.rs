//! Checks the page and the JSON Schema of the filter. To write the schema again, run
//! `UPDATE_SCHEMA=1 cargo test -p tollgate-telemetry-headers-policy --test page`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use tollgate_telemetry_headers_policy::Config;

const README: &str = include_str!("../../README.md");
const SCHEMA: &str = include_str!("../../config.schema.json");

tollgate_filter_testing::page_tests!(Config, Ok::<Config, ()>, README, at least 4);

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
