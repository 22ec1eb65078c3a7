//! `tollgate stats-tags`.

use crate::args::StatsTagsArgs;
use crate::plugin::read_module;
use crate::report::{Exit, Report};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::fmt::Write as _;
use tollgate_pack::inspect;

/// Prints the rules of all modules, each once, as a part of an Envoy bootstrap.
pub fn run(args: &StatsTagsArgs) -> Result<Report> {
    let mut tags = Vec::new();
    for module in &args.modules {
        let seen = inspect(&read_module(module)?).with_context(|| format!("`{}`", module.display()))?;
        for tag in seen.families.iter().flat_map(|family| family.stats_tags()) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
    }
    let mut text = String::from("stats_config:\n  stats_tags:");
    for tag in &tags {
        // The parts of an expression contain no quotes. Writing to a string does not fail.
        let _ = write!(text, "\n  - tag_name: {}\n    regex: '{}'", tag.tag_name, tag.regex);
    }
    text.push_str(if tags.is_empty() { " []\n" } else { "\n" });
    let json = json!({ "stats_config": { "stats_tags": tags } });
    Ok(Report { exit: Exit::Success, json, text })
}
