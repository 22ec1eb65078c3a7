//! `make run`: two services behind a real Envoy with the filters of this workspace, and a tour of what they do.

mod cli;
mod http;
mod print;
mod proxy;
mod services;
mod stop;
mod tour;

use anyhow::Result;
use clap::Parser;
use cli::Cli;
use print::Printer;
use proxy::{Loaded, Proxy};
use services::Services;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use stop::Stop;
use tollgate_host_test::envoy;
use tour::Place;

/// How long a build may take before it is mentioned.
const PATIENCE: Duration = Duration::from_secs(1);

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
    let orders = cli.orders()?;
    // What is likely to be amiss comes first; building takes a while the first time.
    envoy::binary()?;
    let at = proxy::check_port(orders.port)?;
    let mut printer = Printer::to_stdout(cli.color);
    let loaded = build(&mut printer)?;
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
        let steps = tour::steps::all();
        let place = Place { proxy: &proxy, services: &services, loaded: &loaded };
        let well = tokio::select! {
            toured = place.tour(&steps, &mut printer) => toured?,
            code = stop.wait() => return Ok(code),
        };
        let verdict = if well { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if !orders.tour_only {
            invite(&mut printer, &proxy)?;
            tokio::select! {
                ended = proxy.ended() => return Err(ended),
                _ = stop.wait() => {}
            }
        }
        Ok(verdict)
    })
}

/// Builds the filters, and says so if that takes a while.
fn build(printer: &mut Printer) -> Result<Loaded> {
    let (done, wait) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let building = scope.spawn(move || {
            let _at_the_end = done;
            proxy::build()
        });
        // It never sends: either the time is up, or the other end is gone.
        if wait.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            printer.say("Building the filters. The first time this takes a minute or two.")?;
        }
        building.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
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

fn invite(printer: &mut Printer, proxy: &Proxy) -> Result<()> {
    printer.say("")?;
    printer.place("try", format_args!("curl -i http://{}/orders/7", proxy.address()))?;
    printer.place("statistics", format_args!("http://{}/stats?filter=wasmcustom", proxy.admin()))?;
    printer.place("log", proxy.log_file().display())?;
    printer.say("\nCtrl-C stops everything.")?;
    Ok(())
}
