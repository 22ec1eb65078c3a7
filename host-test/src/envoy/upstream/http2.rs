//! Serves an upstream's connection with HTTP/2 and gRPC.
//!
//! Adds nothing to an answer, because HTTP/2 frames the body. The library's header map groups fields with the
//! same name, and keeps their order.

use super::Server;
use crate::{Answer, Headers, Response, UpstreamRequest};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Ping, PingPong, RecvStream, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, Notify};

/// Large enough for every test, so that only the proxy limits the flow.
const WINDOW: u32 = 64 << 20;

pub(super) async fn serve(stream: TcpStream, server: &Arc<Server>) -> io::Result<()> {
    let mut connection = h2::server::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_header_list_size(16 << 20)
        .handshake::<_, Bytes>(stream)
        .await
        .map_err(io::Error::other)?;
    let stream = Stream {
        server: Arc::clone(server),
        pings: Arc::new(Mutex::new(connection.ping_pong())),
        close: Arc::new(Notify::new()),
    };
    loop {
        tokio::select! {
            // Checked first: otherwise the stream that closes the connection would be dropped, which resets
            // it.
            biased;
            () = stream.close.notified() => return Ok(()),
            request = connection.accept() => match request {
                Some(Ok((request, respond))) => drop(tokio::spawn(stream.clone().handle(request, respond))),
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Ok(()),
            },
        }
    }
}

/// The parts of a connection that a stream needs.
#[derive(Clone)]
struct Stream {
    server: Arc<Server>,
    /// Pings, which the peer answers when it has received everything that was sent before.
    pings: Arc<Mutex<Option<PingPong>>>,
    /// Closes the connection.
    close: Arc<Notify>,
}

impl Stream {
    async fn handle(self, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
        // An error means that the proxy aborted the stream or the connection. The request is already
        // recorded.
        let _ = self.answer(request, respond).await;
    }

    async fn answer(
        self,
        request: Request<RecvStream>,
        respond: SendResponse<Bytes>,
    ) -> Result<(), h2::Error> {
        let answer = self.server.turn(request.uri().path());
        self.read(request).await?;
        match answer {
            Answer::Reply { response, after } => {
                tokio::time::sleep(after).await;
                self.send(respond, &response, false).await?;
                if self.server.refuses() {
                    self.flushed().await?;
                    self.close.notify_one();
                }
            }
            Answer::Grpc { initial_metadata, messages, status, message, after } => {
                tokio::time::sleep(after).await;
                let mut response = Response::new(200).header("content-type", "application/grpc");
                response.headers.0.extend(initial_metadata.0);
                response.body = messages.iter().map(|m| framed(m)).collect();
                response.trailers.push("grpc-status", status.to_string());
                if !message.is_empty() {
                    response.trailers.push("grpc-message", message);
                }
                self.send(respond, &response, false).await?;
            }
            Answer::ResetMidResponse(response) => {
                self.send(respond, &response, true).await?;
            }
            Answer::Reset | Answer::Refuse => self.close.notify_one(),
            Answer::Hang => {
                // Dropping the stream would reset it, so wait until the proxy does.
                let mut respond = respond;
                std::future::poll_fn(|cx| respond.poll_reset(cx)).await?;
            }
        }
        Ok(())
    }

    /// Reads the whole request, and records it even if it is incomplete.
    async fn read(&self, request: Request<RecvStream>) -> Result<(), h2::Error> {
        let (head, mut stream) = request.into_parts();
        let at = self.server.begin(record(&head));
        let mut body = Vec::new();
        let read = async {
            while let Some(data) = stream.data().await {
                let data = data?;
                stream.flow_control().release_capacity(data.len())?;
                body.extend_from_slice(&data);
            }
            stream.trailers().await
        };
        let trailers = read.await;
        let seen = trailers.as_ref().ok().and_then(Option::as_ref).map(headers).unwrap_or_default();
        self.server.complete(at, body, seen, trailers.is_ok());
        trailers.map(drop)
    }

    /// Sends a response. With `part`, sends only half of its last piece, and then closes the connection.
    async fn send(
        &self,
        mut respond: SendResponse<Bytes>,
        response: &Response,
        part: bool,
    ) -> Result<(), h2::Error> {
        let mut head = http::Response::new(());
        *head.status_mut() = http::StatusCode::from_u16(response.status)
            .unwrap_or_else(|_| panic!("HTTP/2 cannot carry status {}", response.status));
        *head.headers_mut() = map(&response.headers);
        let trailers = map(&response.trailers);
        let ends = |last: bool| last && !part && trailers.is_empty();
        let mut stream = respond.send_response(head, ends(response.body.is_empty()))?;
        for (i, piece) in response.body.iter().enumerate() {
            let last = i + 1 == response.body.len();
            if let Some(wait) = response.waits.get(&i).filter(|_| !part) {
                self.flushed().await?;
                tokio::time::sleep(*wait).await;
            }
            let piece = if part && last { &piece[..piece.len() / 2] } else { piece };
            stream.send_data(Bytes::copy_from_slice(piece), ends(last))?;
            if !last {
                self.flushed().await?;
            }
        }
        if part {
            return self.abort(stream).await;
        }
        if trailers.is_empty() { Ok(()) } else { stream.send_trailers(trailers) }
    }

    /// Closes the connection within a stream, once the peer has received everything.
    async fn abort(&self, mut stream: SendStream<Bytes>) -> Result<(), h2::Error> {
        self.flushed().await?;
        self.close.notify_one();
        // Returns when the connection ends. Dropping the stream earlier would reset it.
        std::future::poll_fn(|cx| stream.poll_reset(cx)).await.map(drop)
    }

    /// Waits until the peer has received everything that was sent.
    async fn flushed(&self) -> Result<(), h2::Error> {
        match self.pings.lock().await.as_mut() {
            Some(pings) => pings.ping(Ping::opaque()).await.map(drop),
            None => Ok(()),
        }
    }
}

/// Returns a gRPC frame: no compression, the length, the message.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("messages are smaller than 4 GiB");
    [&[0], length.to_be_bytes().as_slice(), message].concat()
}

fn record(head: &http::request::Parts) -> UpstreamRequest {
    UpstreamRequest {
        cluster: String::new(),
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        authority: head.uri.authority().map(ToString::to_string).unwrap_or_default(),
        headers: headers(&head.headers),
        body: Vec::new(),
        trailers: Headers::default(),
        ended: false,
    }
}

fn headers(map: &HeaderMap) -> Headers {
    Headers(map.iter().map(|(n, v)| (n.as_str().as_bytes().to_vec(), v.as_bytes().to_vec())).collect())
}

fn map(headers: &Headers) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in &headers.0 {
        match (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            (Ok(name), Ok(value)) => drop(map.append(name, value)),
            _ => panic!("HTTP/2 cannot carry `{}: {}`", name.escape_ascii(), value.escape_ascii()),
        }
    }
    map
}
