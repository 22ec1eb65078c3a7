//! One end of a connection, which runs its script on a real socket.

use crate::envoy::kernel;
use crate::{End, Received, Script, Step};
use socket2::SockRef;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The bytes that an end has received so far.
pub(super) type Seen = Arc<Mutex<Received>>;

/// Creates an empty [`Seen`].
pub(super) fn nothing() -> Seen {
    Arc::new(Mutex::new(Received { bytes: Vec::new(), end: End::Open }))
}

/// Connects and runs the script. Returns what this end received, and its port.
pub(in crate::envoy) fn connect(proxy: SocketAddr, script: &Script) -> io::Result<(Received, u16)> {
    let stream = TcpStream::connect_timeout(&proxy, script.patience)?;
    let port = stream.local_addr()?.port();
    let seen = nothing();
    play(stream, script, &seen);
    let received = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((received, port))
}

/// Runs a script, reads until the end of the connection, and closes the socket.
pub(super) fn play(stream: TcpStream, script: &Script, seen: &Seen) {
    let peer = Peer::new(stream, script.patience, seen);
    for step in &script.steps {
        if matches!(peer.end(), End::Open | End::Closed) {
            peer.step(step);
        }
    }
    peer.read_to_end();
}

/// Sends back all bytes.
pub(super) fn echo(stream: TcpStream, patience: Duration, seen: &Seen) {
    let peer = Peer::new(stream, patience, seen);
    while peer.end() == End::Open {
        let piece = peer.read(BUFFER);
        peer.send(&piece);
    }
}

const BUFFER: usize = 64 * 1024;

struct Peer<'a> {
    stream: TcpStream,
    patience: Duration,
    seen: &'a Seen,
}

impl<'a> Peer<'a> {
    fn new(stream: TcpStream, patience: Duration, seen: &'a Seen) -> Self {
        // Fails only if the connection has ended, which the first read reports.
        let _ = stream.set_nodelay(true);
        Self { stream, patience, seen }
    }

    fn seen(&self) -> MutexGuard<'_, Received> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) -> End {
        self.seen().end
    }

    fn step(&self, step: &Step) {
        match step {
            Step::Send(bytes) => self.send(bytes),
            Step::Receive(count) => {
                let mut left = *count;
                while left > 0 && self.end() == End::Open {
                    left -= self.read(left).len();
                }
            }
            Step::ReceiveEnd => self.read_to_end(),
            Step::ShutDown => {
                self.wait_until_read();
                // Fails if the connection has ended, which the next read reports.
                let _ = self.stream.shutdown(Shutdown::Write);
            }
            Step::Reset => {
                self.wait_until_read();
                self.break_off(End::Broken);
            }
            Step::Wait(time) => std::thread::sleep(*time),
        }
    }

    fn send(&self, bytes: &[u8]) {
        self.wait_until_read();
        let sent = (&self.stream).write_all(bytes);
        // Any other error means that the connection has ended, which the next read reports.
        if sent.is_err_and(|e| e.kind() == io::ErrorKind::ConnectionReset) && self.end() == End::Open {
            self.seen().end = End::Reset;
        }
    }

    fn wait_until_read(&self) {
        if let (Ok(us), Ok(them)) = (self.stream.local_addr(), self.stream.peer_addr()) {
            kernel::wait_until_read(us, them);
        }
    }

    fn read_to_end(&self) {
        while self.end() == End::Open {
            self.read(BUFFER);
        }
    }

    /// Waits for bytes, or for the end of the connection.
    fn read(&self, max: usize) -> Vec<u8> {
        let mut buffer = vec![0; max];
        // Fails only for a timeout of zero.
        let _ = self.stream.set_read_timeout(Some(self.patience));
        let n = loop {
            match (&self.stream).read(&mut buffer) {
                Ok(n) => break n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    self.break_off(End::Hang);
                    return Vec::new();
                }
                Err(_) => {
                    self.seen().end = End::Reset;
                    return Vec::new();
                }
            }
        };
        buffer.truncate(n);
        match n {
            0 => self.seen().end = End::Closed,
            _ => self.seen().bytes.extend_from_slice(&buffer),
        }
        buffer
    }

    /// Makes the socket send RST instead of FIN when it is closed, even if it has unread bytes.
    fn break_off(&self, end: End) {
        // Fails only if the connection has ended.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        self.seen().end = end;
    }
}
