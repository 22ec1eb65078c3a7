//! Checks shipped modules against budgets.toml, and their manifests against their contents.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

use serde::Deserialize;
use std::collections::BTreeMap;
use std::env;
use std::fs;
use tollgate_host_test::Wasm;
use tollgate_pack::build::{Shipped, shipped};
use tollgate_pack::{Inspection, inspect, paths};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    max_bytes: usize,
    callbacks: Vec<String>,
    imports: Vec<String>,
}

fn budgets() -> BTreeMap<String, Budget> {
    toml::from_str(&fs::read_to_string(paths::workspace_root().join("budgets.toml")).unwrap()).unwrap()
}

fn bytes(filter: &Shipped) -> Vec<u8> {
    fs::read(Wasm::package(&filter.name).path()).unwrap()
}

/// Returns the ways in which a module exceeds its budget.
fn excesses(seen: &Inspection, budget: &Budget) -> Vec<String> {
    let mut excesses = Vec::new();
    if seen.size > budget.max_bytes {
        excesses.push(format!("{} bytes, expected at most {}", seen.size, budget.max_bytes));
    }
    let callbacks = &seen.manifest.as_ref().unwrap().callbacks;
    if *callbacks != budget.callbacks {
        excesses.push(format!("callbacks {callbacks:?}, expected {:?}", budget.callbacks));
    }
    let more: Vec<_> = seen.imports.iter().filter(|name| !budget.imports.contains(name)).collect();
    if !more.is_empty() {
        excesses.push(format!("unexpected imports {more:?}"));
    }
    excesses
}

#[test]
fn every_shipped_filter_is_within_its_budget() {
    let budgets = budgets();
    let mut report = Vec::new();
    for filter in shipped().unwrap() {
        match budgets.get(&filter.name) {
            None => report.push(format!("{}: missing budget", filter.name)),
            Some(budget) => {
                let seen = inspect(&bytes(&filter)).unwrap();
                report.extend(excesses(&seen, budget).into_iter().map(|e| format!("{}: {e}", filter.name)));
            }
        }
    }
    assert!(report.is_empty(), "over budget, see budgets.toml:\n{}", report.join("\n"));
}

#[test]
fn every_budget_is_for_a_shipped_filter() {
    let shipped: Vec<_> = shipped().unwrap().into_iter().map(|f| f.name).collect();
    assert_eq!(budgets().into_keys().collect::<Vec<_>>(), shipped);
}

#[test]
fn excesses_reports_each_kind() {
    let filter = &shipped().unwrap()[0];
    let seen = inspect(&bytes(filter)).unwrap();
    let budget =
        Budget { max_bytes: seen.size - 1, callbacks: Vec::new(), imports: seen.imports[1..].to_vec() };
    let found = excesses(&seen, &budget);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[2], format!("unexpected imports [{:?}]", seen.imports[0]));
}

#[test]
fn a_shipped_filter_exports_only_callbacks_and_the_abi() {
    for filter in shipped().unwrap() {
        let seen = inspect(&bytes(&filter)).unwrap();
        let mut expected = seen.manifest.unwrap().callbacks;
        expected
            .extend(["_initialize", "proxy_abi_version_0_2_1", "proxy_on_memory_allocate"].map(String::from));
        expected.sort();
        assert_eq!(seen.functions, expected, "{}", filter.name);
        assert_eq!(seen.other_exports, ["memory"], "{}", filter.name);
    }
}

#[test]
fn a_manifest_has_the_name_and_the_committed_schema() {
    for filter in shipped().unwrap() {
        let manifest = inspect(&bytes(&filter)).unwrap().manifest.unwrap();
        assert_eq!(manifest.name, filter.name);
        let committed = fs::read_to_string(filter.dir.join("config.schema.json")).ok();
        let committed = committed.map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap());
        assert_eq!(manifest.schema, committed, "{}", filter.name);
    }
}

#[test]
fn a_shipped_filter_does_not_contain_build_paths() {
    let mut places = vec![paths::workspace_root(), paths::target_dir()];
    places.extend(env::home_dir());
    places.extend(env::var_os("CARGO_HOME").map(Into::into));
    for filter in shipped().unwrap() {
        let bytes = bytes(&filter);
        for place in &places {
            let place = place.to_str().unwrap().as_bytes();
            let found = bytes.windows(place.len()).any(|w| w == place);
            assert!(!found, "{} contains `{}`", filter.name, place.escape_ascii());
        }
    }
}
