//! A client that sends requests exactly as the scenario describes them.
//!
//! Each request has its own connection. One thread writes the request while another reads the response,
//! because a proxy may respond before it has read the whole request, and then stop reading.

use super::kernel;
use super::tls::Socket;
use crate::http1::{Kind, Outgoing, Reader, take_response};
use crate::{ClientView, Request, Tls};
use socket2::{Domain, Protocol, Socket as Socket2, Type};
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(20);

/// Sends a request. Waits up to `patience` for each next byte. Returns what the client received, and its
/// port.
pub(super) fn send(
    proxy: SocketAddr,
    request: &Request,
    tls: Tls,
    patience: Duration,
) -> io::Result<(ClientView, u16)> {
    let stream = connect(request, proxy)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    let us = stream.local_addr()?;
    let socket = Socket::new(stream.try_clone()?, tls, request)?;
    let view = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut pieces = wire(request).into_iter().peekable();
            while let Some(piece) = pieces.next() {
                if socket.write_all(&piece).is_err() {
                    return; // The proxy stopped reading. The reader returns its response.
                }
                if pieces.peek().is_some() {
                    kernel::wait_until_read(us, proxy);
                }
            }
        });
        let kind = if request.method == "HEAD" { Kind::ResponseToHead } else { Kind::Response };
        let view = receive(&socket, kind);
        // Stops the writer. Fails if the proxy has already closed the connection.
        let _ = stream.shutdown(Shutdown::Both);
        view
    });
    Ok((view, us.port()))
}

/// Connects from the address of the request's peer.
fn connect(request: &Request, proxy: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket2::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    if request.peer != Ipv4Addr::LOCALHOST {
        socket.bind(&SocketAddr::from((request.peer, 0)).into())?;
    }
    socket.connect_timeout(&proxy.into(), CONNECT)?;
    Ok(socket.into())
}

fn receive(socket: &Socket, kind: Kind) -> ClientView {
    let mut reader = Reader::new(kind);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => {
                reader.end();
                return take_response(&mut reader).map_or(ClientView::Reset, ClientView::Response);
            }
            Ok(n) => reader.push(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return ClientView::Hang;
            }
            Err(_) => return ClientView::Reset,
        }
        if let Some(response) = take_response(&mut reader) {
            return ClientView::Response(response);
        }
        if reader.is_broken() {
            return ClientView::Reset;
        }
    }
}

/// Returns the pieces in which to write the request: `host`, the other fields and the framing, then the body.
fn wire(request: &Request) -> Vec<Vec<u8>> {
    Outgoing {
        start: format!("{} {} HTTP/1.1", request.method, request.path),
        first: &[("host", &request.authority)],
        headers: &request.headers,
        body: &request.body,
        trailers: &request.trailers,
        with_empty_length: false,
    }
    .pieces()
}
