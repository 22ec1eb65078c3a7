//! Runs one scenario on one Envoy.

use super::inputs::Inputs;
use super::upstream::{Server, Upstreams};
use super::{Options, Process, StartError, bootstrap, log, process, tcp};
use crate::{
    Connection, ConnectionExchange, End, Filter, LogLevel, Outcome, Refused, Response, Scenario, Upstream,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Maximum time to wait for events that must happen, such as the end of a stream or its line in the access
/// log.
const PATIENCE: Duration = Duration::from_secs(10);
/// Maximum time to wait for a line in the access log that may never be written.
pub(super) const NO_STREAM: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(1);

/// Number of lines of Envoy's log that an error shows.
const LAST_LINES: usize = 20;
/// Number of lines of an entry of the log that an error shows.
const FIRST_LINES: usize = 3;

/// The reason why a scenario has no outcome on Envoy.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// Envoy, or a filter, rejects the configuration.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Envoy exited while it ran, for example because a filter crashed it, or stopped answering, for example
    /// because a callback of a filter does not return. The text ends with the end of Envoy's log.
    #[error("{0}")]
    Failed(String),
}

/// Runs a scenario on Envoy.
///
/// # Errors
/// Envoy, or a filter, rejects the configuration; or Envoy fails while it runs.
///
/// # Panics
/// If the set-up fails, not the filters of the scenario: no Envoy is found, or an upstream has no port.
pub fn run(scenario: &Scenario) -> Result<Outcome, RunError> {
    let default = [Upstream::replies("upstream", Response::new(200).chunk("ok"))];
    let wanted = if scenario.upstreams.is_empty() { &default } else { scenario.upstreams.as_slice() };
    let upstreams = Upstreams::start(wanted).unwrap_or_else(|e| panic!("cannot start the upstreams: {e}"));
    let endpoints: Vec<_> =
        upstreams.servers().iter().map(|s| (s.name.clone(), s.endpoint(), s.http2)).collect();
    let tcp = !scenario.connections.is_empty() || !scenario.network_filters.is_empty();
    let tcp = tcp.then(|| {
        tcp::Server::start(&scenario.tcp_upstream)
            .unwrap_or_else(|e| panic!("cannot start the TCP upstream: {e}"))
    });
    let options = Options {
        workers: scenario.settings.workers,
        level: LogLevel::Warn,
        wasm_level: scenario.settings.log_level,
    };
    let envoy = match Process::start(
        &bootstrap::of_scenario(scenario, &endpoints, tcp.as_ref().map(tcp::Server::address)),
        &options,
    ) {
        Ok(envoy) => envoy,
        Err(StartError::Ended(entries)) => {
            let reason = process::reason(&entries);
            return Err(Refused { reason, logs: log::of_filters(&entries, &filters(scenario)) }.into());
        }
        Err(error) => panic!("{error}"),
    };
    // The TCP server is dropped after Envoy, because it waits until Envoy has closed its connections.
    let tcp = tcp.as_ref();
    let (servers, refused, inputs) = (upstreams.servers(), Mutex::default(), Inputs::of(scenario));
    Run { scenario, envoy, servers, tcp, refused, inputs }.outcome()
}

fn filters(scenario: &Scenario) -> Vec<Filter> {
    scenario.filters.iter().chain(&scenario.network_filters).cloned().collect()
}

pub(super) struct Run<'a> {
    pub scenario: &'a Scenario,
    pub envoy: Process,
    pub servers: &'a [Arc<Server>],
    tcp: Option<&'a tcp::Server>,
    /// Number of refused connections, by the name of Envoy's counter.
    refused: Mutex<BTreeMap<String, u64>>,
    pub inputs: Inputs<'a>,
}

impl Run<'_> {
    fn outcome(&self) -> Result<Outcome, RunError> {
        let done = AtomicBool::new(false);
        let (exchanges, connections) = std::thread::scope(|scope| {
            if self.servers.iter().any(|s| s.refuses_for_a_while()) {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        self.count_refusals();
                        std::thread::sleep(POLL);
                    }
                });
            }
            // Stops the thread also if a request panics, because the scope waits for its threads.
            let _end = SetOnDrop(&done);
            let exchanges = self.exchanges()?;
            let connections = self.connections()?;
            std::thread::sleep(self.scenario.settings.linger);
            Ok::<_, RunError>((exchanges, connections))
        })?;
        let (exchanges, callouts) = self.attribute(exchanges);
        let prefix = "wasmcustom.";
        let stats = self.admin(self.envoy.stats_matching("^wasmcustom\\."))?;
        let metrics =
            stats.into_iter().filter_map(|(n, v)| Some((n.strip_prefix(prefix)?.to_owned(), v))).collect();
        let histograms = self.histograms()?;
        let entries = self.envoy.logs();
        let logs = log::of_filters(&entries, &filters(self.scenario));
        let traps = log::traps(&entries);
        let (trace, host_calls, instructions) = Default::default();
        Ok(Outcome {
            exchanges,
            connections,
            callouts,
            metrics,
            histograms,
            logs,
            traps,
            trace,
            host_calls,
            instructions,
        })
    }

    fn connections(&self) -> Result<Vec<ConnectionExchange>, RunError> {
        let Some(upstream) = self.tcp else { return Ok(Vec::new()) };
        let mut held = 0;
        let each = |connection| self.connection(upstream, connection, &mut held);
        self.scenario.connections.iter().map(each).collect()
    }

    /// `held` is the number of connections that Envoy has not closed.
    fn connection(
        &self,
        upstream: &tcp::Server,
        connection: &Connection,
        held: &mut u64,
    ) -> Result<ConnectionExchange, RunError> {
        let before = upstream.count();
        let earlier = self.log_length();
        let (client, port) = tcp::connect(self.envoy.listener(bootstrap::CONNECTIONS), connection)
            .map_err(|error| self.failed(format_args!("cannot connect to it: {error}")))?;
        let broken = matches!(client.end, End::Broken | End::Hang);
        // Envoy updates the gauge of the listener last, after the filters' callbacks and the access log.
        let active = format!("listener.{}.downstream_cx_active", bootstrap::CONNECTIONS);
        let (stats, ended) =
            (|| self.admin(self.envoy.stats_matching("downstream_cx_active$")), Instant::now());
        let mut over = false;
        self.wait_for(&active, || {
            over = stats()?.get(&active).is_none_or(|n| *n <= *held);
            Ok(over || (broken && ended.elapsed() > NO_STREAM))
        })?;
        let mut flags = None;
        if over {
            self.wait_for("the access log", || {
                let line = self.logged(port, earlier);
                flags = line.map(|line| line["flags"].as_str().unwrap_or_default().to_owned());
                Ok(flags.is_some())
            })?;
            self.wait_for("the TCP upstream", || {
                Ok(upstream.received(before).iter().all(|received| received.end != End::Open))
            })?;
        } else {
            *held += 1;
        }
        let flags = flags.unwrap_or_default();
        Ok(ConnectionExchange { client, upstream: upstream.received(before), flags })
    }

    /// Reports refused connections to the servers, which cannot observe them. Between two requests, the count
    /// must be complete. During a request it must be fast, because Envoy may retry.
    pub fn count_refusals(&self) {
        if !self.servers.iter().any(|s| s.refuses_for_a_while()) {
            return;
        }
        let mut seen = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        // If Envoy has exited, the exchange reports it.
        let stats = self.envoy.stats_matching("upstream_cx_connect_fail$").unwrap_or_default();
        for server in self.servers {
            let name = format!("cluster.{}.upstream_cx_connect_fail", server.name);
            let now = stats.get(&name).copied().unwrap_or_default();
            let before = seen.insert(name, now).unwrap_or_default();
            server.refused(now.saturating_sub(before));
        }
    }

    pub fn wait_for(
        &self,
        what: &str,
        mut condition: impl FnMut() -> Result<bool, RunError>,
    ) -> Result<(), RunError> {
        let deadline = Instant::now() + PATIENCE;
        while !condition()? {
            if Instant::now() > deadline {
                let why = format_args!(
                    "{what} did not finish within {} s; does each callback return?",
                    PATIENCE.as_secs()
                );
                return Err(self.failed(why));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    pub fn admin<T>(&self, answer: std::io::Result<T>) -> Result<T, RunError> {
        answer.map_err(|error| self.failed(format_args!("its admin interface does not answer: {error}")))
    }

    /// Returns the error of an Envoy that has exited, or that fails in this way.
    pub fn failed(&self, why: std::fmt::Arguments<'_>) -> RunError {
        // The connection of a process that crashes closes before the process has exited.
        let exited = Instant::now() + NO_STREAM;
        let status = std::iter::repeat_with(|| self.envoy.exit_status())
            .inspect(|_| std::thread::sleep(POLL))
            .find(|status| status.is_some() || Instant::now() > exited)
            .flatten();
        // The stack and the state of a crashed Envoy are long, and of no use to the author of a filter.
        let mut entries = self.envoy.logs();
        entries.retain(|entry| entry.component != "backtrace");
        for entry in &mut entries {
            entry.text = entry.text.lines().take(FIRST_LINES).collect::<Vec<_>>().join("\n");
        }
        let log = log::render(&entries);
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
        RunError::Failed(match status {
            Some(status) => format!("Envoy exited ({status})\n{last}"),
            None => format!("Envoy failed: {why}\n{last}"),
        })
    }
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
