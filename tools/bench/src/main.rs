//! Measures the overhead of filters in a real Envoy, as ratios.
//!
//! Absolute times depend on the machine more than on the filter. So each configuration has its own Envoy with
//! one worker, and every round loads all of them in a new order. The result is the overhead of a
//! configuration: the CPU time that it adds to a request, relative to that of an empty filter of the stock
//! SDK. `docs/performance.md` describes the method and the results.

#![allow(missing_docs, reason = "a binary has no public API, and clap prints the doc comments of its fields")]
#![allow(clippy::disallowed_methods, reason = "a native tool that measures real time")]

mod account;
mod load;
mod order;
#[cfg(test)]
mod page;
mod proxy;
mod report;
mod requests;
mod rows;
mod soak;
mod stats;

use anyhow::{Context, Result, bail};
use clap::Parser;
use load::Client;
use proxy::{Proxy, Sample};
use requests::Sets;
use rows::Row;
use std::path::PathBuf;
use std::process::ExitCode;
use tollgate_host_test::envoy::Options;

/// Measures the overhead of filters in a real Envoy, as ratios.
#[derive(Parser)]
#[command(name = "tollgate-bench")]
struct Cli {
    /// Number of rounds. Each round loads every row once.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Number of requests to each row in a round (default: 1,000), or in a soak after the warm-up (default:
    /// 200,000).
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// Number of connections, each with one request at a time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Names of the rows to measure, separated by commas; `jwt*` means all rows with that prefix. Default:
    /// all rows.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Route requests to a second Envoy, in place of a direct response.
    #[arg(long)]
    upstream: bool,
    /// Also write all samples to this file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fail if a row misses its target.
    #[arg(long)]
    check: bool,
    /// Measure memory and check the log under load, on two workers, instead of the overhead.
    #[arg(long, conflicts_with_all = ["check", "json", "rounds"])]
    soak: bool,
}

/// A few hundredths of a second of load.
const REQUESTS: u64 = 1_000;
const SOAK_REQUESTS: u64 = 200_000;
/// Number of rounds between progress messages.
const PROGRESS: u32 = 25;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Not as `Debug`, which would add a backtrace.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let process = if cli.upstream { Some(proxy::upstream()?) } else { None };
    let upstream = process.as_ref().map(|u| u.listener(tollgate_host_test::envoy::bootstrap::INGRESS));
    if cli.soak {
        let only = if cli.only.is_empty() { vec![rows::SOAKED.to_owned()] } else { cli.only.clone() };
        for row in chosen(&only)? {
            soak::run(&row, upstream, cli.requests.unwrap_or(SOAK_REQUESTS), cli.connections)?;
        }
        return Ok(());
    }
    let rows = chosen(&cli.only)?;
    let sets = Sets::default();
    let start = |row| Proxy::start(row, &sets, upstream, &Options::default());
    let proxies: Vec<Proxy> = rows.iter().map(start).collect::<Result<_>>()?;
    let samples = measure(cli, &rows, &proxies)?;
    let lines = report::lines(&rows, &samples);
    println!("{}", report::table(&lines));
    print!("{}", report::comparisons(&lines));
    if let Some(path) = &cli.json {
        let text = serde_json::to_string_pretty(&report::json(&lines, &samples))?;
        std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    match report::missed(&lines) {
        missed if cli.check && !missed.is_empty() => bail!("missed targets:\n{}", missed.join("\n")),
        _ => Ok(()),
    }
}

/// Returns the rows with these names, or all rows without names.
fn chosen(names: &[String]) -> Result<Vec<Row>> {
    let all = rows::all();
    let is_named = |row: &Row, name: &String| match name.strip_suffix('*') {
        Some(start) => row.name.starts_with(start),
        None => row.name == name,
    };
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|row| is_named(row, name))) {
        let known: Vec<_> = all.iter().map(|row| row.name).collect();
        bail!("--only: unknown row `{unknown}`, expected one of `{}`", known.join("`, `"));
    }
    let wanted = |row: &Row| names.is_empty() || names.iter().any(|name| is_named(row, name));
    Ok(all.into_iter().filter(wanted).collect())
}

/// Returns a list of samples for each row, with one sample per round.
fn measure(cli: &Cli, rows: &[Row], proxies: &[Proxy]) -> Result<Vec<Vec<Sample>>> {
    let connect = |proxy: &Proxy| proxy.connect(cli.connections);
    let mut clients: Vec<Client> = proxies.iter().map(connect).collect::<Result<_>>()?;
    for (proxy, client) in proxies.iter().zip(&mut clients) {
        proxy.warm_up(client)?;
    }
    let requests = cli.requests.unwrap_or(REQUESTS);
    let mut samples: Vec<Vec<Sample>> = rows.iter().map(|_| Vec::new()).collect();
    for round in 0..cli.rounds {
        let mut taken = Vec::new();
        for i in order::shuffled(proxies.len(), round) {
            if let (Some(proxy), Some(client)) = (proxies.get(i), clients.get_mut(i)) {
                taken.push((i, proxy.load(client, requests)?));
            }
        }
        for (i, sample) in taken {
            if let Some(samples) = samples.get_mut(i) {
                samples.push(sample);
            }
        }
        if (round + 1) % PROGRESS == 0 {
            eprintln!("round {} of {}", round + 1, cli.rounds);
        }
    }
    Ok(samples)
}
