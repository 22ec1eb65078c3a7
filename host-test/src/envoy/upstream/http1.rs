//! Serves an upstream's connection with HTTP/1.1.
//!
//! Only adds the framing to an answer: `content-length` for a body of at most one piece, otherwise chunks.

use super::Server;
use crate::envoy::kernel;
use crate::http1::{Kind, Reader, part, record, response_to, wait_before};
use crate::{Answer, Waits};
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
                let pieces = response_to(&method, &response);
                write(&mut stream, &pieces, &response.waits).await?;
                // The next connection is to be refused, so Envoy must not reuse this one.
                if server.refuses() {
                    return Ok(());
                }
            }
            Answer::ResetMidResponse(mut response) => {
                response.waits.clear();
                let pieces = part(response_to(&method, &response), response.body.len());
                return write(&mut stream, &pieces, &response.waits).await;
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

async fn write(stream: &mut TcpStream, pieces: &[Vec<u8>], waits: &Waits) -> io::Result<()> {
    let (us, peer) = (stream.local_addr()?, stream.peer_addr()?);
    for (i, piece) in pieces.iter().enumerate() {
        let deadline = Instant::now() + kernel::PATIENCE;
        while i > 0 && kernel::unread(us, peer) && Instant::now() < deadline {
            tokio::time::sleep(kernel::POLL).await;
        }
        tokio::time::sleep(wait_before(waits, i)).await;
        stream.write_all(piece).await?;
    }
    Ok(())
}

async fn until_closed(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}
