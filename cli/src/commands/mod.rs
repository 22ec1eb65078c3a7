//! The commands. Each reads its input and returns a report.

pub mod authz;
pub mod build;
pub mod check;
pub mod explain;
pub mod inspect;
pub mod new;
pub mod run;
pub mod stats_tags;
pub mod trace;

use crate::args::{Cli, SchemaOf};
use crate::report::{Exit, Report};
use anyhow::Result;
use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;
use tollgate_host_test::scenario::text::ScenarioText;

/// Generates the completion script for a shell.
pub fn completions(shell: Shell) -> Result<Report> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tollgate", &mut script);
    let text = String::from_utf8(script)?;
    Ok(Report { exit: Exit::Success, json: json!({ "script": text }), text })
}

/// Generates the JSON Schema of a kind of file.
pub fn schema(of: SchemaOf) -> Result<Report> {
    let schema = match of {
        SchemaOf::Scenario => ScenarioText::schema(),
        SchemaOf::AuthzTable => crate::authz::table::schema(),
    };
    let text = format!("{schema:#}\n");
    Ok(Report { exit: Exit::Success, json: json!({ "schema": schema }), text })
}
