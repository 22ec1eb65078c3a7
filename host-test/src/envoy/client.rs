//! A client that sends what it is told to, byte by byte.
//!
//! Each request has a connection of its own and is written while the response is read: a proxy may answer before it
//! has seen the whole request, and then stop reading it.

use super::http1::{Kind, Reader};
use super::kernel;
use super::tls::Socket;
use super::wire::Outgoing;
use crate::{ClientView, Request, Response, Tls};
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(20);

/// Sends a request, and waits for the next byte this long. What came of it, and the port it was sent from.
pub(super) fn send(
    proxy: SocketAddr,
    request: &Request,
    tls: Tls,
    patience: Duration,
) -> io::Result<(ClientView, u16)> {
    let stream = TcpStream::connect_timeout(&proxy, CONNECT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    let us = stream.local_addr()?;
    let socket = Socket::new(stream.try_clone()?, tls, request.certificate)?;
    let view = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut pieces = wire(request).into_iter().peekable();
            while let Some(piece) = pieces.next() {
                if socket.write_all(&piece).is_err() {
                    return; // The proxy has had enough; what it answered is the reader's to tell.
                }
                if pieces.peek().is_some() {
                    kernel::wait_until_read(us, proxy);
                }
            }
        });
        let kind = if request.method == "HEAD" { Kind::ResponseToHead } else { Kind::Response };
        let view = receive(&socket, kind);
        // Whatever is still to be written is of no use to anyone. Fails when the proxy has closed already.
        let _ = stream.shutdown(Shutdown::Both);
        view
    });
    Ok((view, us.port()))
}

fn receive(socket: &Socket, kind: Kind) -> ClientView {
    let mut reader = Reader::new(kind);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => {
                reader.end();
                return view(&mut reader).unwrap_or(ClientView::Reset);
            }
            Ok(n) => reader.push(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return ClientView::Hang;
            }
            Err(_) => return ClientView::Reset,
        }
        if let Some(view) = view(&mut reader) {
            return view;
        }
        if reader.is_broken() {
            return ClientView::Reset;
        }
    }
}

/// The response, once it is complete, without `date`: it is the one field that no two runs share.
fn view(reader: &mut Reader) -> Option<ClientView> {
    let message = reader.take()?;
    let status = message.status();
    let mut headers = message.headers;
    headers.remove("date");
    let body = if message.body.is_empty() { Vec::new() } else { vec![message.body] };
    Some(ClientView::Response(Response { status, headers, body, trailers: message.trailers }))
}

/// The request in the pieces in which it is written: `host`, its other fields, the framing.
fn wire(request: &Request) -> Vec<Vec<u8>> {
    Outgoing {
        start: format!("{} {} HTTP/1.1", request.method, request.path),
        first: &[("host", &request.authority)],
        headers: &request.headers,
        body: &request.body,
        trailers: &request.trailers,
        says_empty: false,
    }
    .pieces()
}
