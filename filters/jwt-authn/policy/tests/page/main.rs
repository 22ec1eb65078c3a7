//! Checks the page and the JSON Schema of the filter. To write the schema again, run
//! `UPDATE_SCHEMA=1 cargo test -p tollgate-jwt-authn-policy --test page`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod tables;

use tollgate_filter_testing::{page, schema};
use tollgate_jwt_authn_policy::plan::Plan;
use tollgate_jwt_authn_policy::{Config, Reason, results};

const README: &str = include_str!("../../../README.md");

tollgate_filter_testing::page_tests!(Config, |config| Plan::new(config, |_| None), README, at least 3);

#[test]
fn every_reason_is_in_the_table_as_it_is() {
    for reason in Reason::ALL {
        let status = if reason.status() == 0 { String::new() } else { reason.status().to_string() };
        let row = format!("\n| `{}` | {status} | {} |\n", reason.name(), reason.text());
        assert_eq!(README.matches(&row).count(), 1, "{row}");
    }
    let table = page::section(README, "### Reasons");
    assert_eq!(table.matches("\n| `").count(), Reason::ALL.len(), "a reason in the table does not exist");
}

#[test]
fn every_filter_state_is_in_its_table() {
    let names =
        [results::PRINCIPAL, results::PROVIDER, results::PAYLOAD, results::PAYLOADS, results::FAILURE];
    for name in names {
        assert_eq!(README.matches(&format!("\n| `{name}` |")).count(), 1, "{name}");
    }
}

#[test]
fn omits_fields_that_are_only_rejected() {
    let schema = schema::of::<Config>().to_string();
    for name in ["payload_in_metadata", "filename", "safe_regex", "inline_bytes"] {
        assert!(!schema.contains(name), "{name}");
    }
}
