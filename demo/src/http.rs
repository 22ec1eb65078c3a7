//! One request, one connection, one response: all that the tour and the services need of a client.

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tollgate_host_test::{Headers, Request};

/// More than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// A response, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status code.
    pub status: http::StatusCode,
    /// Its headers, names in lower case, in the order in which they came.
    pub headers: Headers,
    /// Its body.
    pub body: Bytes,
}

/// Sends a request and reads the answer. Trailers of either are left out.
pub async fn send(to: SocketAddr, request: &Request) -> Result<Reply> {
    let what = || format!("{} http://{to}{}", request.method, request.path);
    let answer = tokio::time::timeout(PATIENCE, exchange(to, request)).await;
    answer.with_context(|| format!("{}: no answer in {} s", what(), PATIENCE.as_secs()))?.with_context(what)
}

async fn exchange(to: SocketAddr, request: &Request) -> Result<Reply> {
    let stream = TcpStream::connect(to).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; its error is also that of the request.
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

/// Hyper's headers as those of the test library, which keep bytes and order.
pub fn fields(map: &http::HeaderMap) -> Headers {
    Headers(map.iter().map(|(name, value)| (name.as_str().into(), value.as_bytes().into())).collect())
}
