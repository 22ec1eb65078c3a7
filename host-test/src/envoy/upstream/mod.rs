//! The upstream servers of a scenario.
//!
//! One thread serves all upstreams of a run. It records each request when its header has arrived, so that the
//! records are in order of arrival, and completes the record when the request is complete.

mod http1;
mod http2;
mod port;

use crate::scenario::Turns;
use crate::{Answer, Upstream, UpstreamRequest};
pub(super) use port::Port;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

/// The upstreams of a run. Dropping this value closes their ports and connections.
pub(super) struct Upstreams {
    servers: Vec<Arc<Server>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// One upstream.
pub(super) struct Server {
    pub name: String,
    pub http2: bool,
    port: Port,
    spec: Upstream,
    state: Mutex<State>,
    /// Notifies of a change to the next answer.
    turned: Notify,
}

#[derive(Default)]
struct State {
    /// Counts the answers given, including refused connections.
    turns: Turns,
    requests: Vec<UpstreamRequest>,
    /// Number of incomplete requests.
    open: usize,
}

impl Upstreams {
    /// Starts the upstreams, each on a port that the kernel chooses.
    pub fn start(upstreams: &[Upstream]) -> io::Result<Self> {
        let servers: Vec<_> = upstreams.iter().map(Server::new).collect::<io::Result<_>>()?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let run = servers.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                for server in run {
                    tokio::spawn(server.serve());
                }
                // An error means that the sender was dropped, which also means to stop.
                let _ = stopped.await;
            });
        });
        Ok(Self { servers, stop: Some(stop), thread: Some(thread) })
    }

    pub fn servers(&self) -> &[Arc<Server>] {
        &self.servers
    }
}

impl Drop for Upstreams {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A panic of the thread has already printed its message.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Server {
    fn new(upstream: &Upstream) -> io::Result<Arc<Self>> {
        let answers = upstream.by_path.iter().flat_map(|(_, answers)| answers).chain(&upstream.answers);
        let grpc = answers.into_iter().any(|a| matches!(a, Answer::Grpc { .. }));
        assert!(
            upstream.http2 || !grpc,
            "upstream `{}`: `Answer::Grpc` needs HTTP/2, create the upstream with `Upstream::grpc`",
            upstream.name
        );
        let server = Self {
            name: upstream.name.clone(),
            http2: upstream.http2,
            port: Port::reserve()?,
            spec: upstream.clone(),
            state: Mutex::default(),
            turned: Notify::new(),
        };
        // Listen now, so that the first connection cannot come before the thread listens.
        if !server.refuses() {
            server.port.open()?;
        }
        Ok(Arc::new(server))
    }

    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Returns the endpoint of the cluster, unless the cluster is empty.
    pub fn endpoint(&self) -> Option<SocketAddr> {
        (!self.spec.empty).then(|| self.address())
    }

    /// Returns the requests received so far.
    pub fn requests(&self) -> Vec<UpstreamRequest> {
        self.state().requests.clone()
    }

    /// Returns how many requests were received so far.
    pub fn count(&self) -> usize {
        self.state().requests.len()
    }

    /// Whether a request is still incomplete.
    pub fn is_reading(&self) -> bool {
        self.state().open > 0
    }

    /// Whether another answer follows a refusal. Then [`Server::refused`] must be called, because a server
    /// cannot observe the connections that it refuses.
    pub fn refuses_for_a_while(&self) -> bool {
        self.spec.answers.iter().rev().skip(1).any(|a| matches!(a, Answer::Refuse))
    }

    /// Reports that this many connections were refused since the last call.
    pub fn refused(&self, connections: u64) {
        for _ in 0..connections {
            if self.refuses() {
                self.turn("");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the next answer is a refusal.
    fn refuses(&self) -> bool {
        matches!(self.state().turns.next(&self.spec), Some(Answer::Refuse))
    }

    /// Returns the next answer for a path, and advances to the one after it.
    fn turn(&self, path: &str) -> Answer {
        let default =
            || Answer::Reply { response: crate::Response::new(200), after: std::time::Duration::ZERO };
        let answer = self.state().turns.turn(&self.spec, path).unwrap_or_else(default);
        if self.refuses() {
            self.port.close();
        } else if let Err(error) = self.port.open() {
            panic!("cannot listen on {}: {error}", self.address());
        }
        self.turned.notify_waiters();
        self.turned.notify_one();
        answer
    }

    /// Records a request whose header has arrived. Returns its index in the record.
    fn begin(&self, request: UpstreamRequest) -> usize {
        let mut state = self.state();
        state.open += 1;
        state.requests.push(UpstreamRequest { cluster: self.name.clone(), ..request });
        state.requests.len() - 1
    }

    /// Completes the record of a request. `ended` is false if the request was aborted.
    fn complete(&self, at: usize, body: Vec<u8>, trailers: crate::Headers, ended: bool) {
        let mut state = self.state();
        state.open -= 1;
        state.requests[at].body = body;
        state.requests[at].trailers = trailers;
        state.requests[at].ended = ended;
    }

    async fn serve(self: Arc<Self>) {
        loop {
            match self.port.listener() {
                Ok(Some(listener)) => {
                    // Fails when the port is closed.
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(Arc::clone(&self).connection(stream));
                    }
                }
                Ok(None) => self.turned.notified().await,
                Err(error) => panic!("cannot listen on {}: {error}", self.address()),
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) {
        // An error means that the proxy closed the connection. Its requests are already recorded.
        let _ = match stream.set_nodelay(true) {
            Ok(()) if self.http2 => http2::serve(stream, &self).await,
            Ok(()) => http1::serve(stream, &self).await,
            Err(error) => Err(error),
        };
    }
}
