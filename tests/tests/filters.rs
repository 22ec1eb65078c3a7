//! Checks that every filter must pass.

use serde_json::{Value, json};
use std::collections::BTreeSet;
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
        let describing = rows.iter().filter(|row| describes(row, name)).collect::<Vec<_>>();
        assert_eq!(describing.len(), 1, "rows for `{name}`: {describing:?}");
    }
    for row in rows {
        assert!(names.keys().any(|name| describes(row, name)), "no statistic has the name `{row}`");
    }
}

fn describes(row: &str, name: &str) -> bool {
    let (row, name) = (row.split('.').collect::<Vec<_>>(), name.split('.').collect::<Vec<_>>());
    row.len() == name.len() && row.iter().zip(name).all(|(part, is)| part.starts_with('<') || *part == is)
}
