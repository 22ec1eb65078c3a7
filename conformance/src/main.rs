//! `make conformance`: runs the table on both hosts.

#![allow(clippy::print_stdout, reason = "a command-line program")]

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tollgate_conformance::compare::{Verdict, compare, from_json, to_json};
use tollgate_conformance::{Sheet, cases, fuzz, mutants, page, run};
use tollgate_host_test::{Host, envoy, paths};

/// Compares the emulated host with a real Envoy, case by case.
#[derive(Parser)]
struct Arguments {
    /// Run only cases whose name contains this text, and the cases before them on their sheets.
    #[arg(long)]
    only: Option<String>,
    /// Run each selected case on its own proxy, to find a case that crashes Envoy.
    #[arg(long)]
    alone: bool,
    /// Print every case with its result.
    #[arg(long)]
    list: bool,
    /// Print the results of one host for the cases that `--only` selects.
    #[arg(long, value_parser = ["emulator", "envoy"])]
    show: Option<String>,
    /// Write the page about the ABI to a file, and run nothing.
    #[arg(long)]
    page: Option<PathBuf>,
    /// Break the emulator in known ways, one at a time, and check that the table notices each.
    #[arg(long)]
    mutants: bool,
    /// Compare random cases for this many seconds, instead of the table.
    #[arg(long)]
    fuzz: Option<u64>,
    /// The number of the first sheet of random cases.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the results of Envoy to a file.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Compare with a file that `--record` wrote, and do not run Envoy.
    #[arg(long)]
    against: Option<PathBuf>,
}

fn main() -> ExitCode {
    match real_main() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("conformance: {why:#}");
            ExitCode::from(2)
        }
    }
}

fn real_main() -> Result<bool> {
    let arguments = Arguments::parse();
    if let Some(path) = &arguments.page {
        std::fs::write(path, page::page()).with_context(|| format!("`{}`", path.display()))?;
        return Ok(true);
    }
    if let Some(seconds) = arguments.fuzz {
        return Ok(fuzz::fuzz(arguments.seed, Duration::from_secs(seconds)) == 0);
    }
    let mut sheets = selected(arguments.only.as_deref());
    if arguments.alone {
        sheets = split(sheets, arguments.only.as_deref().unwrap_or_default());
    }
    if sheets.is_empty() {
        bail!("no case has a name that contains `{}`", arguments.only.unwrap_or_default());
    }
    if let Some(host) = &arguments.show {
        show(&sheets, host, arguments.only.as_deref().unwrap_or_default());
        return Ok(true);
    }
    let recorded = match &arguments.against {
        None => None,
        Some(path) => {
            let text = std::fs::read(path).with_context(|| format!("`{}`", path.display()))?;
            Some(
                from_json(&serde_json::from_slice(&text)?)
                    .context("expected a file that `--record` wrote")?,
            )
        }
    };
    let version = match &recorded {
        Some(_) => "recorded".to_owned(),
        None => envoy::version(&envoy::binary().context("no Envoy binary found")?)?,
    };
    if arguments.mutants {
        let folder = paths::target_dir().join("conformance");
        std::fs::create_dir_all(&folder)?;
        let shown = folder.join(format!("envoy-{version}.json"));
        let report = compare(&sheets, &version, recorded.as_ref());
        let unexplained = report.unexplained();
        ensure!(
            unexplained.is_empty(),
            "the unchanged emulator differs from Envoy: {}",
            unexplained.join("\n")
        );
        std::fs::write(&shown, serde_json::to_vec(&to_json(&report.recorded))?)?;
        return mutants::try_all(&shown);
    }
    let report = compare(&sheets, &version, recorded.as_ref());
    if let Some(path) = &arguments.record {
        std::fs::write(path, serde_json::to_vec_pretty(&to_json(&report.recorded))?)?;
    }
    if arguments.list {
        for (name, verdict) in &report.verdicts {
            println!("{:<7} {name}", word(verdict));
        }
    }
    let unexplained = report.unexplained();
    unexplained.iter().for_each(|why| println!("{why}"));
    println!(
        "{} cases on {} sheets: {} agree with Envoy {version} ({} of them after a retry), {} listed differences, {} failed",
        report.verdicts.len(),
        sheets.len(),
        report.count(|v| *v == Verdict::Agrees),
        report.agreed_on_retry,
        report.count(|v| *v == Verdict::Listed),
        unexplained.len(),
    );
    for (what, why, test) in cases::EMULATOR_ONLY {
        println!("emulator only: {what} ({why}): {test}");
    }
    Ok(unexplained.is_empty())
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Agrees => "agrees",
        Verdict::Listed => "listed",
        _ => "DIFFERS",
    }
}

/// Returns the sheets with the selected cases and the cases before them, whose effects they may depend on.
fn selected(only: Option<&str>) -> Vec<Sheet> {
    let mut sheets = cases::all();
    let Some(only) = only else { return sheets };
    for sheet in &mut sheets {
        let last = sheet.cases.iter().rposition(|case| case.name.contains(only));
        sheet.cases.truncate(last.map_or(0, |last| last + 1));
    }
    sheets.retain(|sheet| !sheet.cases.is_empty());
    sheets
}

/// Returns a sheet for each selected case.
fn split(sheets: Vec<Sheet>, only: &str) -> Vec<Sheet> {
    let each = |sheet: Sheet| {
        let cases = sheet.cases.clone().into_iter().filter(|case| case.name.contains(only));
        cases.map(|case| Sheet { cases: vec![case], ..sheet.clone() }).collect::<Vec<_>>()
    };
    sheets.into_iter().flat_map(each).collect()
}

fn show(sheets: &[Sheet], host: &str, only: &str) {
    let host = if host == "envoy" { Host::Envoy } else { Host::Emulator };
    for sheet in sheets {
        match run::run(sheet, host) {
            Err(why) => println!("sheet {}: {why}", sheet.name),
            Ok(shown) => {
                for case in sheet.cases.iter().filter(|case| case.name.contains(only)) {
                    let lines = shown.get(&case.name).map(|lines| lines.join("\n    "));
                    println!("{}: {}\n    {}", case.name, case.title, lines.unwrap_or_default());
                }
            }
        }
    }
}
