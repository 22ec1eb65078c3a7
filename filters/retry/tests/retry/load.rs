//! A real Envoy with two workers, an upstream that counts requests, and clients that send them at the same
//! time. Scenarios send one request after another.

#![allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tollgate_host_test::envoy::bootstrap::{
    INGRESS, any_host, bootstrap, cluster, connection_manager, listener,
};
use tollgate_host_test::envoy::{Options, Process};

const CONNECTIONS: u64 = 32;

/// Answer of an upstream to a request.
#[derive(Clone, Copy)]
pub enum Answer {
    Status(u16),
    /// Closes the connection.
    Close,
}

/// An upstream that counts requests by their number.
pub struct Upstream {
    pub address: SocketAddr,
    requests: Arc<Mutex<BTreeMap<u64, usize>>>,
}

impl Upstream {
    /// Answers the n-th request that arrives.
    pub fn new(answer: fn(u64) -> Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Self { address: listener.local_addr().unwrap(), requests: Arc::default() };
        let (requests, arrived) = (upstream.requests.clone(), Arc::new(AtomicU64::new(0)));
        std::thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let (requests, arrived) = (requests.clone(), arrived.clone());
                std::thread::spawn(move || {
                    connection.set_nodelay(true).unwrap();
                    while let Ok(head) = read_head(&mut connection) {
                        *requests.lock().unwrap().entry(number(&head)).or_default() += 1;
                        let Answer::Status(status) = answer(arrived.fetch_add(1, SeqCst)) else { return };
                        let response = format!("HTTP/1.1 {status} Status\r\ncontent-length: 0\r\n\r\n");
                        if connection.write_all(response.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        upstream
    }

    /// Returns how often each request arrived.
    pub fn received(&self) -> BTreeMap<u64, usize> {
        self.requests.lock().unwrap().clone()
    }
}

/// Returns the number of a request: the digits of its path.
fn number(head: &str) -> u64 {
    head.split_once('/').unwrap().1.split(' ').next().unwrap().parse().unwrap()
}

/// Reads a message with its body, and returns its head.
fn read_head(connection: &mut TcpStream) -> std::io::Result<String> {
    let (mut text, mut piece) = (String::new(), [0; 4096]);
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.split_once("content-length: ").map_or("0", |(_, rest)| rest.lines().next().unwrap());
            if body.len() >= length.parse().unwrap() {
                return Ok(head.to_owned());
            }
        }
        match connection.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => text.push_str(std::str::from_utf8(&piece[..read]).map_err(Error::other)?),
        }
    }
}

/// Starts an Envoy with two workers whose cluster has no limits. Its route retries by this policy, which also
/// has the shortest back-off.
pub fn envoy(filters: Vec<Value>, mut policy: Value, upstream: SocketAddr) -> Process {
    policy["retry_back_off"] = json!({"base_interval": "0.001s", "max_interval": "0.001s"});
    let route = json!({"cluster": "up", "timeout": "60s", "retry_policy": policy});
    let manager =
        connection_manager(filters, &[any_host(&[json!({"match": {"prefix": "/"}, "route": route})])]);
    let listener = listener(INGRESS, ([127, 0, 0, 1], 0).into(), manager);
    let mut cluster = cluster("up", upstream, false);
    let most = 10_000;
    cluster["circuit_breakers"] = json!({"thresholds": [{
        "max_requests": most, "max_pending_requests": most, "max_connections": most, "max_retries": most,
    }]});
    let options = Options { workers: 2, ..Options::default() };
    Process::start(&bootstrap(&[listener], &[cluster]), &options).unwrap()
}

/// Sends requests on many connections at once, each with another number as its path. Returns the statuses.
pub fn send(envoy: &Process, method: &str, requests: u64) -> Vec<u16> {
    let address = envoy.listener(INGRESS);
    let client = |first: u64| {
        let mut connection = TcpStream::connect(address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        connection.set_nodelay(true).unwrap();
        let ask = |number: u64| {
            let head = format!("{method} /{number} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n");
            connection.write_all(head.as_bytes()).unwrap();
            let head = read_head(&mut connection).expect("a response");
            head.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
        };
        (first..requests).step_by(CONNECTIONS as usize).map(ask).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS).map(|first| scope.spawn(move || client(first))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}
