//! The proxy: a real Envoy with the filters loaded, in front of the services.

pub mod filters;

use crate::services::{CHAOS, ORDER, USER};
use anyhow::{Context, Result, anyhow, bail};
use filters::{ACCOUNT, GAME_DAY, Plugged, RETRIED, REVIEWS, STAFF, TICKETS};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tollgate_host_test::envoy::{self, Options, Process, StartError, bootstrap};
use tollgate_host_test::{Filter, Wasm};

const FILTER_CONFIG: &str = "envoy.config.route.v3.FilterConfig";

/// The filters with their built modules.
pub type Loaded = Vec<(Plugged, Wasm)>;

/// Builds the filters, unless they are already built.
pub fn build() -> Result<Loaded> {
    let module = |plugged: Plugged| Ok((plugged.clone(), Wasm::try_package(plugged.package)?));
    filters::all().into_iter().map(module).collect()
}

/// Returns an error unless the port is free.
///
/// Envoy itself would not report an error: it shares a port with another Envoy (`SO_REUSEPORT`), and the
/// kernel then distributes connections between both.
pub fn check_port(port: u16) -> Result<SocketAddr> {
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(at) {
        Ok(_) => Ok(at),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let other = port.checked_add(1).unwrap_or(10000);
            bail!(
                "port {port} is taken: stop the program that listens on {at}, or run `make run PORT={other}`"
            )
        }
        Err(error) => Err(error).with_context(|| {
            format!("cannot listen on {at}; to choose another port, run `make run PORT=10000`")
        }),
    }
}

/// A running proxy.
#[derive(Debug)]
pub struct Proxy {
    process: Process,
}

impl Proxy {
    /// Starts the proxy with `services` as its clusters.
    pub fn start(
        at: SocketAddr,
        loaded: &Loaded,
        services: &[(&str, SocketAddr)],
    ) -> Result<Self, StartError> {
        let process = Process::start(&ingress(at, loaded, services), &Options::default())?;
        Ok(Self { process })
    }

    /// Returns the address for requests.
    pub fn address(&self) -> SocketAddr {
        self.process.listener(bootstrap::INGRESS)
    }

    /// Returns the address of the admin interface.
    pub fn admin(&self) -> SocketAddr {
        self.process.admin()
    }

    /// Returns the path of the log of Envoy and the filters.
    pub fn log_file(&self) -> PathBuf {
        self.process.directory().join("log")
    }

    /// Waits until Envoy exits, which is always an error.
    pub async fn ended(&mut self) -> anyhow::Error {
        while self.process.is_running() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        anyhow!("Envoy exited unexpectedly; the last lines of its log:\n{}", tail(&self.process.log_text()))
    }

    /// Returns the counters of the filters.
    pub fn counters(&self) -> Result<BTreeMap<String, u64>> {
        let stats = self.process.stats_matching("^wasmcustom\\.").context("Envoy's statistics")?;
        Ok(stats
            .into_iter()
            .map(|(name, n)| (name.trim_start_matches("wasmcustom.").to_owned(), n))
            .collect())
    }

    /// Waits until no connection is open, because a client receives its response before filters see the end
    /// of the stream.
    pub fn settle(&self) -> Result<()> {
        let gauge = "http.ingress.downstream_cx_active";
        let deadline = Instant::now() + Duration::from_secs(2);
        // A browser may keep a connection open. The tour must not hang.
        while self
            .process
            .stats_matching(gauge)
            .context("Envoy's statistics")?
            .get(gauge)
            .is_some_and(|n| *n > 0)
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

/// Validates a configuration of a filter with Envoy. Returns the log line with the reason if Envoy rejects
/// it, or `None` if Envoy accepts it.
pub fn rejection(name: &str, config: Value, loaded: &Loaded) -> Result<Option<String>> {
    let (plugged, wasm) = loaded
        .iter()
        .find(|(plugged, _)| plugged.name == name)
        .with_context(|| format!("unknown filter `{name}`"))?;
    let altered = vec![(Plugged { config, ..plugged.clone() }, wasm.clone())];
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    match envoy::validate(&ingress(nowhere, &altered, &[(USER, nowhere), (ORDER, nowhere)])) {
        Ok(_) => Ok(None),
        Err(StartError::Ended(entries)) => {
            let of_filter = entries.iter().find(|e| e.component == "wasm" && e.text.starts_with("wasm log"));
            let entry = of_filter.or(entries.last()).map(|e| e.text.clone());
            Ok(Some(entry.unwrap_or_default()))
        }
        Err(error) => Err(error.into()),
    }
}

#[expect(clippy::indexing_slicing, reason = "a JSON value is indexed to insert a field")]
fn ingress(at: SocketAddr, loaded: &Loaded, services: &[(&str, SocketAddr)]) -> Value {
    let plugins = loaded.iter().map(|(plugged, wasm)| {
        let filter = Filter::new(wasm.clone()).named(plugged.name);
        bootstrap::wasm(&filter.config(plugged.config.clone()))
    });
    let filtered = [STAFF, ACCOUNT, TICKETS, RETRIED, REVIEWS, GAME_DAY];
    let all = [("/users", USER), ("/orders", ORDER), (CHAOS, USER)]
        .into_iter()
        .chain(filtered.map(|path| (path, USER)));
    let routes: Vec<Value> = all
        .map(|(prefix, service)| {
            let mut route = bootstrap::route(prefix, service);
            if filtered.contains(&prefix) {
                route["route"]["prefix_rewrite"] = json!("/users");
            }
            for (plugged, _) in loaded.iter().filter(|(p, _)| p.only_on.is_some_and(|on| on != prefix)) {
                let off = bootstrap::any(FILTER_CONFIG, json!({ "disabled": true }));
                route["typed_per_filter_config"][plugged.name] = off;
            }
            route
        })
        .collect();
    let mut manager = bootstrap::connection_manager(plugins.collect(), &[bootstrap::any_host(&routes)]);
    // Otherwise Envoy would generate an id for each request before any filter runs.
    manager["generate_request_id"] = json!(false);
    let mut listener = bootstrap::listener(bootstrap::INGRESS, at, manager);
    listener["enable_reuse_port"] = json!(false);
    let clusters: Vec<Value> =
        services.iter().map(|(name, at)| bootstrap::cluster(name, *at, false)).collect();
    bootstrap::bootstrap(&[listener], &clusters)
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join("\n")
}
