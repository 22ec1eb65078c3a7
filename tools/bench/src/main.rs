//! What filters cost in a real Envoy, as ratios.
//!
//! Absolute times say more about a machine than about a filter. So each configuration has an Envoy of its own with one
//! worker, all of them are loaded in turn, round by round and in a new order each round, and what counts is what a
//! configuration adds to the CPU time of a request, relative to what an empty filter of the stock SDK adds.
//! `docs/performance.md` has the method and the results.

#![allow(
    missing_docs,
    reason = "nothing here is for others to link against, and clap prints the documentation of its fields"
)]
#![allow(clippy::disallowed_methods, reason = "it runs outside Wasm and measures real time")]

mod account;
mod load;
mod order;
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

/// CPU per request of filters in a real Envoy, as ratios.
#[derive(Parser)]
#[command(name = "tollgate-bench")]
struct Cli {
    /// Rounds. Each loads every row once.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Requests that a row is sent in a round (1,000 if not given), or in a soak after warm-up (200,000).
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    requests: Option<u64>,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// Rows by name, separated by commas; `jwt*` are those whose names begin so. All, if not given.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Put a second Envoy behind the one measured, in place of a route that answers by itself.
    #[arg(long)]
    upstream: bool,
    /// Also write everything, sample by sample, to this file.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fail if a row adds more than its bound.
    #[arg(long)]
    check: bool,
    /// Measure whether memory stays flat and the log silent under load instead, on two workers.
    #[arg(long, conflicts_with_all = ["check", "json", "rounds"])]
    soak: bool,
}

/// Some hundredths of a second of load.
const REQUESTS: u64 = 1_000;
const SOAK_REQUESTS: u64 = 200_000;
/// Rounds after which is said how far it is.
const PROGRESS: u32 = 25;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Not as `Debug`, which would add a backtrace that no one who measures wants.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let upstream = if cli.upstream { Some(proxy::upstream()?) } else { None };
    let behind = upstream.as_ref().map(|u| u.listener(tollgate_host_test::envoy::bootstrap::INGRESS));
    if cli.soak {
        let only = if cli.only.is_empty() { vec![rows::SOAKED.to_owned()] } else { cli.only.clone() };
        for row in chosen(&only)? {
            soak::run(&row, behind, cli.requests.unwrap_or(SOAK_REQUESTS), cli.connections)?;
        }
        return Ok(());
    }
    let rows = chosen(&cli.only)?;
    let sets = Sets::default();
    let start = |row| Proxy::start(row, &sets, behind, &Options::default());
    let proxies: Vec<Proxy> = rows.iter().map(start).collect::<Result<_>>()?;
    let samples = measure(cli, &rows, &proxies)?;
    let lines = report::lines(&rows, &samples);
    println!("{}", report::table(&lines));
    print!("{}", report::verdicts(&lines));
    if let Some(path) = &cli.json {
        let text = serde_json::to_string_pretty(&report::json(&lines, &samples))?;
        std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    match report::broken(&lines) {
        broken if cli.check && !broken.is_empty() => bail!("{}", broken.join("\n")),
        _ => Ok(()),
    }
}

/// The rows of these names; all of them for none.
fn chosen(names: &[String]) -> Result<Vec<Row>> {
    let all = rows::all();
    let is_named = |row: &Row, name: &String| match name.strip_suffix('*') {
        Some(start) => row.name.starts_with(start),
        None => row.name == name,
    };
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|row| is_named(row, name))) {
        let known: Vec<_> = all.iter().map(|row| row.name).collect();
        bail!("there is no row `{unknown}`: there are `{}`", known.join("`, `"));
    }
    let wanted = |row: &Row| names.is_empty() || names.iter().any(|name| is_named(row, name));
    Ok(all.into_iter().filter(wanted).collect())
}

/// A list of samples for each row, one a round.
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
