//! Serves an upstream's connection with HTTP/1.1.
//!
//! Only adds the framing to an answer: `content-length` for a body of at most one piece, otherwise chunks.

use super::Server;
use crate::envoy::http1::{Kind, Message, Reader};
use crate::envoy::kernel;
use crate::envoy::wire::Outgoing;
use crate::{Answer, Response, UpstreamRequest};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

pub(super) async fn serve(mut stream: TcpStream, server: &Server) -> io::Result<()> {
    let mut reader = Reader::new(Kind::Request);
    while let Some((method, answer)) = request(&mut stream, &mut reader, server).await? {
        match answer {
            Answer::Reply { response, after } => {
                tokio::time::sleep(after).await;
                let pieces = wire(&method, &response);
                write(&mut stream, &pieces).await?;
                // The next connection is to be refused, so Envoy must not reuse this one.
                if server.refuses() {
                    return Ok(());
                }
            }
            Answer::ResetMidResponse(response) => {
                let pieces = part(wire(&method, &response), response.body.len());
                return write(&mut stream, &pieces).await;
            }
            Answer::Hang => return until_closed(&mut stream).await,
            Answer::Reset | Answer::Refuse | Answer::Grpc { .. } => return Ok(()),
        }
    }
    Ok(())
}

/// Returns the next request's method and its answer, or `None` at the end of the connection.
async fn request(
    stream: &mut TcpStream,
    reader: &mut Reader,
    server: &Server,
) -> io::Result<Option<(String, Answer)>> {
    let mut buffer = vec![0; 64 * 1024];
    let mut begun = None;
    loop {
        if begun.is_none()
            && let Some(message) = reader.begun()
        {
            let request = record(message);
            begun = Some((request.method.clone(), server.turn(&request.path), server.begin(request)));
        }
        if let Some((method, answer, at)) = &begun
            && let Some(message) = reader.take()
        {
            server.complete(*at, message.body, message.trailers, true);
            return Ok(Some((method.clone(), answer.clone())));
        }
        let read = stream.read(&mut buffer).await;
        match read {
            Ok(n) if n > 0 && !reader.is_broken() => reader.push(&buffer[..n]),
            _ => {
                if let (Some((.., at)), Some(message)) = (begun, reader.begun()) {
                    server.complete(at, message.body.clone(), message.trailers.clone(), false);
                }
                return read.map(|_| None);
            }
        }
    }
}

fn record(message: &Message) -> UpstreamRequest {
    let [method, path, _] = message.words();
    let mut headers = message.headers.clone();
    let authority = headers.get("host").map(|h| String::from_utf8_lossy(h).into_owned()).unwrap_or_default();
    headers.remove("host");
    UpstreamRequest {
        cluster: String::new(),
        method,
        path,
        authority,
        headers,
        body: Vec::new(),
        trailers: crate::Headers::default(),
        ended: false,
    }
}

fn wire(method: &str, response: &Response) -> Vec<Vec<u8>> {
    let reason = http::StatusCode::from_u16(response.status).ok().and_then(|s| s.canonical_reason());
    // RFC 9110 section 6.4.1: these responses have no body. No length is added to them (section 8.6).
    let bodiless = matches!(response.status, 100..=199 | 204 | 304);
    let silent = method == "HEAD" || bodiless;
    Outgoing {
        start: format!("HTTP/1.1 {} {}", response.status, reason.unwrap_or("Scripted")),
        first: &[],
        headers: &response.headers,
        body: if silent { &[] } else { &response.body },
        trailers: if silent { const { &crate::Headers(Vec::new()) } } else { &response.trailers },
        with_empty_length: !silent,
    }
    .pieces()
}

/// Returns the head and a part of the body: all pieces except the last, or half of the only one. The body is
/// never complete; an empty one gets a length of 1.
fn part(mut pieces: Vec<Vec<u8>>, body: usize) -> Vec<Vec<u8>> {
    if body > 1 {
        pieces.pop();
    } else if let Some(only) = pieces.first_mut() {
        let head = only.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |at| at + 4);
        let half = (only.len() - head) / 2;
        only.truncate(head + half);
        if body == 0 {
            *only =
                String::from_utf8_lossy(only).replace("content-length: 0", "content-length: 1").into_bytes();
        }
    }
    pieces
}

async fn write(stream: &mut TcpStream, pieces: &[Vec<u8>]) -> io::Result<()> {
    let (us, peer) = (stream.local_addr()?, stream.peer_addr()?);
    for (i, piece) in pieces.iter().enumerate() {
        let deadline = Instant::now() + kernel::PATIENCE;
        while i > 0 && kernel::unread(us, peer) && Instant::now() < deadline {
            tokio::time::sleep(kernel::POLL).await;
        }
        stream.write_all(piece).await?;
    }
    Ok(())
}

async fn until_closed(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}
