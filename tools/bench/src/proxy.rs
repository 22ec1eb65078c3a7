//! Starts an Envoy for each row. All are started before the first load: a start compiles for half a second,
//! and an idle Envoy has no measurable cost.

use crate::account;
use crate::load::Client;
use crate::requests::{self, Requests, Sets};
use crate::rows::{Change, Probe, Row};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tollgate_host_test::envoy::bootstrap::{
    INGRESS, any_host, bootstrap, cluster, connection_manager, listener, route,
};
use tollgate_host_test::envoy::{Entry, Options, Process};

/// The measurements of one row in one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// CPU time per request, in microseconds.
    pub cpu_us: f64,
    /// Requests per second.
    pub per_second: f64,
    /// Resident memory afterwards, in MiB.
    pub resident_mib: f64,
}

/// Number of requests before the first round.
const WARM_UP: u64 = 20_000;
/// Number of requests in a round before the measurement, because the caches still hold data of the previous
/// row.
const LEAD_IN: u64 = 200;

/// The Envoy of a row.
pub struct Proxy {
    process: Process,
    requests: Requests,
    /// Expected status of its responses.
    status: u16,
}

impl Proxy {
    /// Starts the Envoy and runs the probes of the row. Without `upstream`, its route has a direct response.
    pub fn start(row: &Row, sets: &Sets, upstream: Option<SocketAddr>, options: &Options) -> Result<Self> {
        let process = Process::start(&config(row, upstream), options)
            .with_context(|| format!("`{}`: cannot start Envoy", row.name))?;
        let status = if row.rejects_all { 429 } else { 200 };
        let proxy = Self { process, requests: sets.requests(row), status };
        for probe in [&Probe::status(200)].into_iter().chain(&row.probes) {
            proxy.check(probe).with_context(|| format!("`{}`: probe failed", row.name))?;
        }
        Ok(proxy)
    }

    /// Opens connections to the Envoy.
    pub fn connect(&self, connections: u32) -> Result<Client> {
        Client::connect(self.process.listener(INGRESS), connections)
    }

    /// Sends requests until the Envoy is warm: V8 has optimised hot functions, connections and buffers exist,
    /// and every token or client of the row was sent once.
    pub fn warm_up(&self, client: &mut Client) -> Result<()> {
        self.send(client, WARM_UP.max(self.requests.different()))
    }

    /// Sends requests, and measures the CPU time before and after.
    pub fn load(&self, client: &mut Client, requests: u64) -> Result<Sample> {
        self.send(client, LEAD_IN)?;
        let (before, start) = (account::cpu_nanos(self.process.pid())?, Instant::now());
        self.send(client, requests)?;
        let (took, used) = (start.elapsed(), account::cpu_nanos(self.process.pid())? - before);
        Ok(Sample {
            cpu_us: used as f64 / 1e3 / requests as f64,
            per_second: requests as f64 / took.as_secs_f64(),
            resident_mib: self.resident_mib()?,
        })
    }

    /// Sends requests. Every response must have the status of the row.
    pub fn send(&self, client: &mut Client, requests: u64) -> Result<()> {
        client.send(&self.requests, requests, self.status)
    }

    /// Returns the resident memory, in MiB.
    pub fn resident_mib(&self) -> Result<f64> {
        account::resident_mib(self.process.pid())
    }

    /// Returns the log so far.
    pub fn logs(&self) -> Vec<Entry> {
        self.process.logs()
    }

    fn check(&self, probe: &Probe) -> Result<()> {
        let response = self.get(probe.change)?.to_ascii_lowercase();
        let start = format!("http/1.1 {} ", probe.status);
        ensure!(
            response.starts_with(&start),
            "expected status {} with {:?}: {response}",
            probe.status,
            probe.change
        );
        if let Some(name) = probe.header {
            ensure!(response.contains(&format!("\r\n{name}: ")), "expected header `{name}`: {response}");
        }
        if let Some(name) = probe.counter {
            let counted = self.process.stats_matching(&format!("^{name}$"))?.get(name).copied();
            ensure!(
                counted.is_some_and(|n| n > 0),
                "counter `{name}`: expected at least 1, found {counted:?}"
            );
        }
        Ok(())
    }

    /// Sends one request, and returns the response as text.
    fn get(&self, change: Option<(&str, Change)>) -> Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.process.listener(INGRESS), TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let mut headers = self.requests.first();
        match change {
            None => {}
            Some((name, Change::Absent)) => headers.retain(|(n, _)| *n != name),
            Some((name, Change::Forged)) => {
                headers.iter_mut().filter(|(n, _)| *n == name).for_each(|(_, value)| *value = forge(value));
            }
        }
        headers.push(("connection", "close".to_owned()));
        let mut request = Vec::new();
        requests::write(&mut request, &headers);
        stream.write_all(&request)?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response)?;
        Ok(String::from_utf8_lossy(&response).into_owned())
    }
}

fn forge(value: &str) -> String {
    let at = value.chars().count().saturating_sub(10);
    let other = |c| if c == 'A' { 'B' } else { 'A' };
    value.chars().enumerate().map(|(i, c)| if i == at { other(c) } else { c }).collect()
}

/// Starts the upstream Envoy for `--upstream`. It has two workers, so that it is never the bottleneck.
pub fn upstream() -> Result<Process> {
    let manager = connection_manager(Vec::new(), &[any_host(&[direct()])]);
    let options = Options { workers: 2, ..Options::default() };
    Ok(Process::start(&bootstrap(&[listener(INGRESS, ANY_PORT, manager)], &[]), &options)?)
}

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const TIMEOUT: Duration = Duration::from_secs(10);

fn config(row: &Row, upstream: Option<SocketAddr>) -> Value {
    let (route, clusters) = match upstream {
        None => (direct(), Vec::new()),
        Some(at) => (route("/", "upstream"), vec![cluster("upstream", at, false)]),
    };
    let mut manager = connection_manager((row.filters)(), &[any_host(&[route])]);
    (row.manager)(&mut manager);
    bootstrap(&[listener(INGRESS, ANY_PORT, manager)], &clusters)
}

fn direct() -> Value {
    let body = json!({"inline_string": "{\"order\":17,\"state\":\"shipped\"}\n"});
    // As the router does for a response of an upstream.
    let time = json!({"header": {"key": "x-envoy-upstream-service-time", "value": "1"}});
    json!({"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": body}, "response_headers_to_add": [time]})
}
