//! A Redis server for a test.

use crate::resp::{Connection, Reply};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An empty Redis server on a free loopback port. It stops when this value is dropped.
#[derive(Debug)]
pub struct Redis {
    process: Child,
    port: u16,
    directory: TempDir,
}

impl Redis {
    /// Starts a server, and waits until it answers.
    pub fn start() -> Self {
        // Another process may take the free port before Redis does, so try several times.
        (0..5).find_map(|_| Self::try_start()).expect("redis-server did not start; see its output above")
    }

    fn try_start() -> Option<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("free loopback port");
        let port = listener.local_addr().expect("listener is bound").port();
        drop(listener);
        let directory = tempfile::tempdir().expect("temporary directory");
        let spawned = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let process = spawned.unwrap_or_else(|error| {
            panic!("cannot start `redis-server` ({error}): run `scripts/setup redis`, or install it on PATH")
        });
        let mut redis = Self { process, port, directory };
        redis.is_up().then_some(redis)
    }

    /// Waits until the server answers on its port. Returns whether it does.
    #[allow(clippy::disallowed_methods, reason = "a real process takes real time")]
    fn is_up(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if self.process.try_wait().expect("child process").is_some() {
                return false;
            }
            // Any other process on this port is not a Redis, and does not answer `PONG`.
            let asked = Connection::open(self.port).and_then(|mut connection| connection.command(&["PING"]));
            if asked.is_ok_and(|reply| reply == Reply::Status("PONG".into())) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the working directory of the server, which exists while it runs.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // The process may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
