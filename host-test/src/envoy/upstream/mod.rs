//! The scripted servers behind the proxy.
//!
//! One thread serves all upstreams of a run. What each has seen is recorded when its header has come, so that the
//! record is in order of arrival, and completed when the request is.

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

/// The upstreams of a run. Dropping it closes their ports and connections.
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
    /// The turn has come to another answer.
    turned: Notify,
}

#[derive(Default)]
struct State {
    /// Answers given, refusals among them.
    turns: Turns,
    requests: Vec<UpstreamRequest>,
    /// Requests whose end has not come.
    open: usize,
}

impl Upstreams {
    /// Starts them, each on a port of the kernel's choice.
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
                // An error means that the sender is gone, which is to say: stop.
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
        // A panic of that thread has been reported by its own message.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Server {
    fn new(upstream: &Upstream) -> io::Result<Arc<Self>> {
        let answers = upstream.by_path.iter().flat_map(|(_, answers)| answers).chain(&upstream.answers);
        let grpc = answers.into_iter().any(|a| matches!(a, Answer::Grpc { .. }));
        assert!(
            upstream.http2 || !grpc,
            "upstream `{}` answers gRPC: make it with `Upstream::grpc`",
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
        // Before the first connection is made, not when the thread gets to it.
        if !server.refuses() {
            server.port.open()?;
        }
        Ok(Arc::new(server))
    }

    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Where its cluster finds it, if it has an endpoint.
    pub fn endpoint(&self) -> Option<SocketAddr> {
        (!self.spec.empty).then(|| self.address())
    }

    /// The requests that came so far.
    pub fn requests(&self) -> Vec<UpstreamRequest> {
        self.state().requests.clone()
    }

    /// How many requests came so far.
    pub fn count(&self) -> usize {
        self.state().requests.len()
    }

    /// Whether a request is still coming in.
    pub fn is_reading(&self) -> bool {
        self.state().open > 0
    }

    /// Whether a refusal is followed by something else. Then somebody has to tell when it has been given: a server
    /// cannot see the connections it refuses.
    pub fn refuses_for_a_while(&self) -> bool {
        self.spec.answers.iter().rev().skip(1).any(|a| matches!(a, Answer::Refuse))
    }

    /// Tells that this many connections have been refused since the last time.
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

    /// Whether it is a refusal's turn.
    fn refuses(&self) -> bool {
        matches!(self.state().turns.next(&self.spec), Some(Answer::Refuse))
    }

    /// The answer whose turn it is for a path; the next request gets the next.
    fn turn(&self, path: &str) -> Answer {
        let silent =
            || Answer::Reply { response: crate::Response::new(200), after: std::time::Duration::ZERO };
        let answer = self.state().turns.turn(&self.spec, path).unwrap_or_else(silent);
        if self.refuses() {
            self.port.close();
        } else if let Err(error) = self.port.open() {
            panic!("cannot listen on {}: {error}", self.address());
        }
        self.turned.notify_waiters();
        self.turned.notify_one();
        answer
    }

    /// Records a request whose header has come. Where it is in the record.
    fn begin(&self, request: UpstreamRequest) -> usize {
        let mut state = self.state();
        state.open += 1;
        state.requests.push(UpstreamRequest { cluster: self.name.clone(), ..request });
        state.requests.len() - 1
    }

    /// Completes the record of a request with all that came of it, be that the whole or not.
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
                    // Ends when the port is closed.
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
        // How a connection ends is the proxy's business; what came over it is on record.
        let _ = match stream.set_nodelay(true) {
            Ok(()) if self.http2 => http2::serve(stream, &self).await,
            Ok(()) => http1::serve(stream, &self).await,
            Err(error) => Err(error),
        };
    }
}
