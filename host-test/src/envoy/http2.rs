//! A client that sends a request with HTTP/2 without TLS, as a client with prior knowledge does (RFC 9113
//! section 3.3).

use super::client::connect;
use crate::{ClientView, Headers, Request, Response, Waits};
use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Ping, PingPong, SendStream};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::timeout;

/// Sends a request on a connection of its own. Waits up to `patience` for each next part of the response, and
/// at most until the client disconnects. Returns what the client received, and its port.
pub(super) fn send(
    proxy: SocketAddr,
    request: &Request,
    patience: Duration,
) -> io::Result<(ClientView, u16)> {
    let head = head(request).unwrap_or_else(|why| panic!("{why}"));
    let trailers = fields(&request.trailers).unwrap_or_else(|why| panic!("{why}"));
    let stream = connect(request, proxy)?;
    let port = stream.local_addr()?.port();
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let view = runtime.block_on(async {
        let stream = tokio::net::TcpStream::from_std(stream)?;
        let exchange = exchange(stream, request, head, trailers, patience);
        let view = match request.disconnect_after {
            Some(time) => timeout(time, exchange).await.unwrap_or(Ok(ClientView::Reset)),
            None => exchange.await,
        };
        // The proxy reset the stream, or closed the connection.
        io::Result::Ok(view.unwrap_or(ClientView::Reset))
    })?;
    // Dropping the runtime closes the connection.
    Ok((view, port))
}

async fn exchange(
    stream: tokio::net::TcpStream,
    request: &Request,
    head: http::Request<()>,
    trailers: HeaderMap,
    patience: Duration,
) -> Result<ClientView, h2::Error> {
    let (mut client, mut connection) = h2::client::handshake(stream).await?;
    let pings = connection.ping_pong();
    // Its errors are also errors of the stream.
    tokio::spawn(connection);
    let bodiless = request.body.is_empty() && trailers.is_empty();
    let (response, sender) = client.send_request(head, bodiless)?;
    let send = async {
        if !bodiless {
            // Fails if the proxy no longer reads the request. Its response may be complete.
            let _ = write(sender, pings, request, trailers).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        response = read(response, patience) => response,
        () = send => Ok(ClientView::Hang),
    }
}

async fn write(
    mut sender: SendStream<Bytes>,
    mut pings: Option<PingPong>,
    request: &Request,
    trailers: HeaderMap,
) -> Result<(), h2::Error> {
    for (i, piece) in request.body.iter().enumerate() {
        if let Some(wait) = request.waits.get(&i) {
            tokio::time::sleep(*wait).await;
        }
        let last = i + 1 == request.body.len() && trailers.is_empty();
        sender.send_data(Bytes::copy_from_slice(piece), last)?;
        if let Some(pings) = pings.as_mut() {
            // The proxy answers when it has read everything before.
            pings.ping(Ping::opaque()).await?;
        }
    }
    if trailers.is_empty() { Ok(()) } else { sender.send_trailers(trailers) }
}

async fn read(response: ResponseFuture, patience: Duration) -> Result<ClientView, h2::Error> {
    let Some(response) = in_time(patience, response).await? else { return Ok(ClientView::Hang) };
    let (head, mut stream) = response.into_parts();
    let mut body = Vec::new();
    loop {
        match in_time(patience, async { stream.data().await.transpose() }).await? {
            Some(Some(data)) => {
                stream.flow_control().release_capacity(data.len())?;
                body.extend_from_slice(&data);
            }
            Some(None) => break,
            None => return Ok(ClientView::Hang),
        }
    }
    let Some(trailers) = in_time(patience, stream.trailers()).await? else { return Ok(ClientView::Hang) };
    let mut headers = listed(&head.headers);
    headers.remove("date");
    Ok(ClientView::Response(Response {
        status: head.status.as_u16(),
        headers,
        body: if body.is_empty() { Vec::new() } else { vec![body] },
        waits: Waits::new(),
        trailers: trailers.as_ref().map(listed).unwrap_or_default(),
    }))
}

/// Returns nothing if the future takes longer.
async fn in_time<T>(
    patience: Duration,
    future: impl Future<Output = Result<T, h2::Error>>,
) -> Result<Option<T>, h2::Error> {
    timeout(patience, future).await.ok().transpose()
}

fn listed(map: &HeaderMap) -> Headers {
    Headers(map.iter().map(|(n, v)| (n.as_str().as_bytes().to_vec(), v.as_bytes().to_vec())).collect())
}

/// Converts the head of a request.
fn head(request: &Request) -> Result<http::Request<()>, String> {
    let uri = format!("http://{}{}", request.authority, request.path);
    let mut head = http::Request::builder()
        .method(request.method.as_str())
        .uri(&uri)
        .version(http::Version::HTTP_2)
        .body(())
        .map_err(|why| format!("HTTP/2 cannot carry `{} {uri}`: {why}", request.method))?;
    *head.headers_mut() = fields(&request.headers)?;
    Ok(head)
}

fn fields(headers: &Headers) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in &headers.0 {
        match (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            (Ok(name), Ok(value)) => drop(map.append(name, value)),
            _ => {
                return Err(format!(
                    "HTTP/2 cannot carry `{}: {}`",
                    name.escape_ascii(),
                    value.escape_ascii()
                ));
            }
        }
    }
    Ok(map)
}

/// Returns why HTTP/2 cannot carry a request.
pub(crate) fn problem(request: &Request) -> Option<String> {
    head(request).err().or_else(|| fields(&request.trailers).err())
}
