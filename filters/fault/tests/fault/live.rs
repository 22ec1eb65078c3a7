//! A real Envoy with the filter, and many connections at once. A scenario cannot do this: it sends one
//! request after another.

use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tollgate_host_test::envoy::bootstrap::{
    INGRESS, any_host, bootstrap, cluster, connection_manager, listener, route, wasm,
};
use tollgate_host_test::envoy::{Options, Process};
use tollgate_host_test::{Filter, Wasm};

/// A filter of this repository with its configuration.
pub fn filter(package: &str, config: Value) -> Value {
    wasm(&Filter::new(Wasm::package(package)).config(config))
}

/// Starts an Envoy with the filter that answers requests itself, with 200 and no body.
pub fn envoy(config: Value, workers: usize) -> Process {
    with_filters(vec![filter("tollgate-fault", config)], None, workers)
}

/// Starts an Envoy with these filters that sends requests to a service, or else answers them itself.
pub fn with_filters(filters: Vec<Value>, service: Option<SocketAddr>, workers: usize) -> Process {
    let answer = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
    let routes = [if service.is_some() { route("/", "service") } else { answer }];
    let listener =
        listener(INGRESS, ([127, 0, 0, 1], 0).into(), connection_manager(filters, &[any_host(&routes)]));
    let clusters: Vec<_> = service.map(|service| cluster("service", service, false)).into_iter().collect();
    let options = Options { workers, ..Options::default() };
    Process::start(&bootstrap(&[listener], &clusters), &options).unwrap()
}

/// Returns a statistic of the filters.
pub fn statistic(envoy: &Process, name: &str) -> u64 {
    let name = format!("wasmcustom.{name}");
    envoy.stats_matching(&format!("^{name}$")).unwrap()[&name]
}

/// Returns the address that it listens on.
pub fn address(envoy: &Process) -> SocketAddr {
    envoy.listener(INGRESS)
}

/// A client's connection.
pub struct Client(TcpStream);

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let connection = TcpStream::connect(address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        connection.set_nodelay(true).unwrap();
        Self(connection)
    }

    /// Sends a request.
    pub fn send(&mut self, path: &str) {
        self.send_with(path, "x-none: 1");
    }

    /// Sends a request with a header line.
    pub fn send_with(&mut self, path: &str, header: &str) {
        self.0.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n{header}\r\n\r\n").as_bytes()).unwrap();
    }

    /// Sends a request, and returns the status of its response.
    pub fn ask(&mut self, path: &str) -> u16 {
        self.send(path);
        self.receive()
    }

    /// Reads a response with its body. Returns its status.
    pub fn receive(&mut self) -> u16 {
        let (mut text, mut piece) = (String::new(), [0; 4096]);
        loop {
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length =
                    head.split_once("content-length: ").map(|(_, rest)| rest.lines().next().unwrap());
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    return head.get(9..12).and_then(|status| status.parse().ok()).expect("no status");
                }
            }
            let read = match self.0.read(&mut piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.unwrap(),
            };
            assert!(read > 0, "the connection was closed: {text}");
            text.push_str(std::str::from_utf8(&piece[..read]).unwrap());
        }
    }
}
