//! Checks that every filter must pass.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::paths::workspace_root as root;
use tollgate_host_test::{Filter, Scenario, Wasm};

/// Adds the checks for a filter, by its package and a configuration that defines all its statistics.
macro_rules! filters {
    ($($name:ident: $package:literal, $config:tt;)*) => {$(
        mod $name {
            #[test]
            fn its_page_lists_its_statistics() {
                super::lists_the_statistics($package, super::json!($config));
            }
        }
    )*
    #[test]
    fn every_filter_is_checked() {
        let filters = std::fs::read_dir(root().join("filters")).expect("cannot read `filters`");
        let filters = filters.map(|entry| entry.expect("cannot read `filters`").path());
        let with_a_page = filters.filter(|path| path.join("README.md").exists());
        let names = with_a_page.map(|path| path.file_name().unwrap().to_string_lossy().replace('-', "_"));
        assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from([$(stringify!($name).to_owned()),*]));
    }};
}

filters! {
    jwt_authn: "tollgate-jwt-authn", {"providers": {}};
    rate_limit: "tollgate-rate-limit", {"limits": {"one": {"rates": [{"token_bucket": {"max_tokens": 1, "fill_interval": "1s"}}]}}};
    telemetry_headers: "tollgate-telemetry-headers", {};
}

/// Expects one row of the page's statistics for each metric of the module, and no others. `<name>` in a row
/// stands for one part of a name.
#[track_caller]
fn lists_the_statistics(package: &str, config: Value) {
    let folder = root().join("filters").join(package.trim_start_matches("tollgate-"));
    let page = std::fs::read_to_string(folder.join("README.md")).expect("cannot read the page");
    let (_, section) = page.split_once("\n## Statistics\n").expect("no section `## Statistics`");
    let section = section.split("\n#").next().unwrap_or_default();
    // The first table; others explain the labels.
    let table = section.split("\n| Name | Meaning |\n").nth(1).expect("no table of names");
    let rows: Vec<_> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();

    let scenario = Scenario::new().filter(Filter::new(Wasm::package(package)).config(config));
    let names = Emulator::new(&scenario).expect("the configuration was rejected").metrics();
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

/// Expects the same rows for the fields that these filters share, with the texts of the schema, and the same
/// description of failures.
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
        described.entry((rows, failures)).or_default().push(folder);
    }
    assert_eq!(described.len(), 1, "{described:#?}");
    assert!(described.values().flatten().count() > 1, "{described:?}");
}

fn describes(row: &str, name: &str) -> bool {
    let (row, name) = (row.split('.').collect::<Vec<_>>(), name.split('.').collect::<Vec<_>>());
    row.len() == name.len() && row.iter().zip(name).all(|(part, is)| part.starts_with('<') || *part == is)
}
