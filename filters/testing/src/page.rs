//! Parts of a Markdown page.

use serde_json::Value;
use std::fmt::Debug;
use tollgate_types::Config;

/// Defines the tests of a filter's page and schema: the committed schema is that of the type and describes
/// every field, and the page has at least this number of examples, each of which makes a plan. If the text of
/// the schema is given, the page also lists each top-level field.
#[macro_export]
macro_rules! page_tests {
    ($config:ty, $plan:expr, $page:expr, $schema:expr, at least $count:literal) => {
        $crate::page_tests!($config, $plan, $page, at least $count);

        #[test]
        fn every_top_level_field_is_in_the_table() {
            $crate::page::lists_top_level_fields($page, $schema);
        }
    };
    ($config:ty, $plan:expr, $page:expr, at least $count:literal) => {
        #[test]
        fn the_committed_schema_is_current() {
            $crate::schema::is_current::<$config>(env!("CARGO_MANIFEST_DIR"));
        }

        #[test]
        fn every_field_is_described() {
            $crate::schema::describes_every_field(&$crate::schema::of::<$config>());
        }

        #[test]
        fn every_example_is_a_configuration() {
            $crate::page::examples_load($page, $count, $plan);
        }
    };
}

/// Returns the contents of all fenced blocks of a language.
pub fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let open = format!("```{language}\n");
    page.split(open.as_str()).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

/// Returns the text under a heading, up to the next heading of any level. `heading` includes its `#`
/// characters.
#[track_caller]
pub fn section<'p>(page: &'p str, heading: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no `{heading}`"));
    rest.split("\n#").next().unwrap_or_default()
}

/// Reads the JSON examples of a page as configurations, and checks that each makes a plan. The page has at
/// least `count` of them.
#[track_caller]
pub fn examples_load<C: Config, P, E: Debug>(page: &str, count: usize, plan: impl Fn(C) -> Result<P, E>) {
    let examples = blocks(page, "json");
    assert!(examples.len() >= count, "expected at least {count} examples, found {}", examples.len());
    for example in examples {
        let config = tollgate_types::config::parse(example);
        let config = config.unwrap_or_else(|error| panic!("{error} in\n{example}"));
        if let Err(error) = plan(config) {
            panic!("{error:?} in\n{example}");
        }
    }
}

/// Asserts that the table under `## Configuration` has a row for each top-level field of a schema, or rows
/// for the fields of that section.
#[track_caller]
pub fn lists_top_level_fields(page: &str, schema: &str) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let table = section(page, "## Configuration");
    for field in schema["properties"].as_object().unwrap().keys() {
        let rows = [format!("\n| `{field}` |"), format!("\n| `{field}.")];
        assert!(rows.iter().any(|row| table.contains(row.as_str())), "`{field}` is not in the table");
    }
}
