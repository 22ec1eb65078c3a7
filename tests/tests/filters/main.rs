//! Tests that every filter must pass. A filter needs one line in [`filters!`], and a scenario that uses as
//! many of its features as possible: `filters/<name>/everything.yaml`.

mod configurations;
mod failures;
mod hostile;
mod page;

use serde_json::Value;
use std::collections::BTreeSet;
use tollgate_host_test::paths::workspace_root as root;
use tollgate_host_test::scenario::text::ScenarioText;
use tollgate_host_test::{Configuration, Scenario};

/// Adds the tests of a filter, by the name of its folder.
macro_rules! filters {
    ($($name:ident)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn its_page_lists_its_statistics() {
                page::lists_the_statistics(&Subject::new(stringify!($name)));
            }

            #[test]
            fn its_page_lists_its_fields() {
                page::lists_the_fields(&Subject::new(stringify!($name)));
            }

            #[test]
            fn no_answer_to_a_host_call_traps_it() {
                failures::no_answer_traps(&Subject::new(stringify!($name)));
            }

            #[test]
            fn no_bytes_of_a_client_trap_it() {
                hostile::no_bytes_trap(&Subject::new(stringify!($name)));
            }

            #[test]
            fn it_names_what_is_wrong_with_a_configuration() {
                configurations::names_what_is_wrong(&Subject::new(stringify!($name)));
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
    circuit_breaker
    fault
    jwt_authn
    rate_limit
    rbac
    retry
    telemetry_headers
}

/// A filter and its files.
struct Subject {
    page: String,
    schema: Value,
    everything: ScenarioText,
}

impl Subject {
    fn new(name: &str) -> Self {
        let folder = root().join("filters").join(name.replace('_', "-"));
        let read = |file: &str| {
            let path = folder.join(file);
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let everything = ScenarioText::read(&folder.join("everything.yaml"));
        Self {
            page: read("README.md"),
            schema: serde_json::from_str(&read("config.schema.json")).expect("the schema is invalid"),
            everything: everything.unwrap_or_else(|error| panic!("{error}")),
        }
    }

    /// Returns the scenario that uses the features. It must set each field at the top of the configuration.
    fn everything(&self) -> &Scenario {
        let scenario = self.everything.scenario();
        let config = config(scenario);
        for field in self.schema["properties"].as_object().expect("the schema has no fields").keys() {
            assert!(config.get(field).is_some(), "everything.yaml does not set `{field}`");
        }
        scenario
    }
}

/// Returns the configuration of the only filter of a scenario.
fn config(scenario: &Scenario) -> Value {
    let [filter] = scenario.filters.as_slice() else { panic!("{} filters", scenario.filters.len()) };
    match &filter.configuration {
        Configuration::Text(text) => serde_json::from_slice(text).expect("the configuration is not JSON"),
        other => panic!("expected JSON, found {other:?}"),
    }
}
