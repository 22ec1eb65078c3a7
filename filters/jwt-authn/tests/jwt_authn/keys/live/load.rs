//! Clients under continuous load, and checks of their responses.

use super::super::{ISSUER, key, token};
use super::issuer::Issuer;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tollgate_mint::Signer;

/// Results of the clients.
#[derive(Default)]
pub struct Seen {
    pub good: AtomicU64,
    pub bad: AtomicU64,
    /// Wrong responses.
    pub wrong: Mutex<Vec<String>>,
}

/// Clients with their own connections.
pub struct Load {
    pub seen: Arc<Seen>,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts clients that alternate between a valid and an invalid token.
    pub fn start(clients: usize, proxy: SocketAddr, issuer: &Issuer) -> Self {
        let (seen, stop) = (Arc::<Seen>::default(), Arc::<AtomicBool>::default());
        let clients = (0..clients)
            .map(|_| {
                let (issuer, seen, stop) = (issuer.clone(), Arc::clone(&seen), Arc::clone(&stop));
                std::thread::spawn(move || client(proxy, &issuer, &seen, &stop))
            })
            .collect();
        Self { seen, stop, clients }
    }

    /// Stops the clients. All their responses must be correct.
    pub fn finish(self) -> Arc<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client that can send");
        }
        assert_eq!(*self.seen.wrong.lock().expect("no panic"), Vec::<String>::new());
        self.seen
    }
}

fn client(proxy: SocketAddr, issuer: &Issuer, seen: &Seen, stop: &AtomicBool) {
    let mut connection = Connection::to(proxy);
    let mut turn = 0usize;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let number = issuer.signing();
        let status = connection.status(&token(&key(number)));
        seen.good.fetch_add(1, Ordering::Relaxed);
        // Except if this client was suspended until the key was removed.
        if status != 200 && issuer.publishes(number) {
            let what = format!("{status} for a token by key {number}");
            seen.wrong.lock().expect("no panic").push(what);
        }
        let (what, bad) = bad(turn, number);
        let status = connection.status(&bad);
        seen.bad.fetch_add(1, Ordering::Relaxed);
        if status != 401 {
            seen.wrong.lock().expect("no panic").push(format!("{status} for {what}"));
        }
    }
}

/// An invalid token, with the `kid` of a published key.
fn bad(turn: usize, number: usize) -> (&'static str, String) {
    let other = || key(number + 1).with_kid(&format!("k{number}"));
    let claims = json!({"iss": ISSUER, "exp": 4_000_000_000u64, "turn": turn});
    match turn % 4 {
        0 => ("a token by another key", other().token(&claims)),
        1 => ("a token that has expired", key(number).token(&json!({"iss": ISSUER, "exp": 1}))),
        2 => (
            "another issuer's token",
            key(number).token(&json!({"iss": "https://else", "exp": 4_000_000_000u64})),
        ),
        _ => {
            let good: Signer = key(number);
            let mut text = good.token(&claims);
            let end = text.split_off(text.rfind('.').expect("three parts"));
            text.push('x');
            text.push_str(&end);
            ("a token whose payload was changed", text)
        }
    }
}

/// A persistent connection.
pub struct Connection {
    socket: BufReader<TcpStream>,
}

impl Connection {
    pub fn to(proxy: SocketAddr) -> Self {
        let socket = TcpStream::connect(proxy).expect("the proxy listens");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        socket.set_nodelay(true).expect("no delay");
        Self { socket: BufReader::new(socket) }
    }

    /// The status of the response to a request with this token.
    pub fn status(&mut self, token: &str) -> u16 {
        let request = format!("GET / HTTP/1.1\r\nhost: a.test\r\nauthorization: Bearer {token}\r\n\r\n");
        self.socket.get_mut().write_all(request.as_bytes()).expect("it is sent");
        let (mut line, mut status, mut length) = (String::new(), None, 0);
        loop {
            line.clear();
            self.socket.read_line(&mut line).expect("an answer");
            let text = line.trim_end().to_ascii_lowercase();
            if status.is_none() {
                status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
            } else if let Some(value) = text.strip_prefix("content-length: ") {
                length = value.parse().expect("a length");
            } else if text.is_empty() {
                break;
            }
        }
        self.socket.read_exact(&mut vec![0; length]).expect("the body");
        status.expect("a status")
    }
}
