//! Tests of the text format: its schema, and scenarios that run on both hosts.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

#[path = "scenario_text/emulated.rs"]
mod emulated;
#[path = "scenario_text/expectations.rs"]
mod expectations;
#[path = "scenario_text/guests.rs"]
mod guests;
#[path = "scenario_text/routes.rs"]
mod routes;
#[path = "scenario_text/schema.rs"]
mod schema;
#[path = "scenario_text/tcp.rs"]
mod tcp;
#[path = "scenario_text/traffic.rs"]
mod traffic;

use std::path::Path;
use tollgate_host_test::scenario::text::ScenarioText;
use tollgate_host_test::{Host, Outcome};

/// Parses a scenario.
fn parse(text: &str) -> ScenarioText {
    ScenarioText::parse(text, Path::new("s.yaml")).unwrap_or_else(|why| panic!("{why}"))
}

/// Runs a scenario. Returns the outcome, and the expectations that it does not meet.
fn run(host: Host, text: &str) -> (Outcome, Vec<String>) {
    let scenario = parse(text);
    assert_eq!(scenario.unsupported(host), None);
    let outcome = match host {
        Host::Emulator => scenario.emulator().start().map(|emulator| emulator.run()),
        Host::Envoy => host.try_run(scenario.scenario()),
    };
    let failures = scenario.check(host, &outcome).iter().map(ToString::to_string).collect();
    (outcome.unwrap_or_else(|why| panic!("{why}")), failures)
}

/// Checks that a scenario meets its expectations.
#[track_caller]
fn meets(host: Host, text: &str) {
    let (outcome, failures) = run(host, text);
    assert!(failures.is_empty(), "{failures:#?}\n{outcome:#?}");
}

/// Checks that a scenario is rejected with this message.
#[track_caller]
fn wrong(text: &str, message: &str) {
    let why = ScenarioText::parse(text, Path::new("s.yaml")).expect_err(text).to_string();
    assert_eq!(why, format!("`s.yaml`: {message}"));
}
