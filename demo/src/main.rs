//! `make run`: two services behind a real Envoy with the filters of this workspace, and a tour of what they do.

mod http;
mod print;
mod proxy;
mod services;
mod stop;
mod tour;

use anyhow::Result;
use clap::Parser;
use print::{Color, Printer};
use proxy::Proxy;
use services::Services;
use std::process::ExitCode;
use stop::Stop;
use tollgate_host_test::envoy;
use tour::Place;

/// Two services behind Envoy with the filters loaded, and a tour of what they do.
#[derive(Debug, Parser)]
struct Cli {
    /// End after the tour, with status 0 when all went as expected.
    #[arg(long)]
    tour_only: bool,
    /// Where the proxy listens on 127.0.0.1; 0 for any free port.
    #[arg(long, default_value_t = 10000)]
    port: u16,
    /// Whether to colour.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tollgate-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode> {
    // What is likely to be amiss comes first; building takes a while the first time.
    envoy::binary()?;
    let at = proxy::check_port(cli.port)?;
    let mut printer = Printer::new(cli.color);
    let loaded = proxy::build()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut stop = Stop::new()?;
        let services = Services::start().await?;
        let starting = {
            let (loaded, clusters) = (loaded.clone(), services.addresses.clone());
            tokio::task::spawn_blocking(move || Proxy::start(at, &loaded, &clusters))
        };
        let mut proxy = tokio::select! {
            started = starting => started??,
            code = stop.wait() => return Ok(code),
        };
        services.set_proxy(proxy.address());
        introduce(&mut printer, &proxy, &services)?;
        let place = Place { proxy: &proxy, services: &services, loaded: &loaded };
        let well = tokio::select! {
            toured = tour(&mut printer, &place) => toured?,
            code = stop.wait() => return Ok(code),
        };
        let verdict = if well { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if !cli.tour_only {
            invite(&mut printer, &proxy)?;
            tokio::select! {
                ended = proxy.ended() => return Err(ended),
                _ = stop.wait() => {}
            }
        }
        Ok(verdict)
    })
}

fn introduce(printer: &mut Printer, proxy: &Proxy, services: &Services) -> Result<()> {
    let filters: Vec<_> = proxy::filters::all().iter().map(|filter| filter.name).collect();
    printer.place("Envoy", format_args!("http://{}", proxy.address()))?;
    printer.place("filters", filters.join(", "))?;
    for (service, address) in &services.addresses {
        printer.place(service, format_args!("http://{address}"))?;
    }
    Ok(())
}

/// Whether all went as expected.
async fn tour(printer: &mut Printer, place: &Place<'_>) -> Result<bool> {
    let steps = tour::steps::all();
    let mut failed = Vec::new();
    for (number, step) in (1..).zip(&steps) {
        let outcome = place.run(&step.action).await?;
        if printer.step(number, step, &outcome)? > 0 {
            failed.push(step.title);
        }
    }
    printer.verdict(steps.len(), &failed)?;
    Ok(failed.is_empty())
}

fn invite(printer: &mut Printer, proxy: &Proxy) -> Result<()> {
    printer.say("")?;
    printer.place("try", format_args!("curl -i http://{}/orders/7", proxy.address()))?;
    printer.place("statistics", format_args!("http://{}/stats?filter=wasmcustom", proxy.admin()))?;
    printer.place("log", proxy.log_file().display())?;
    printer.say("\nCtrl-C stops everything.")?;
    Ok(())
}
