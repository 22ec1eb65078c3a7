//! Parts of a Markdown page.

use std::fmt::Debug;
use tollgate_types::Config;

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
