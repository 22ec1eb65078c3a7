//! Pages describe their filters completely.

use crate::{Subject, config, root};
use serde_json::Value;
use std::collections::BTreeMap;
use tollgate_filter_testing::page::section;
use tollgate_filter_testing::schema;
use tollgate_host_test::emulator::Emulator;

/// Expects one row of the page's statistics for each metric of the module, and no others. `<name>` in a row
/// stands for one part of a name.
pub(crate) fn lists_the_statistics(subject: &Subject) {
    let section = section(&subject.page, "## Statistics");
    // The first table; others explain the labels.
    let table = section.split("\n| Name | Meaning |\n").nth(1).expect("no table of names");
    let rows: Vec<_> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();

    let scenario = subject.everything();
    let metrics = Emulator::new(scenario).expect("the configuration was rejected").metrics();
    let prefix = config(scenario)["stat_prefix"].as_str().map(|prefix| format!(".{prefix}."));
    let without_prefix = |name: String| match &prefix {
        Some(prefix) => name.replacen(prefix, ".", 1),
        None => name,
    };
    let names: BTreeMap<_, _> =
        metrics.into_iter().map(|(name, value)| (without_prefix(name), value)).collect();
    assert!(rows.len() > 5 && names.len() >= rows.len(), "{rows:?} {names:?}");
    for name in names.keys() {
        // Prometheus receives a family under its name, with labels.
        let family = names
            .keys()
            .find(|other| other.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.')));
        assert_eq!(family, None, "`{name}` has the name of a family");
        let describing = rows.iter().filter(|row| describes(row, name)).collect::<Vec<_>>();
        assert_eq!(describing.len(), 1, "rows for `{name}`: {describing:?}");
    }
    for row in rows {
        assert!(names.keys().any(|name| describes(row, name)), "no statistic has the name `{row}`");
    }
}

/// Expects each field of the configuration on the page, in backticks: alone, or after the name of its
/// section.
pub(crate) fn lists_the_fields(subject: &Subject) {
    // The matchers of strings are those of every filter.
    let shared = ["StringMatcher", "PathMatcher", "HeaderMatcher", "QueryMatcher"];
    let mut seen = 0;
    for (name, definition) in
        schema::structs(&subject.schema).into_iter().filter(|(name, _)| !shared.contains(name))
    {
        for (field, _) in schema::fields(definition) {
            let written = [
                format!("`{field}`"),
                format!("`{field}."),
                format!("`{field}: "),
                format!(".{field}`"),
                format!("\"{field}\""),
            ];
            let is_listed = written.iter().any(|written| subject.page.contains(written));
            assert!(is_listed, "`{field}` of {name} is not on the page");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

/// Expects the same rows for the fields that these filters share, with the texts of the schema, and the same
/// description of failures, for filters with the same default of `on_error`.
#[test]
fn describes_enforcement_in_the_same_words_on_each_page() {
    let mut described = BTreeMap::<_, Vec<_>>::new();
    for entry in std::fs::read_dir(root().join("filters")).expect("cannot read `filters`") {
        let folder = entry.expect("cannot read `filters`").path();
        let Ok(schema) = std::fs::read(folder.join("config.schema.json")) else { continue };
        let schema: Value = serde_json::from_slice(&schema).expect("the schema is invalid");
        if schema["properties"]["on_error"].is_null() {
            continue;
        }
        let page = std::fs::read_to_string(folder.join("README.md")).expect("cannot read the page");
        let rows = ["shadow", "on_error", "status_on_error", "stat_prefix"].map(|field| {
            let text = schema["properties"][field]["description"].as_str().expect("no such field");
            let text = text.split(" Default: ").next().unwrap_or_default();
            let row =
                page.lines().find(|row| row.starts_with(&format!("| `{field}` |")) && row.contains(text));
            row.unwrap_or_else(|| panic!("{}: no row with `{field}` and `{text}`", folder.display()))
                .to_owned()
        });
        let failures =
            page.split("\n## Failure mode\n\n").nth(1).and_then(|section| section.split("\n\n").next());
        let failures = failures.expect("no section `## Failure mode`").to_owned();
        let on_error = schema["properties"]["on_error"]["default"].to_string();
        let same = described.entry(on_error).or_default();
        if !same.is_empty() {
            let (_, first_rows, first_failures) = &same[0];
            assert_eq!((&rows, &failures), (first_rows, first_failures), "{}", folder.display());
        }
        same.push((folder, rows, failures));
    }
    assert!(described.values().flatten().count() > 1, "{described:?}");
}

fn describes(row: &str, name: &str) -> bool {
    let (row, name) = (row.split('.').collect::<Vec<_>>(), name.split('.').collect::<Vec<_>>());
    row.len() == name.len() && row.iter().zip(name).all(|(part, is)| part.starts_with('<') || *part == is)
}
