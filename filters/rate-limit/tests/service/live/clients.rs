//! Clients with persistent connections, which report the result and the duration of each request. If a
//! request is not answered within 20 s, or its connection ends without an answer, the test fails: no request
//! may be lost.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A connection that is kept.
pub struct Client {
    socket: BufReader<TcpStream>,
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// In lower case.
    pub headers: Vec<(String, String)>,
    pub took: Duration,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is the service that refused.
    pub fn is_of_service(&self) -> bool {
        self.status == 429 && self.header("x-envoy-ratelimited") == Some("true")
    }
}

impl Client {
    pub fn to(at: SocketAddr) -> Self {
        let socket = TcpStream::connect(at).expect("the proxy listens");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        socket.set_nodelay(true).expect("no delay");
        Self { socket: BufReader::new(socket) }
    }

    /// A request of a client of this name.
    pub fn get(&mut self, client: &str) -> Answer {
        self.send("/", &[("host", "shop.test"), ("x-client", client)])
    }

    /// A request with these headers and no body.
    pub fn send(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let begun = Instant::now();
        self.say(path, headers);
        let (mut line, mut status, mut length) = (String::new(), None, 0);
        let mut headers = Vec::new();
        loop {
            line.clear();
            let read = self.socket.read_line(&mut line).expect("an answer");
            assert!(read > 0, "the connection ends without an answer");
            let text = line.trim_end();
            if status.is_none() {
                status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
            } else if let Some((name, value)) = text.split_once(": ") {
                if name == "content-length" {
                    length = value.parse().expect("a length");
                }
                headers.push((name.to_ascii_lowercase(), value.to_owned()));
            } else if text.is_empty() {
                break;
            }
        }
        self.socket.read_exact(&mut vec![0; length]).expect("the body");
        Answer { status: status.expect("a status"), headers, took: begun.elapsed() }
    }

    /// The same, and does not wait for the answer.
    pub fn say(&mut self, path: &str, headers: &[(&str, &str)]) {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("GET {path} HTTP/1.1\r\n{headers}\r\n");
        self.socket.get_mut().write_all(request.as_bytes()).expect("it is sent");
    }
}

/// Summary of the answers to clients.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub statuses: BTreeMap<u16, u64>,
    /// Refusals of the service.
    pub of_service: u64,
    pub slowest: Duration,
}

impl Tally {
    fn add(&mut self, answer: &Answer) {
        *self.statuses.entry(answer.status).or_default() += 1;
        self.of_service += u64::from(answer.is_of_service());
        self.slowest = self.slowest.max(answer.took);
    }

    /// How often this status.
    pub fn of(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or_default()
    }

    /// All answers.
    pub fn all(&self) -> u64 {
        self.statuses.values().sum()
    }
}

/// Starts a client for each address. Each one sends `requests` requests of this name, one after another.
pub fn burst(clients: &[SocketAddr], requests: usize, name: &str) -> Tally {
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for at in clients {
            scope.spawn(|| {
                let mut client = Client::to(*at);
                for _ in 0..requests {
                    let answer = client.get(name);
                    tally.lock().expect("no panic").add(&answer);
                }
            });
        }
    });
    tally.into_inner().expect("no panic")
}

/// A client that runs until it is stopped.
pub struct Load {
    tally: Arc<Mutex<Tally>>,
    stop: Arc<AtomicBool>,
    client: JoinHandle<()>,
}

impl Load {
    pub fn start(at: SocketAddr, name: &str) -> Self {
        let (tally, stop) = (Arc::<Mutex<Tally>>::default(), Arc::<AtomicBool>::default());
        let (seen, stopped, name) = (Arc::clone(&tally), Arc::clone(&stop), name.to_owned());
        let client = std::thread::spawn(move || {
            let mut client = Client::to(at);
            while !stopped.load(Ordering::Relaxed) {
                let answer = client.get(&name);
                seen.lock().expect("no panic").add(&answer);
                // Others are to have their turn on two cores.
                std::thread::sleep(Duration::from_micros(500));
            }
        });
        Self { tally, stop, client }
    }

    /// So far.
    pub fn seen(&self) -> Tally {
        self.tally.lock().expect("no panic").clone()
    }

    /// Stops it; all that it sent was answered.
    pub fn finish(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        self.client.join().expect("all was answered");
        self.tally.lock().expect("no panic").clone()
    }
}
