//! An issuer on its own socket: a JWKS with keys that change, and a server that can fail in several ways.

use super::super::{key, token};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tollgate_mint::jwks;

/// Responses of the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Health {
    /// The keys.
    Well,
    /// The keys, after a delay.
    Slow(Duration),
    /// This response.
    Says(u16, Vec<u8>),
    /// No response: the server closes the connection.
    Gone,
}

/// Current keys of the issuer.
struct Keys {
    /// Number of the key that signs.
    signing: usize,
    /// Numbers of the published keys.
    published: Vec<usize>,
    health: Health,
}

/// An issuer.
#[derive(Clone)]
pub struct Issuer {
    keys: Arc<Mutex<Keys>>,
    asked: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    pub at: SocketAddr,
}

impl Issuer {
    /// Starts an issuer that signs with key 0. Its threads end with the test.
    pub fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
        let issuer = Self {
            keys: Arc::new(Mutex::new(Keys { signing: 0, published: vec![0], health: Health::Well })),
            asked: Arc::default(),
            stopped: Arc::default(),
            at: socket.local_addr().expect("an address"),
        };
        let server = issuer.clone();
        std::thread::spawn(move || {
            for connection in socket.incoming().flatten() {
                if server.stopped.load(Ordering::Relaxed) {
                    return;
                }
                let server = server.clone();
                std::thread::spawn(move || server.serve(connection));
            }
        });
        issuer
    }

    /// A token that is valid now.
    pub fn token(&self) -> String {
        token(&key(self.keys.lock().expect("no panic").signing))
    }

    /// The number of the key that signs.
    pub fn signing(&self) -> usize {
        self.keys.lock().expect("no panic").signing
    }

    /// Whether this key is published.
    pub fn publishes(&self, number: usize) -> bool {
        self.keys.lock().expect("no panic").published.contains(&number)
    }

    /// Publishes these keys.
    pub fn publish(&self, published: &[usize]) {
        self.keys.lock().expect("no panic").published = published.to_vec();
    }

    /// Signs with this key from now on.
    pub fn sign_with(&self, signing: usize) {
        self.keys.lock().expect("no panic").signing = signing;
    }

    /// Responds in this way from now on.
    pub fn is(&self, health: Health) {
        self.keys.lock().expect("no panic").health = health;
    }

    /// Number of requests.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Ends its threads.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts connections.
        drop(TcpStream::connect(self.at));
    }

    fn serve(&self, mut connection: TcpStream) {
        let Ok(reading) = connection.try_clone() else { return };
        let mut lines = BufReader::new(reading).lines();
        while let Some(Ok(line)) = lines.next() {
            if !line.is_empty() {
                continue;
            }
            // The end of a request's headers; a GET has no body.
            self.asked.fetch_add(1, Ordering::Relaxed);
            let (health, text) = {
                let keys = self.keys.lock().expect("no panic");
                let signers: Vec<_> = keys.published.iter().map(|n| key(*n)).collect();
                (keys.health.clone(), jwks(&signers.iter().collect::<Vec<_>>()))
            };
            let (status, body) = match health {
                Health::Well => (200, text.into_bytes()),
                Health::Slow(by) => {
                    std::thread::sleep(by);
                    (200, text.into_bytes())
                }
                Health::Says(status, body) => (status, body),
                Health::Gone => return,
            };
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", body.len());
            let sent = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&body));
            if sent.is_err() {
                return;
            }
        }
    }
}
