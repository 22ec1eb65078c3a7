//! Sends the requests of a scenario, and assigns to them the requests that reached the upstreams.

use super::run::{NO_STREAM, Run, RunError};
use super::{bootstrap, client};
use crate::{ClientView, Exchange, Request, UpstreamRequest};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::panic::resume_unwind;
use std::thread::ScopedJoinHandle;
use std::time::Instant;

const ACTIVE: &str = "http.ingress.downstream_cx_active";

pub(super) type Callouts = BTreeMap<String, Vec<UpstreamRequest>>;

/// The results of requests that were in progress at the same time.
pub(super) struct Group {
    /// How many requests each upstream had received before.
    before: Vec<usize>,
    /// The results, each with the request id that the access log contains.
    exchanges: Vec<(Exchange, String)>,
}

impl Run<'_> {
    /// Sends the requests.
    pub fn exchanges(&self) -> Result<Vec<Group>, RunError> {
        let groups = self.scenario.requests.chunk_by(|_, next| next.concurrent);
        groups.map(|group| self.group(group)).collect()
    }

    /// Sends requests at the same time, each after its time, and waits until all are complete.
    fn group(&self, requests: &[Request]) -> Result<Group, RunError> {
        let settings = &self.scenario.settings;
        requests.iter().for_each(|request| request.assert_fits(settings.tls));
        // The first wait comes before the group.
        std::thread::sleep(requests.first().map(|first| first.after).unwrap_or_default());
        let before = self.servers.iter().map(|server| server.count()).collect();
        // The kernel reuses ports, so earlier lines of the log do not belong to these requests.
        let earlier = self.log_length();
        let proxy = self.envoy.listener(bootstrap::INGRESS);
        let send = |request: &Request| {
            client::send(proxy, &self.inputs.sent(request), settings.tls, settings.client_patience)
        };
        let sent: Vec<_> = match requests {
            [only] => vec![send(only)],
            _ => std::thread::scope(|scope| {
                let start = |(at, request): (usize, &'_ Request)| -> ScopedJoinHandle<'_, _> {
                    if at > 0 {
                        std::thread::sleep(request.after);
                    }
                    let request = request.clone();
                    scope.spawn(move || send(&request))
                };
                let started: Vec<_> = requests.iter().enumerate().map(start).collect();
                started.into_iter().map(|one| one.join().unwrap_or_else(|why| resume_unwind(why))).collect()
            }),
        };
        // At the end of a stream, Envoy writes the access log, calls the filters' final callbacks, and closes
        // the connection. It updates the gauge last, so the filters have finished by then.
        self.wait_until_idle()?;
        let mut exchanges = Vec::new();
        for (request, sent) in requests.iter().zip(sent) {
            let (client, port) =
                sent.map_err(|error| self.failed(format_args!("cannot connect to it: {error}")))?;
            let (mut line, logged) = (None, Instant::now());
            self.wait_for("the access log", || {
                line = self.logged_of(port, earlier);
                // A connection that is closed before a request is read has no stream, and so no line.
                Ok(line.is_some() || (client == ClientView::Reset && logged.elapsed() > NO_STREAM))
            })?;
            if request.disconnect_after.is_some() {
                // Envoy may have accepted the connection after the gauge was read.
                self.wait_until_idle()?;
            }
            let (details, flags, id) = line.unwrap_or_else(|| (String::new(), "-".into(), String::new()));
            exchanges.push((Exchange { client, upstream: Vec::new(), details, flags }, id));
        }
        self.wait_for("the upstreams", || Ok(!self.servers.iter().any(|s| s.is_reading())))?;
        self.count_refusals();
        Ok(Group { before, exchanges })
    }

    fn wait_until_idle(&self) -> Result<(), RunError> {
        let pattern = format!("^{}$", ACTIVE.replace('.', "\\."));
        self.wait_for(ACTIVE, || {
            let stats = self.admin(self.envoy.stats_matching(&pattern))?;
            Ok(stats.get(ACTIVE).is_none_or(|n| *n == 0))
        })
    }

    /// Returns the response code details, the response flags and the request id of the stream on the
    /// connection from this port.
    fn logged_of(&self, port: u16, earlier: usize) -> Option<(String, String, String)> {
        let line = self.logged(port, earlier)?;
        let field = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let flags = field("flags");
        Some((field("details"), if flags.is_empty() { "-".into() } else { flags }, field("id")))
    }

    pub fn log_length(&self) -> usize {
        let log = fs::metadata(self.envoy.directory().join(bootstrap::ACCESS_LOG));
        log.map_or(0, |log| log.len() as usize)
    }

    /// Returns the access log's line for the connection from this port, after the first `earlier` bytes.
    pub fn logged(&self, port: u16, earlier: usize) -> Option<Value> {
        let text = fs::read_to_string(self.envoy.directory().join(bootstrap::ACCESS_LOG)).ok()?;
        let lines =
            text.get(earlier..)?.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|line| as_number(&line["port"]) == Some(u64::from(port)))
    }

    /// Assigns to each group the requests that reached upstreams between it and the next one. Earlier
    /// requests belong to the first group, later ones to the last. Callouts are separate: they have the
    /// header `x-envoy-internal`, which clients cannot send.
    pub fn attribute(&self, groups: Vec<Group>) -> (Vec<Exchange>, Callouts) {
        let mut groups = groups;
        let mut callouts = Callouts::new();
        for (place, server) in self.servers.iter().enumerate() {
            let mut requests = server.requests();
            let called = |request: &UpstreamRequest| request.headers.get("x-envoy-internal").is_some();
            let calls: Vec<_> = requests.iter().filter(|r| called(r)).cloned().collect();
            if place > 0 || !calls.is_empty() {
                callouts.insert(server.name.clone(), calls);
            }
            for (i, group) in groups.iter_mut().enumerate().rev() {
                let came = requests.split_off(if i == 0 { 0 } else { group.before[place] });
                came.into_iter().filter(|request| !called(request)).for_each(|request| group.assign(request));
            }
        }
        let exchanges = groups.into_iter().flat_map(|group| group.exchanges);
        (exchanges.map(|(exchange, _)| exchange).collect(), callouts)
    }
}

impl Group {
    /// Assigns a request at an upstream to the exchange with the same request id, or else to the first one.
    fn assign(&mut self, request: UpstreamRequest) {
        let id = request.headers.get("x-request-id").unwrap_or_default();
        let same = self.exchanges.iter().position(|(_, own)| own.as_bytes() == id);
        if let Some((exchange, _)) = self.exchanges.get_mut(same.unwrap_or(0)) {
            exchange.upstream.push(request);
        }
    }
}

/// Reads a number. Envoy writes one as a JSON number only if the format string is a single operator, and old
/// versions never do.
fn as_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
