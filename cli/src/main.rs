//! `tollgate`: proxy-wasm modules inspected, checked, run and traced, without Envoy and without Rust.
//!
//! Each command makes a [`Report`], which is printed as text or as JSON at the end; nothing prints on the way. The exit
//! code is part of the report, because scripts read it more often than people do.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a native tool: nobody's requests depend on it"
)]

mod args;
mod check;
mod commands;
mod plugin;
mod report;

use args::{Cli, Command};
use clap::Parser;
use report::{Exit, Report};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (name, made) = match &cli.command {
        Command::Inspect(args) => ("inspect", commands::inspect::run(args)),
        Command::Check(args) => ("check", commands::check::run(args)),
        Command::Run(args) => ("run", commands::run::run(args)),
        Command::Trace(args) => ("trace", commands::trace::run(args)),
        Command::Schema => ("schema", commands::schema()),
        Command::Completions { shell } => ("completions", commands::completions(*shell)),
    };
    let report = made.unwrap_or_else(|why| Report::error(&format!("{why:#}")));
    let exit = report.exit;
    match report.print(name, cli.json) {
        Ok(()) => exit.into(),
        Err(why) => {
            eprintln!("tollgate: the output cannot be written: {why}");
            Exit::Unusable.into()
        }
    }
}
