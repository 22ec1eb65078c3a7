//! Policies that exist in this SDK and in the stock one: a filter has at most half the lines of its
//! counterpart.

use std::fs;
use tollgate_host_test::paths::workspace_root;

/// Folders in `examples/` and in `examples/stock/`. The tests of each folder in `examples/` run both.
const POLICIES: [&str; 6] = ["hello", "edit-headers", "authorize", "json-body", "rewrite", "canary"];

/// Returns the number of lines, without blank lines and comments.
fn lines_of_code(source: &str) -> usize {
    source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

fn read(path: &str) -> String {
    fs::read_to_string(workspace_root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

#[test]
fn a_filter_has_at_most_half_the_lines_of_the_stock_one() {
    for policy in POLICIES {
        let ours = lines_of_code(&read(&format!("examples/{policy}/src/lib.rs")));
        let stock = lines_of_code(&read(&format!("examples/stock/{policy}/src/lib.rs")));
        assert!(2 * ours <= stock, "{policy}: {ours} lines, and {stock} with the stock SDK");
    }
}

#[test]
fn the_migration_page_has_these_numbers_of_lines() {
    let page = read("docs/from-proxy-wasm.md");
    for policy in POLICIES {
        let [stock, ours] = ["examples/stock", "examples"]
            .map(|folder| lines_of_code(&read(&format!("{folder}/{policy}/src/lib.rs"))));
        let row = format!("| [{policy}](../examples/{policy}/src/lib.rs) | {stock} | {ours} |");
        assert!(page.contains(&row), "docs/from-proxy-wasm.md: expected `{row}`");
    }
}

#[test]
fn each_policy_is_tested_in_both_forms() {
    for policy in POLICIES {
        let tests = workspace_root().join(format!("examples/{policy}/tests"));
        let tests = fs::read_dir(&tests).unwrap_or_else(|why| panic!("{}: {why}", tests.display()));
        let sources: Vec<_> =
            tests.map(|file| fs::read_to_string(file.expect("a file").path()).expect("text")).collect();
        let both = ["tollgate", "stock"].map(|kind| format!("\"{kind}-example-{policy}\""));
        let tested = sources.iter().any(|source| both.iter().all(|module| source.contains(module)));
        assert!(tested, "{policy}: no test runs {both:?}");
    }
}

#[test]
fn blank_lines_and_comments_do_not_count() {
    assert_eq!(lines_of_code("//! Text.\n\n/// Text.\nstruct A; // Text.\n    // Text.\n"), 1);
}
