//! `make run`: two services behind a real Envoy with the filters of this workspace, and a tour of their
//! features.

#![allow(
    clippy::disallowed_methods,
    reason = "a native program waits for other processes by the wall clock, with timeouts"
)]

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
use tour::Demo;

/// Time after which a build is announced.
const SILENCE: Duration = Duration::from_secs(1);

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
    let settings = cli.settings()?;
    // Check for common problems first, because the first build takes a while.
    envoy::binary()?;
    let at = proxy::check_port(settings.port)?;
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
        let demo = Demo { proxy: &proxy, services: &services, loaded: &loaded };
        let passed = tokio::select! {
            toured = demo.tour(&steps, &mut printer) => toured?,
            code = stop.wait() => return Ok(code),
        };
        let code = if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if !settings.tour_only {
            invite(&mut printer, &proxy)?;
            tokio::select! {
                ended = proxy.ended() => return Err(ended),
                _ = stop.wait() => {}
            }
        }
        Ok(code)
    })
}

/// Builds the filters, and prints a line if that takes a while.
fn build(printer: &mut Printer) -> Result<Loaded> {
    let (done, wait) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let building = scope.spawn(move || {
            let _dropped_at_the_end = done;
            proxy::build()
        });
        // The channel carries no message: it times out, or it closes when the build ends.
        if wait.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
            printer.say("Building the filters. The first build takes a minute or two.")?;
        }
        building.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn introduce(printer: &mut Printer, proxy: &Proxy, services: &Services) -> Result<()> {
    let filters: Vec<_> = proxy::filters::all().iter().map(|filter| filter.name).collect();
    printer.labelled("Envoy", format_args!("http://{}", proxy.address()))?;
    printer.labelled("filters", filters.join(", "))?;
    for (service, address) in &services.addresses {
        printer.labelled(service, format_args!("http://{address}"))?;
    }
    Ok(())
}

fn invite(printer: &mut Printer, proxy: &Proxy) -> Result<()> {
    printer.say("")?;
    printer.labelled("try", format_args!("curl -i http://{}/orders/7", proxy.address()))?;
    printer.labelled("statistics", format_args!("http://{}/stats?filter=wasmcustom", proxy.admin()))?;
    printer.labelled("log", proxy.log_file().display())?;
    printer.say("\nPress Ctrl-C to stop.")?;
    Ok(())
}
