//! A port that stays reserved while it does not listen.
//!
//! To refuse connections, a port must not listen, but no other process may bind it in the meantime. On Linux,
//! a socket stays bound when `shutdown` stops it from listening, and can listen again.

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
    /// Reserves a port that the kernel chooses. The port refuses connections.
    pub fn reserve() -> io::Result<Self> {
        let any = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = any.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        // When a socket stops listening, Linux releases a port that the kernel chose, but not one that was
        // bound by its number (`SOCK_BINDPORT_LOCK` in net/ipv4). So bind it again by its number while `any`
        // reserves it.
        let socket = bind(address)?;
        Ok(Self { socket, address, open: Mutex::new(false) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts listening, unless it already does.
    pub fn open(&self) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !*open {
            self.socket.listen(BACKLOG)?;
            *open = true;
        }
        Ok(())
    }

    /// Stops listening, so that the port refuses connections. Existing connections stay open.
    pub fn close(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut *open) {
            // Fails only if the socket does not listen.
            let _ = self.socket.shutdown(Shutdown::Both);
        }
    }

    /// Returns the listener, if the port listens. Its `accept` fails once the port is closed.
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
