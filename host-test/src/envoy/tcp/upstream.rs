//! The upstream server of the TCP proxy.

use super::peer::{self, Seen};
use crate::envoy::upstream::Port;
use crate::{Received, Script, TcpUpstream};
use socket2::SockRef;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The bytes that each connection has received so far.
type Record = Arc<Mutex<Vec<Seen>>>;

/// A listening server, or a port that refuses connections. Dropping it closes the port and waits for its
/// connections, so Envoy must have exited before.
pub(in crate::envoy) struct Server {
    address: SocketAddr,
    record: Record,
    listener: Option<(TcpListener, JoinHandle<()>)>,
    _refusing: Option<Port>,
}

impl Server {
    /// Starts the server on a port that the kernel chooses.
    pub fn start(behaviour: &TcpUpstream) -> io::Result<Self> {
        let record = Record::default();
        if *behaviour == TcpUpstream::Refuse {
            let port = Port::reserve()?;
            return Ok(Self { address: port.address(), record, listener: None, _refusing: Some(port) });
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (accepting, kept, behaviour) = (listener.try_clone()?, Arc::clone(&record), behaviour.clone());
        let thread = std::thread::spawn(move || {
            let mut connections = Vec::new();
            // Fails when the listener is shut down.
            while let Ok((stream, _)) = accepting.accept() {
                connections.push(serve(stream, behaviour.clone(), &kept));
            }
            for connection in connections {
                // A panic of the thread has already printed its message.
                let _ = connection.join();
            }
        });
        Ok(Self { address, record, listener: Some((listener, thread)), _refusing: None })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns how many connections were accepted so far.
    pub fn count(&self) -> usize {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Returns what was received so far on the connections from this index on.
    pub fn received(&self, from: usize) -> Vec<Received> {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |seen: &Seen| seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        record.iter().skip(from).map(read).collect()
    }
}

fn serve(stream: TcpStream, behaviour: TcpUpstream, record: &Record) -> JoinHandle<()> {
    let seen = peer::nothing();
    record.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&seen));
    std::thread::spawn(move || match behaviour {
        TcpUpstream::Script(script) => peer::play(stream, &script, &seen),
        TcpUpstream::Echo | TcpUpstream::Refuse => peer::echo(stream, Script::default().patience, &seen),
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((listener, thread)) = self.listener.take() {
            // Fails only if the socket does not listen.
            let _ = SockRef::from(&listener).shutdown(Shutdown::Both);
            // A panic of the thread has already printed its message.
            let _ = thread.join();
        }
    }
}
