//! A port that is ours whether or not we listen on it.
//!
//! To refuse a connection there must be no listener, and yet nobody else may take the port meanwhile. Linux keeps a
//! socket bound when its listening is shut down, and lets it listen again.

use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::{Mutex, PoisonError};
use tokio::net::TcpListener;

const BACKLOG: i32 = 1024;

pub(in crate::envoy) struct Port {
    socket: Socket,
    address: SocketAddr,
    open: Mutex<bool>,
}

impl Port {
    /// Takes a port of the kernel's choice; connections to it are refused.
    pub fn reserve() -> io::Result<Self> {
        let any = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = any.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        // A port that the kernel chose is given up with the listening; one that was asked for by its number is not
        // (`SOCK_BINDPORT_LOCK` in Linux' net/ipv4). So ask for it again while we hold it.
        let socket = bind(address)?;
        Ok(Self { socket, address, open: Mutex::new(false) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens, if it does not yet.
    pub fn open(&self) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !*open {
            self.socket.listen(BACKLOG)?;
            *open = true;
        }
        Ok(())
    }

    /// Refuses connections. Those that were made stay.
    pub fn close(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut *open) {
            // Fails only for a socket that does not listen.
            let _ = self.socket.shutdown(Shutdown::Both);
        }
    }

    /// The listener, if it listens. Its `accept` fails when the port is closed.
    pub fn listener(&self) -> io::Result<Option<TcpListener>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !*open {
            return Ok(None);
        }
        TcpListener::from_std(self.socket.try_clone()?.into()).map(Some)
    }
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    #[test]
    fn opens_closes_and_opens_again() {
        let port = Port::reserve().unwrap();
        let refused = || TcpStream::connect(port.address()).unwrap_err().kind();
        assert_eq!(refused(), io::ErrorKind::ConnectionRefused);
        port.open().unwrap();
        let kept = TcpStream::connect(port.address()).unwrap();
        port.close();
        assert_eq!(refused(), io::ErrorKind::ConnectionRefused);
        port.open().unwrap();
        TcpStream::connect(port.address()).unwrap();
        drop(kept);
    }
}
