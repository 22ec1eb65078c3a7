//! The services behind the proxy, and a record of what they saw.

mod shop;

use crate::http::fields;
use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tollgate_host_test::Headers;

/// Knows the users.
pub const USER: &str = "user-service";
/// Knows the orders, and asks [`USER`] who placed one.
pub const ORDER: &str = "order-service";

/// A request as a service saw it, and what it answered.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The service.
    pub service: &'static str,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The request headers.
    pub headers: Headers,
    /// The headers of the answer; none before it was given.
    pub answered: Headers,
}

/// How many requests are kept that nobody asks for: once the tour is over, nobody does.
const KEPT: usize = 100;

/// What all services share.
#[derive(Debug, Default)]
struct Mesh {
    /// Where services find each other: through the proxy, as in a mesh.
    proxy: OnceLock<SocketAddr>,
    seen: Mutex<Vec<Seen>>,
}

impl Mesh {
    fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both services, listening. They end with the runtime that they were started on.
#[derive(Debug)]
pub struct Services {
    mesh: Arc<Mesh>,
    /// Their names and addresses.
    pub addresses: Vec<(&'static str, SocketAddr)>,
}

impl Services {
    /// Starts them on ports of the kernel's choice.
    pub async fn start() -> Result<Self> {
        let mesh = Arc::new(Mesh::default());
        let mut addresses = Vec::new();
        for service in [USER, ORDER] {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            addresses.push((service, listener.local_addr()?));
            tokio::spawn(accept(listener, service, mesh.clone()));
        }
        Ok(Self { mesh, addresses })
    }

    /// Tells them where the proxy is. Once, and before the first order is asked for.
    pub fn set_proxy(&self, proxy: SocketAddr) {
        self.mesh.proxy.get_or_init(|| proxy);
    }

    /// What they have seen since this was last asked, in the order in which it came.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.mesh.seen())
    }
}

async fn accept(listener: TcpListener, service: &'static str, mesh: Arc<Mesh>) {
    // An error is of the connection that was to be accepted (accept(2)); the next one may be well.
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, service, mesh.clone()));
        }
    }
}

async fn serve(stream: TcpStream, service: &'static str, mesh: Arc<Mesh>) {
    let answer = service_fn(|request: http::Request<Incoming>| {
        let mesh = mesh.clone();
        async move { Ok::<_, Infallible>(answer(service, &mesh, &request).await) }
    });
    // The proxy notices what goes wrong on the connection, and answers 503; the tour shows it.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

async fn answer(
    service: &'static str,
    mesh: &Mesh,
    request: &http::Request<Incoming>,
) -> http::Response<Full<Bytes>> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let headers = fields(request.headers());
    let at = {
        let mut seen = mesh.seen();
        if seen.len() < KEPT {
            let (method, path) = (request.method().to_string(), path.to_owned());
            seen.push(Seen { service, method, path, headers: headers.clone(), answered: Headers::default() });
        }
        seen.len() - 1
    };
    let response = shop::answer(service, request.uri(), &headers, mesh.proxy.get().copied()).await;
    if let Some(seen) = mesh.seen().get_mut(at).filter(|seen| seen.service == service) {
        seen.answered = fields(response.headers());
    }
    response
}
