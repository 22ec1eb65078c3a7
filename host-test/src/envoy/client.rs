//! A client that sends requests exactly as the scenario describes them.
//!
//! Each request has its own connection. One thread writes the request while another reads the response,
//! because a proxy may respond before it has read the whole request, and then stop reading.

use super::tls::Socket;
use super::{http2, kernel};
use crate::http1::{Kind, Outgoing, Reader, take_response, wait_before};
use crate::{ClientView, Request, Tls};
use socket2::{Domain, Protocol, Socket as Socket2, Type};
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

const CONNECT: Duration = Duration::from_secs(20);

/// Sends a request. Waits up to `patience` for each next byte, and at most until the client disconnects.
/// Returns what the client received, and its port.
pub(super) fn send(
    proxy: SocketAddr,
    request: &Request,
    tls: Tls,
    patience: Duration,
) -> io::Result<(ClientView, u16)> {
    if request.http2 {
        return http2::send(proxy, request, patience);
    }
    let stream = connect(request, proxy)?;
    stream.set_nodelay(true)?;
    let end = request.disconnect_after.map(|time| Instant::now() + time);
    let us = stream.local_addr()?;
    let socket = Socket::new(stream.try_clone()?, tls, request)?;
    let (ended, stop) = mpsc::channel::<()>();
    let writer = &socket;
    let view = std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut pieces = wire(request).into_iter().enumerate().peekable();
            while let Some((at, piece)) = pieces.next() {
                let wait = wait_before(&request.waits, at);
                // The channel closes when the client has the response, or disconnects.
                if !wait.is_zero() && stop.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                if writer.write_all(&piece).is_err() {
                    return; // The proxy stopped reading. The reader returns its response.
                }
                if pieces.peek().is_some() {
                    kernel::wait_until_read(us, proxy);
                }
            }
        });
        let kind = if request.method == "HEAD" { Kind::ResponseToHead } else { Kind::Response };
        let view = receive(&socket, &stream, kind, patience, end);
        drop(ended);
        // Stops the writer. Fails if the proxy has already closed the connection.
        let _ = stream.shutdown(Shutdown::Both);
        view
    });
    Ok((view, us.port()))
}

/// Connects from the address of the request's peer.
pub(super) fn connect(request: &Request, proxy: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket2::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    if request.peer != Ipv4Addr::LOCALHOST {
        socket.bind(&SocketAddr::from((request.peer, 0)).into())?;
    }
    socket.connect_timeout(&proxy.into(), CONNECT)?;
    Ok(socket.into())
}

/// Reads the response, until `end` at the latest.
fn receive(
    socket: &Socket,
    stream: &TcpStream,
    kind: Kind,
    patience: Duration,
    end: Option<Instant>,
) -> ClientView {
    let mut reader = Reader::new(kind);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return ClientView::Reset;
        }
        // Fails only for a timeout of zero, or if the connection has ended, which the next read reports.
        let _ = stream.set_read_timeout(Some(left.map_or(patience, |left| left.min(patience))));
        match socket.read(&mut buffer) {
            Ok(0) => {
                reader.end();
                return take_response(&mut reader).map_or(ClientView::Reset, ClientView::Response);
            }
            Ok(n) => reader.push(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                if left.is_none_or(|left| left > patience) {
                    return ClientView::Hang;
                }
                continue;
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
        waits: &request.waits,
        with_empty_length: false,
    }
    .pieces()
}
