//! Checks the filter's README: its configurations load, and its tables are complete.

use tollgate_filter_testing::page;
use tollgate_jwt_authn_policy::plan::Plan;
use tollgate_jwt_authn_policy::{Reason, results};

const README: &str = include_str!("../../README.md");

#[test]
fn every_example_is_a_configuration() {
    page::examples_load(README, 3, |config| Plan::new(config, |_| None));
}

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
