//! Runs the whole table on both hosts.

use std::collections::BTreeSet;
use tollgate_conformance::mutants::MUTANTS;
use tollgate_conformance::page::{AREAS, makes, page};
use tollgate_conformance::{Case, cases, compare::compare};
use tollgate_host_test::emulator::{AbiVersion, host_calls};
use tollgate_host_test::{envoy, paths};

#[test]
fn emulator_and_envoy_agree_in_every_case() {
    let sheets = cases::all();
    let version = envoy::version(&envoy::binary().unwrap()).unwrap();
    let report = compare(&sheets, &version, None);
    let unexplained = report.unexplained();
    assert!(unexplained.is_empty(), "{} cases:\n{}", unexplained.len(), unexplained.join("\n"));
}

#[test]
fn every_case_has_a_unique_name_and_a_title() {
    let mut names = BTreeSet::new();
    for case in cases::all().iter().flat_map(|sheet| &sheet.cases) {
        assert!(names.insert(case.name.clone()), "`{}` occurs twice", case.name);
        assert!(!case.title.is_empty(), "`{}` has no title", case.name);
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-/".contains(c);
        assert!(case.name.chars().all(fits), "`{}` is not a valid path", case.name);
    }
}

#[test]
fn every_host_call_has_cases_and_every_case_has_a_chapter() {
    let cases: Vec<Case> = cases::all().into_iter().flat_map(|sheet| sheet.cases).collect();
    for case in &cases {
        assert_eq!(AREAS.iter().filter(|area| area.contains(case)).count(), 1, "`{}`", case.name);
    }
    for call in host_calls(AbiVersion::V0_2_1) {
        let area = AREAS.iter().find(|area| area.calls.iter().any(|(name, _)| *name == call));
        let area = area.unwrap_or_else(|| panic!("no chapter covers `{call}`"));
        assert!(cases.iter().any(|case| area.contains(case) && makes(case, call)), "no case makes `{call}`");
    }
}

#[test]
fn every_mutant_matches_the_emulator_once() {
    assert!(MUTANTS.len() >= 10);
    for mutant in MUTANTS {
        let path = paths::workspace_root().join("host-test/src/emulator").join(mutant.file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(mutant.from).count(), 1, "{}: `{}`", mutant.file, mutant.from);
    }
}

#[test]
fn abi_page_is_up_to_date() {
    let there = std::fs::read_to_string(paths::workspace_root().join("docs/abi.md")).unwrap();
    assert!(there == page(), "run: cargo run --package tollgate-conformance -- --page docs/abi.md");
}

#[test]
fn emulator_only_entries_name_existing_tests() {
    let listed = std::process::Command::new("git")
        .arg("-C")
        .arg(paths::workspace_root())
        .args(["ls-files", "*.rs"])
        .output()
        .unwrap();
    let files = String::from_utf8(listed.stdout).unwrap();
    let read = |file: &str| std::fs::read_to_string(paths::workspace_root().join(file)).unwrap_or_default();
    let sources: String = files.lines().map(read).collect();
    for (what, _, test) in cases::EMULATOR_ONLY {
        let name = test.rsplit([' ', ':']).next().unwrap();
        assert!(sources.contains(&format!("#[test]\nfn {name}()")), "{what}: no test has the name `{name}`");
    }
}
