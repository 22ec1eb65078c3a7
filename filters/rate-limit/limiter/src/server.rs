//! The server, which runs on its own thread until it is stopped.

use crate::decide::{Decider, Limit};
use crate::{Storage, grpc};
use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tollgate_rate_limit_service::{METHOD, Request, SERVICE};

/// Behaviour of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers by the limits.
    #[default]
    Decide,
    /// Answers by the limits after a delay. Calls are counted when they arrive.
    Delay(Duration),
    /// Answers with these bytes instead of a message.
    Garbage(Vec<u8>),
    /// Answers with this gRPC status.
    Status(u32),
    /// Closes the connection.
    Drop,
}

/// A rate limit service on a loopback port. It stops when this value is dropped.
pub struct Limiter {
    shared: Arc<Shared>,
    address: SocketAddr,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

struct Shared {
    decider: Decider,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    behaviour: Behaviour,
    requests: Vec<Request>,
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("lock is not poisoned")
    }
}

impl Limiter {
    /// Starts a server that only reports whether there is room.
    pub fn start(limits: &[Limit], storage: Storage<'_>) -> Self {
        Self::start_with(Decider::new(limits, storage, false))
    }

    /// Starts a server that also sends `X-RateLimit-*` headers, as Limitador's server does with
    /// `--rate-limit-headers DRAFT_VERSION_03`.
    pub fn start_with_headers(limits: &[Limit], storage: Storage<'_>) -> Self {
        Self::start_with(Decider::new(limits, storage, true))
    }

    fn start_with(decider: Decider) -> Self {
        let shared = Arc::new(Shared { decider, state: Mutex::default() });
        let mut limiter = Self { shared, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), running: None };
        limiter.start_again();
        limiter
    }

    /// Returns the port, which never changes.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Sets the behaviour for subsequent calls.
    pub fn behave(&self, behaviour: Behaviour) {
        self.shared.state().behaviour = behaviour;
    }

    /// Returns the requests since the last call, in their order, regardless of the answers.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.state().requests)
    }

    /// Closes all connections and the port.
    pub fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            // The server may have ended already.
            let _ = stop.send(());
            thread.join().expect("server thread does not panic");
        }
    }

    /// Opens the port again, if it is closed. Counts in memory are kept.
    pub fn start_again(&mut self) {
        if self.running.is_some() {
            return;
        }
        // `std` sets SO_REUSEADDR, so old connections may still linger.
        let listener = std::net::TcpListener::bind(self.address).expect("port is free");
        listener.set_nonblocking(true).expect("socket supports non-blocking mode");
        self.address = listener.local_addr().expect("listener is bound");
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("Tokio runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("Tokio listener");
                tokio::select! {
                    _ = stopped => {}
                    () = accept(&listener, &shared) => {}
                }
            });
        });
        self.running = Some((stop, thread));
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let closed = Arc::new(Notify::new());
            let close = Arc::clone(&closed);
            let service =
                hyper::service::service_fn(move |request| call(request, shared.clone(), close.clone()));
            let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::select! {
                // The client determines whether the connection ends with an error.
                _ = server.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service) => {}
                () = closed.notified() => {}
            }
        });
    }
}

async fn call(
    request: http::Request<Incoming>,
    shared: Arc<Shared>,
    close: Arc<Notify>,
) -> Result<http::Response<BoxBody<Bytes, Infallible>>, hyper::Error> {
    if request.uri().path() != format!("/{SERVICE}/{METHOD}") {
        return Ok(grpc::status(grpc::UNIMPLEMENTED));
    }
    let body = request.into_body().collect().await?.to_bytes();
    let Some(request) = grpc::message(&body).and_then(Request::read) else {
        return Ok(grpc::status(grpc::INVALID_ARGUMENT));
    };
    let behaviour = {
        let mut state = shared.state();
        state.requests.push(request.clone());
        state.behaviour.clone()
    };
    let delay = match behaviour {
        Behaviour::Decide => Duration::ZERO,
        Behaviour::Delay(delay) => delay,
        Behaviour::Garbage(bytes) => return Ok(grpc::answer(&bytes)),
        Behaviour::Status(status) => return Ok(grpc::status(status)),
        Behaviour::Drop => {
            close.notify_one();
            return std::future::pending().await;
        }
    };
    let answer = shared.decider.answer(&request);
    tokio::time::sleep(delay).await;
    Ok(answer.map_or_else(|| grpc::status(grpc::UNAVAILABLE), |answer| grpc::answer(&answer.write())))
}
