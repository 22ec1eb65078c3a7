//! A real Envoy with an upstream and clients that send requests at the same time. Scenarios send one request
//! after another.

#![allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]

use crate::support::filter;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tollgate_host_test::envoy::bootstrap::{
    INGRESS, any_host, bootstrap, cluster, connection_manager, listener, wasm,
};
use tollgate_host_test::envoy::{Options, Process};

/// Answer of an upstream to a request.
#[derive(Clone, Copy)]
pub enum Answer {
    /// Sends this status after some time.
    Status(u16, Duration),
    /// Sends 200 and 500 in turn.
    Alternating,
    /// Sends the headers of a response and a part of its body, and hangs.
    Part,
}

/// An upstream that counts requests.
pub struct Upstream {
    pub address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    requests: Arc<AtomicUsize>,
}

impl Upstream {
    pub fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let upstream = Self { address, answer: Arc::new(Mutex::new(answer)), requests: Arc::default() };
        let (answer, requests) = (upstream.answer.clone(), upstream.requests.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (answer, requests) = (answer.clone(), requests.clone());
                std::thread::spawn(move || serve(connection, &answer, &requests));
            }
        });
        upstream
    }

    /// Sets what the upstream does from now on.
    pub fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Returns the number of requests since the last call.
    pub fn received(&self) -> usize {
        self.requests.swap(0, SeqCst)
    }
}

fn serve(mut connection: TcpStream, answer: &Mutex<Answer>, requests: &AtomicUsize) {
    connection.set_nodelay(true).unwrap();
    while read_message(&mut connection).is_ok() {
        let number = requests.fetch_add(1, SeqCst);
        let answer = *answer.lock().unwrap();
        let (status, body) = match answer {
            Answer::Status(status, after) => {
                std::thread::sleep(after);
                (status, "0")
            }
            Answer::Alternating => (if number.is_multiple_of(2) { 200 } else { 500 }, "0"),
            Answer::Part => (200, "10"),
        };
        let response = format!("HTTP/1.1 {status} Status\r\ncontent-length: {body}\r\n\r\n");
        if connection.write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads a message with its body, and returns its head.
fn read_message(connection: &mut TcpStream) -> std::io::Result<String> {
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
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => text.push_str(std::str::from_utf8(&piece[..read]).unwrap()),
        }
    }
}

/// Starts an Envoy with these filters in front of an upstream, whose cluster admits many requests.
pub fn envoy(filters: Vec<Value>, workers: usize, upstream: SocketAddr) -> Process {
    limited(filters, workers, upstream, 10_000)
}

/// Starts an Envoy with these filters in front of an upstream, whose cluster admits this many requests.
pub fn limited(filters: Vec<Value>, workers: usize, upstream: SocketAddr, most: u32) -> Process {
    let route = json!({"match": {"prefix": "/"}, "route": {"cluster": "up", "timeout": "2s"}});
    let manager = connection_manager(filters, &[any_host(&[route])]);
    let listener = listener(INGRESS, ([127, 0, 0, 1], 0).into(), manager);
    let options = Options { workers, ..Options::default() };
    let mut cluster = cluster("up", upstream, false);
    let most = json!({"max_requests": most, "max_pending_requests": most, "max_connections": most});
    cluster["circuit_breakers"] = json!({"thresholds": [most]});
    Process::start(&bootstrap(&[listener], &[cluster]), &options).unwrap()
}

/// A connection of a client.
pub struct Client(TcpStream);

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let connection = TcpStream::connect(address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        connection.set_nodelay(true).unwrap();
        Self(connection)
    }

    /// Returns the status of a request.
    pub fn ask(&mut self) -> u16 {
        self.0.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        let head = read_message(&mut self.0).expect("a response");
        head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{head}"))
    }
}

/// The filter with one breaker, named `a`.
pub fn breaker(breaker: &Value) -> Value {
    wasm(&filter().config(json!({"breakers": {"a": breaker}, "response": {"body_format": "empty"}})))
}

/// Statistics of the breaker.
pub fn of_a(envoy: &Process) -> impl Fn(&str) -> usize {
    let stats = envoy.stats_matching("circuit_breaker").unwrap();
    move |name| stats.get(&format!("wasmcustom.circuit_breaker.{name}")).copied().unwrap_or(0) as usize
}
