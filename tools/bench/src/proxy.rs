//! One Envoy for each row, all started before the first is loaded: starting one costs half a second of compiling, and
//! an idle one costs nothing that could be seen.

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

/// What one round of load took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// CPU time per request, in microseconds.
    pub cpu_us: f64,
    /// Requests per second.
    pub per_second: f64,
    /// Resident memory afterwards, in MiB.
    pub resident_mib: f64,
}

/// Requests before the first that count.
const WARM_UP: u64 = 20_000;
/// Requests of a round before those that count: the caches hold what the row before needed.
const LEAD_IN: u64 = 200;

/// The Envoy of a row.
pub struct Proxy {
    process: Process,
    requests: Requests,
    /// What its requests are answered with.
    status: u16,
}

impl Proxy {
    /// Starts it and checks that it does what it should. Without `upstream` its route answers by itself.
    pub fn start(row: &Row, sets: &Sets, upstream: Option<SocketAddr>, options: &Options) -> Result<Self> {
        let process = Process::start(&config(row, upstream), options)
            .with_context(|| format!("the Envoy of `{}` did not start", row.name))?;
        let status = if row.refused { 429 } else { 200 };
        let proxy = Self { process, requests: sets.requests(row), status };
        for probe in [&Probe::status(200)].into_iter().chain(&row.probes) {
            proxy.check(probe).with_context(|| format!("`{}` does not do its job", row.name))?;
        }
        Ok(proxy)
    }

    /// Connections to it.
    pub fn connect(&self, connections: u32) -> Result<Client> {
        Client::connect(self.process.listener(INGRESS), connections)
    }

    /// Loads it until nothing is new to it. V8 compiles a function again, and better, once it is hot; connections and
    /// buffers are made once, too, and each of its tokens or clients has to come once.
    pub fn warm_up(&self, client: &mut Client) -> Result<()> {
        self.send(client, WARM_UP.max(self.requests.different()))
    }

    /// Loads it, and takes its CPU time before and after.
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

    /// Sends it so many requests, each of which must be answered as the row's are.
    pub fn send(&self, client: &mut Client, requests: u64) -> Result<()> {
        client.send(&self.requests, requests, self.status)
    }

    /// Its resident memory, in MiB.
    pub fn resident_mib(&self) -> Result<f64> {
        account::resident_mib(self.process.pid())
    }

    /// Its log so far.
    pub fn logs(&self) -> Vec<Entry> {
        self.process.logs()
    }

    fn check(&self, probe: &Probe) -> Result<()> {
        let answer = self.get(probe.change)?.to_ascii_lowercase();
        let start = format!("http/1.1 {} ", probe.status);
        ensure!(
            answer.starts_with(&start),
            "with {:?} the answer is not a {}: {answer}",
            probe.change,
            probe.status
        );
        if let Some(name) = probe.header {
            ensure!(answer.contains(&format!("\r\n{name}: ")), "the answer has no `{name}`: {answer}");
        }
        if let Some(name) = probe.counter {
            let counted = self.process.stats_matching(&format!("^{name}$"))?.get(name).copied();
            ensure!(counted.is_some_and(|n| n > 0), "`{name}` is {counted:?}");
        }
        Ok(())
    }

    /// The header of the answer to one request.
    fn get(&self, change: Option<(&str, Change)>) -> Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.process.listener(INGRESS), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut headers = self.requests.first();
        match change {
            None => {}
            Some((name, Change::Absent)) => headers.retain(|(n, _)| *n != name),
            Some((name, Change::Forged)) => {
                headers.iter_mut().filter(|(n, _)| *n == name).for_each(|(_, value)| *value = forged(value));
            }
        }
        headers.push(("connection", "close".to_owned()));
        let mut request = Vec::new();
        requests::write(&mut request, &headers);
        stream.write_all(&request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

fn forged(value: &str) -> String {
    let at = value.chars().count().saturating_sub(10);
    let other = |c| if c == 'A' { 'B' } else { 'A' };
    value.chars().enumerate().map(|(i, c)| if i == at { other(c) } else { c }).collect()
}

/// The Envoy that answers, for when the proxies have an upstream. Two workers, so that it is never what one waits for.
pub fn upstream() -> Result<Process> {
    let manager = connection_manager(Vec::new(), &[any_host(&[direct()])]);
    let options = Options { workers: 2, ..Options::default() };
    Ok(Process::start(&bootstrap(&[listener(INGRESS, ANY_PORT, manager)], &[]), &options)?)
}

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const PATIENCE: Duration = Duration::from_secs(10);

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
    json!({"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": body}})
}
