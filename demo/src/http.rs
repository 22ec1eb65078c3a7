//! A minimal HTTP client for the tour and the services: one request on one connection.

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tollgate_host_test::{Headers, Request};

/// Timeout of a request, generous enough for a loaded machine.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A complete response.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status code.
    pub status: http::StatusCode,
    /// Headers in order, with names in lower case.
    pub headers: Headers,
    /// Body.
    pub body: Bytes,
}

/// Sends a request and reads the response. Does not support trailers.
pub async fn send(to: SocketAddr, request: &Request) -> Result<Reply> {
    let what = || format!("{} http://{to}{}", request.method, request.path);
    let answer = tokio::time::timeout(TIMEOUT, exchange(to, request)).await;
    answer
        .with_context(|| format!("{}: no response within {} s", what(), TIMEOUT.as_secs()))?
        .with_context(what)
}

async fn exchange(to: SocketAddr, request: &Request) -> Result<Reply> {
    let stream = TcpStream::connect(to).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // The task ends with the sender, and the request returns its error.
    let driver = tokio::spawn(connection);
    let mut wire = http::Request::builder().method(request.method.as_str()).uri(&request.path);
    wire = wire.header(http::header::HOST, &request.authority);
    for (name, value) in &request.headers.0 {
        wire = wire.header(name.as_slice(), value.as_slice());
    }
    let response = sender.send_request(wire.body(Full::<Bytes>::from(request.body.concat()))?).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    drop(sender);
    driver.abort();
    Ok(Reply { status: head.status, headers: fields(&head.headers), body })
}

/// Converts hyper's headers to those of the test library, which keep bytes and order.
pub fn fields(map: &http::HeaderMap) -> Headers {
    Headers(map.iter().map(|(name, value)| (name.as_str().into(), value.as_bytes().into())).collect())
}
