//! One scenario on one Envoy.

use super::upstream::{Server, Upstreams};
use super::{Options, Process, StartError, bootstrap, client, log, process};
use crate::{
    ClientView, Exchange, LogLevel, Outcome, Refused, Request, Response, Scenario, Upstream, UpstreamRequest,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long what must come about is waited for: the end of a stream, its line in the access log.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a line is waited for that may never come.
const NO_STREAM: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(1);

/// Runs a scenario on Envoy.
///
/// # Panics
/// When the set-up is at fault and not the scenario's filters: there is no Envoy, or it dies while it runs.
pub fn run(scenario: &Scenario) -> Result<Outcome, Refused> {
    let default = [Upstream::replies("upstream", Response::new(200).chunk("ok"))];
    let wanted = if scenario.upstreams.is_empty() { &default } else { scenario.upstreams.as_slice() };
    let upstreams = Upstreams::start(wanted).unwrap_or_else(|e| panic!("cannot start the upstreams: {e}"));
    let endpoints: Vec<_> =
        upstreams.servers().iter().map(|s| (s.name.clone(), s.endpoint(), s.http2)).collect();
    let options = Options {
        workers: scenario.settings.workers,
        level: LogLevel::Warn,
        wasm_level: scenario.settings.log_level,
    };
    let envoy = match Process::start(&bootstrap::of_scenario(scenario, &endpoints), &options) {
        Ok(envoy) => envoy,
        Err(StartError::Ended(entries)) => {
            let reason = process::reason(&entries);
            return Err(Refused { reason, logs: log::of_filters(&entries, &scenario.filters) });
        }
        Err(error) => panic!("{error}"),
    };
    Ok(Run { scenario, envoy, servers: upstreams.servers(), refused: Mutex::default() }.outcome())
}

type Callouts = BTreeMap<String, Vec<UpstreamRequest>>;

struct Run<'a> {
    scenario: &'a Scenario,
    envoy: Process,
    servers: &'a [Arc<Server>],
    /// Refused connections by the name of Envoy's statistic.
    refused: Mutex<BTreeMap<String, u64>>,
}

impl Run<'_> {
    fn outcome(&self) -> Outcome {
        let done = AtomicBool::new(false);
        let exchanges = std::thread::scope(|scope| {
            if self.servers.iter().any(|s| s.refuses_for_a_while()) {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        self.count_refusals();
                        std::thread::sleep(POLL);
                    }
                });
            }
            // Also when a request panics: the scope waits for its threads.
            let _end = SetOnDrop(&done);
            let exchanges = self.exchanges();
            std::thread::sleep(self.scenario.settings.linger);
            exchanges
        });
        let (exchanges, callouts) = self.attribute(exchanges);
        let prefix = "wasmcustom.";
        let stats = self.admin(self.envoy.stats_matching("^wasmcustom\\."));
        let metrics =
            stats.into_iter().filter_map(|(n, v)| Some((n.strip_prefix(prefix)?.to_owned(), v))).collect();
        let logs = log::of_filters(&self.envoy.logs(), &self.scenario.filters);
        Outcome { exchanges, callouts, metrics, logs, trace: Vec::new() }
    }

    /// Sends the requests. For each its fate, and how many requests each upstream had seen before it.
    fn exchanges(&self) -> Vec<(Exchange, Vec<usize>)> {
        self.scenario.requests.iter().map(|request| self.exchange(request)).collect()
    }

    fn exchange(&self, request: &Request) -> (Exchange, Vec<usize>) {
        std::thread::sleep(request.after);
        let before = self.servers.iter().map(|server| server.count()).collect();
        let (client, port) = client::send(
            self.envoy.listener(bootstrap::INGRESS),
            request,
            self.scenario.settings.client_patience,
        )
        .unwrap_or_else(|e| panic!("cannot connect to Envoy: {e}\n{}", self.envoy.log_text()));
        // A stream is logged, then its filters are told that it is over, then the connection goes. The gauge is the
        // last of it all, so what filters do at the end is done.
        let active = "http.ingress.downstream_cx_active";
        let stats = || self.admin(self.envoy.stats_matching("^http\\.ingress\\.downstream_cx_active$"));
        self.wait_for(active, || stats().get(active).is_none_or(|n| *n == 0));
        let mut line = None;
        let logged = Instant::now();
        self.wait_for("the access log", || {
            line = self.logged(port);
            // A connection that was closed before a request was read has no stream, and no line.
            line.is_some() || (client == ClientView::Reset && logged.elapsed() > NO_STREAM)
        });
        self.wait_for("the upstreams", || !self.servers.iter().any(|s| s.is_reading()));
        self.count_refusals();
        let (details, flags) = line.unwrap_or_else(|| (String::new(), "-".into()));
        (Exchange { client, upstream: Vec::new(), details, flags }, before)
    }

    /// The response code details and the response flags of the stream on the connection from this port.
    fn logged(&self, port: u16) -> Option<(String, String)> {
        let text = fs::read_to_string(self.envoy.directory().join(bootstrap::ACCESS_LOG)).ok()?;
        let lines = text.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let line = lines.into_iter().find(|line| as_number(&line["port"]) == Some(u64::from(port)))?;
        let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        let flags = text("flags");
        Some((text("details"), if flags.is_empty() { "-".into() } else { flags }))
    }

    /// Gives each exchange the requests that came to upstreams between it and the next. Those before the first belong
    /// to it, those after the last to that. What the proxy calls itself is none of them, which a header tells that no
    /// client may send.
    fn attribute(&self, exchanges: Vec<(Exchange, Vec<usize>)>) -> (Vec<Exchange>, Callouts) {
        let mut exchanges = exchanges;
        let mut callouts = Callouts::new();
        for (place, server) in self.servers.iter().enumerate() {
            let mut requests = server.requests();
            let called = |request: &UpstreamRequest| request.headers.get("x-envoy-internal").is_some();
            let calls: Vec<_> = requests.iter().filter(|r| called(r)).cloned().collect();
            if place > 0 || !calls.is_empty() {
                callouts.insert(server.name.clone(), calls);
            }
            for (i, (exchange, before)) in exchanges.iter_mut().enumerate().rev() {
                let came = requests.split_off(if i == 0 { 0 } else { before[place] });
                exchange.upstream.extend(came.into_iter().filter(|r| !called(r)));
            }
        }
        (exchanges.into_iter().map(|(exchange, _)| exchange).collect(), callouts)
    }

    /// Tells the servers of the connections they have refused; only Envoy knows. Between two requests it must be
    /// certain, and amid one it must be soon, because Envoy may try again.
    fn count_refusals(&self) {
        if !self.servers.iter().any(|s| s.refuses_for_a_while()) {
            return;
        }
        let mut seen = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        // An Envoy that has died is noticed by the exchange.
        let stats = self.envoy.stats_matching("upstream_cx_connect_fail$").unwrap_or_default();
        for server in self.servers {
            let name = format!("cluster.{}.upstream_cx_connect_fail", server.name);
            let now = stats.get(&name).copied().unwrap_or_default();
            let before = seen.insert(name, now).unwrap_or_default();
            server.refused(now.saturating_sub(before));
        }
    }

    fn wait_for(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition() {
            let late = Instant::now() > deadline;
            assert!(!late, "waited {PATIENCE:?} for {what}\n{}", self.envoy.log_text());
            std::thread::sleep(POLL);
        }
    }

    fn admin<T>(&self, answer: std::io::Result<T>) -> T {
        answer.unwrap_or_else(|e| panic!("Envoy does not answer: {e}\n{}", self.envoy.log_text()))
    }
}

/// Envoy writes numbers as such only where a format string has one operator, and did not always.
fn as_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
