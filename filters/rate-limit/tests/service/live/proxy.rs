//! An Envoy with direct responses, and with the filter on each of its listeners.

use super::clients::Client;
use crate::support::{CLUSTER, filter};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tollgate_host_test::LogLevel;
use tollgate_host_test::envoy::bootstrap::{
    any_host, bootstrap, cluster, connection_manager, listener, wasm,
};
use tollgate_host_test::envoy::{Options, Process};

/// The Envoy.
pub struct Proxy {
    pub envoy: Process,
}

/// A cluster of this name on a port of loopback that speaks gRPC.
pub fn grpc(name: &str, port: u16) -> Value {
    cluster(name, SocketAddr::from((Ipv4Addr::LOCALHOST, port)), true)
}

impl Proxy {
    /// A listener for each configuration, by its name, and the service on this port.
    pub fn start(workers: usize, configs: &[(&str, Value)], port: u16) -> Self {
        Self::start_with(workers, configs, &[grpc(CLUSTER, port)])
    }

    /// The same with any clusters.
    pub fn start_with(workers: usize, configs: &[(&str, Value)], clusters: &[Value]) -> Self {
        let answers = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
        let listener = |(name, config): &(&str, Value)| {
            let filters = vec![wasm(&filter().config(config.clone()))];
            let manager = connection_manager(filters, &[any_host(std::slice::from_ref(&answers))]);
            listener(name, (Ipv4Addr::LOCALHOST, 0).into(), manager)
        };
        let listeners: Vec<_> = configs.iter().map(listener).collect();
        Self::of(workers, &bootstrap(&listeners, clusters))
    }

    /// Starts an Envoy with a bootstrap.
    pub fn of(workers: usize, bootstrap: &Value) -> Self {
        let options = Options { workers, ..Options::default() };
        Self { envoy: Process::start(bootstrap, &options).unwrap_or_else(|error| panic!("{error}")) }
    }

    /// A client of a listener.
    pub fn client(&self, listener: &str) -> Client {
        Client::to(self.envoy.listener(listener))
    }

    /// The counters of the filter whose `stat_prefix` is that.
    pub fn metrics(&self, prefix: &str) -> BTreeMap<String, u64> {
        let prefix = format!("rate_limit.{prefix}.");
        let stats = self.envoy.stats_matching(&prefix.replace('.', "\\.")).expect("statistics");
        let own = |(name, value): (String, u64)| Some((name.split_once(&prefix)?.1.to_owned(), value));
        stats.into_iter().filter_map(own).collect()
    }

    /// One of them.
    #[track_caller]
    pub fn metric(&self, prefix: &str, name: &str) -> u64 {
        self.metrics(prefix)[name]
    }

    /// Waits until it is so.
    #[track_caller]
    pub fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            let log = || self.envoy.log_text();
            assert!(begun.elapsed() < Duration::from_secs(30), "not in 30 s: {what}\n{}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// It runs, and its filters never failed.
    #[track_caller]
    pub fn is_well(&mut self) {
        assert!(self.envoy.is_running(), "{}", self.envoy.log_text());
        let bad = |entry: &&tollgate_host_test::envoy::Entry| {
            entry.component == "wasm" && entry.level >= LogLevel::Error
        };
        let logs = self.envoy.logs();
        let bad: Vec<_> = logs.iter().filter(bad).collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }
}
