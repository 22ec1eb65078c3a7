//! The services behind the proxy, and a record of their requests.

mod shop;

use crate::http::fields;
use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tollgate_host_test::Headers;

/// Name of the service that stores users.
pub const USER: &str = "user-service";
/// Name of the service that stores orders. Calls [`USER`] for the user of an order.
pub const ORDER: &str = "order-service";

/// Path of the control endpoint for experiments. `PUT` and `DELETE` switch the outage on and off.
pub const CHAOS: &str = "/chaos";

/// A request that a service received, with the headers of its response.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Name of the service.
    pub service: &'static str,
    /// Method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Request headers.
    pub headers: Headers,
    /// Response headers; empty until the service responds.
    pub answered: Headers,
}

/// Maximum number of recorded requests. After the tour, nothing reads the record.
const KEPT: usize = 100;

/// State that the services share.
#[derive(Debug, Default)]
struct Mesh {
    /// Address of the proxy. Services call each other through it, as in a mesh.
    proxy: OnceLock<SocketAddr>,
    seen: Mutex<Vec<Seen>>,
    /// Whether the experiment of the tour runs.
    outage: AtomicBool,
}

impl Mesh {
    fn seen(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The running services. They stop with the runtime that started them.
#[derive(Debug)]
pub struct Services {
    mesh: Arc<Mesh>,
    /// Names and addresses of the services.
    pub addresses: Vec<(&'static str, SocketAddr)>,
}

impl Services {
    /// Starts the services on free ports.
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

    /// Sets the address of the proxy. Call it once, before the first request for an order.
    pub fn set_proxy(&self, proxy: SocketAddr) {
        self.mesh.proxy.get_or_init(|| proxy);
    }

    /// Returns the requests since the last call, in order.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.mesh.seen())
    }
}

async fn accept(listener: TcpListener, service: &'static str, mesh: Arc<Mesh>) {
    // An error concerns only the connection that was being accepted (accept(2)).
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
    // If the connection fails, the proxy answers 503, which the tour prints.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

async fn answer(
    service: &'static str,
    mesh: &Mesh,
    request: &http::Request<Incoming>,
) -> http::Response<Full<Bytes>> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if path == CHAOS {
        // Not recorded: the filter fetches it again and again.
        return control(request.method(), &mesh.outage);
    }
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

/// Returns the document of the control endpoint, after a change by the request.
fn control(method: &http::Method, outage: &AtomicBool) -> http::Response<Full<Bytes>> {
    if [http::Method::PUT, http::Method::DELETE].contains(method) {
        outage.store(*method == http::Method::PUT, Ordering::Relaxed);
    }
    let experiments = if outage.load(Ordering::Relaxed) { json!([{ "name": "outage" }]) } else { json!([]) };
    http::Response::new(Full::from(json!({ "experiments": experiments }).to_string()))
}
