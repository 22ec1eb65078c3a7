//! Checks the pages: commands exist, code is the code of the examples, links resolve.

use std::path::{Path, PathBuf};
use std::process::Command;
use tollgate_host_test::paths::workspace_root as root;

const PAGES: [&str; 11] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "cli/README.md",
    "docs/abi.md",
    "docs/from-proxy-wasm.md",
    "docs/own-repository.md",
    "docs/performance.md",
    "docs/testing.md",
];

/// The READMEs of filters.
const FILTERS: [&str; 7] = [
    "filters/circuit-breaker/README.md",
    "filters/fault/README.md",
    "filters/jwt-authn/README.md",
    "filters/rate-limit/README.md",
    "filters/rbac/README.md",
    "filters/retry/README.md",
    "filters/telemetry-headers/README.md",
];

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Returns the fenced blocks of a language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line == format!("```{language}") {
            blocks.push(
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect(),
            );
        }
    }
    blocks
}

/// Returns the make targets in backticks and in shell blocks.
fn make_targets(page: &str) -> Vec<String> {
    let shell = blocks(page, "sh").concat();
    let shown = shell.lines().chain(page.split('`').skip(1).step_by(2));
    shown
        .filter_map(|text| text.strip_prefix("make "))
        .filter_map(|rest| rest.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// Returns the targets that `make help` explains.
fn explained_targets() -> Vec<String> {
    let help = Command::new("make").arg("-C").arg(root()).arg("help").output().expect("cannot run make");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let target = |line: &str| {
        let (target, text) = line.trim().strip_prefix("make ")?.split_once(' ')?;
        (!text.trim().is_empty()).then(|| target.to_owned())
    };
    help.lines().filter_map(target).collect()
}

#[test]
fn every_documented_make_target_is_in_make_help() {
    let explained = explained_targets();
    for page in PAGES {
        for target in make_targets(&read(page)) {
            assert!(explained.contains(&target), "{page}: `make {target}` is not among {explained:?}");
        }
    }
    assert!(explained.contains(&"run".into()), "{explained:?}");
}

#[test]
fn the_workflow_runs_make_targets_on_every_supported_envoy() {
    let workflow: serde_json::Value =
        serde_saphyr::from_str(&read(".github/workflows/ci.yml")).expect("the workflow is YAML");
    let matrix = &workflow["jobs"]["make"]["strategy"]["matrix"];
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let mut targets = list(&matrix["target"]);
    targets.extend(list(&matrix["include"]).iter().map(|row| row["target"].clone()));
    let explained = explained_targets();
    for target in &targets {
        let target = target.as_str().expect("a name");
        assert!(explained.iter().any(|known| known == target), "`make {target}` is not among {explained:?}");
    }
    for needed in ["lint", "test", "conformance", "run", "wasm", "doc", "fuzz", "mutants"] {
        assert!(targets.iter().any(|target| target == needed), "the workflow does not run `make {needed}`");
    }
    let versions = list(&matrix["envoy"]);
    let minor =
        |version: &serde_json::Value| version.as_str()?.rsplit_once('.').map(|(minor, _)| minor.to_owned());
    let minors: Vec<_> = versions.iter().filter_map(minor).collect();
    assert_eq!(minors, ["1.36", "1.37", "1.38", "1.39", "1.40"]);
}

#[test]
fn every_command_in_the_readme_is_tested() {
    // The test of the tour runs `make run`, and CI runs `make test`. `packing.rs` checks the output of `make
    // wasm`. The tests of the example are part of the workspace.
    let known = ["make run", "make test", "make wasm", "cargo test --package tollgate-example-hello"];
    for command in blocks(&read("README.md"), "sh").concat().lines() {
        assert!(known.contains(&command), "no test runs `{command}`");
    }
}

#[test]
fn the_code_in_the_readme_is_that_of_the_example() {
    let shown = blocks(&read("README.md"), "rust");
    let example = ["examples/hello/src/lib.rs", "examples/hello/tests/hello.rs"].map(read);
    assert_eq!(shown, example);
    assert!(
        example.concat().lines().count() < 60,
        "the smallest filter and its test must have less than 60 lines"
    );
}

#[test]
fn the_code_in_the_migration_page_is_that_of_the_tree() {
    let page = read("docs/from-proxy-wasm.md");
    let shown: Vec<_> = page.split("```rust\n").collect();
    assert!(shown.len() > 10, "the page shows {} excerpts", shown.len() - 1);
    for pair in shown.windows(2) {
        let link = pair[0].trim_end().strip_suffix("):").and_then(|text| text.rsplit_once("](../"));
        let (_, file) = link.unwrap_or_else(|| panic!("missing link to the file of `{}`", pair[1]));
        let excerpt = pair[1].split("```").next().unwrap_or_default();
        assert!(read(file).contains(excerpt), "{file} does not contain:\n{excerpt}");
    }
}

#[test]
fn the_configuration_in_the_readme_is_that_of_the_example() {
    let without_margin = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let files = ["examples/hello/envoy.yaml", "examples/hello/wasmplugin.yaml"].map(read);
    let shown = blocks(&read("README.md"), "yaml");
    assert_eq!(shown.len(), files.len());
    for (shown, file) in shown.iter().zip(&files) {
        assert!(without_margin(file).contains(without_margin(shown).trim()), "{shown}");
    }
}

#[test]
fn the_first_example_of_the_sdk_has_at_most_30_lines() {
    let page: String = read("sdk/src/lib.rs")
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .map(|line| format!("{}\n", line.trim_start_matches("//!").strip_prefix(' ').unwrap_or_default()))
        .collect();
    let first = page.find("```").expect("missing example");
    let example = &page[first + 4..];
    let lines = example[..example.find("```").expect("example is not closed")]
        .lines()
        .filter(|line| !line.starts_with("# "));
    assert!(lines.count() <= 30);
}

#[test]
fn every_link_between_pages_resolves() {
    for page in PAGES.into_iter().chain(FILTERS) {
        let text = read(page);
        let base = root().join(page).parent().map(PathBuf::from).expect("page has no folder");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                assert!(base.join(target).exists(), "{page}: link to missing file `{target}`");
            }
        }
    }
}

#[test]
fn source_files_have_at_most_400_lines() {
    let files = Command::new("git")
        .arg("-C")
        .arg(root())
        .args(["ls-files", "*.rs"])
        .output()
        .expect("cannot run git");
    for file in String::from_utf8_lossy(&files.stdout).lines() {
        let lines = read(file).lines().count();
        assert!(lines <= 400, "{file}: {lines} lines, expected at most 400");
    }
}
