//! A Redis of a test's own.

use crate::resp::{Connection, Reply};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A Redis on a port of loopback that was free, with nothing in it, which ends with this.
#[derive(Debug)]
pub struct Redis {
    process: Child,
    port: u16,
    directory: TempDir,
}

impl Redis {
    /// Starts one, and waits until it answers.
    pub fn start() -> Self {
        // Between looking for a port and having it, another may take it.
        (0..5).find_map(|_| Self::try_start()).expect("redis-server starts; see what it said above")
    }

    fn try_start() -> Option<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let directory = tempfile::tempdir().expect("a directory");
        let spawned = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let process = spawned.unwrap_or_else(|error| {
            panic!("`redis-server` does not start ({error}): run `scripts/setup redis`, or put one on PATH")
        });
        let mut redis = Self { process, port, directory };
        redis.is_up().then_some(redis)
    }

    /// Whether it came up on that port.
    #[allow(clippy::disallowed_methods, reason = "a real process takes real time")]
    fn is_up(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if self.process.try_wait().expect("it is a child").is_some() {
                return false;
            }
            // Whoever else may have got the port has another directory.
            let asked = Connection::open(self.port).and_then(|mut connection| connection.command(&["PING"]));
            if asked.is_ok_and(|reply| reply == Reply::Status("PONG".into())) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it works, while it does.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
