//! `tollgate` inspects, checks, runs and traces proxy-wasm modules, without Envoy and without Rust.
//!
//! Each command returns a [`Report`], which is printed at the end as text or as JSON. Commands print nothing
//! themselves. The report includes the exit code, which scripts depend on.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a native tool: a panic affects no request"
)]

// The derived code of `#[derive(Config)]` names this crate `::tollgate`.
extern crate tollgate_policy as tollgate;

mod args;
mod authz;
mod check;
mod commands;
mod plugin;
mod progress;
mod report;

use args::{AuthzCommand, Cli, Command};
use clap::Parser;
use report::{Exit, Report};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (name, made) = match &cli.command {
        Command::Inspect(args) => ("inspect", commands::inspect::run(args)),
        Command::New(args) => ("new", commands::new::run(args)),
        Command::Build(args) => ("build", commands::build::run(args)),
        Command::Check(args) => ("check", commands::check::run(args)),
        Command::Run(args) => ("run", commands::run::run(args)),
        Command::Trace(args) => ("trace", commands::trace::run(args)),
        Command::StatsTags(args) => ("stats-tags", commands::stats_tags::run(args)),
        Command::Explain(args) => ("explain", commands::explain::run(args)),
        Command::Authz { command: AuthzCommand::Test(args) } => ("authz test", commands::authz::test(args)),
        Command::Schema { of } => ("schema", commands::schema(*of)),
        Command::Completions { shell } => ("completions", commands::completions(*shell)),
    };
    let report = made.unwrap_or_else(|why| Report::error(&format!("{why:#}")));
    let exit = report.exit;
    match report.print(name, cli.json) {
        Ok(()) => exit.into(),
        Err(why) => {
            eprintln!("tollgate: cannot write the output: {why}");
            Exit::Invalid.into()
        }
    }
}
