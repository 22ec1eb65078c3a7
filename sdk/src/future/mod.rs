//! `async` callbacks: `.await` on a callout, a delay or a wait pauses the stream.
//!
//! ```
//! use std::time::Duration;
//! use tollgate::{AsyncRequest, Config, Flow, HttpCall, HttpFilter, Reply, Result};
//!
//! #[derive(Config)]
//! struct Authorize {
//!     cluster: String,
//! }
//!
//! #[tollgate::filter(http_callouts)]
//! impl HttpFilter for Authorize {
//!     async fn on_request_headers(&self, request: &mut AsyncRequest<Self>) -> Result {
//!         let token = request.headers.first("authorization")?.ok_or(Reply::refuse(401, "no_token"))?;
//!         let call = HttpCall::new(&self.cluster, "GET", "authz.test", "/check");
//!         let call = call.header("authorization", token);
//!         let answer = request.http_call(&call).await.map_err(|_| Reply::refuse(503, "authz_unavailable"))?;
//!         if answer.status != 200 {
//!             return Reply::refuse(403, "denied").into();
//!         }
//!         request.headers.set("x-user", answer.body)?;
//!         Ok(Flow::Continue)
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! - A callback that returns without waiting allocates nothing, except for the first stream.
//! - The headers are held until the callback returns, so they can be read and changed after an `.await`.
//! - A body callback that is `async` runs once, when the whole body has arrived: with an
//!   [`AsyncRequestBody`], or an [`AsyncResponseBody`]. The host holds the body until it returns. It rejects
//!   a body that exceeds its buffer, with 413 or 500.
//! - The SDK drops the future when the stream ends or the plugin is deleted: code after the `.await` does not
//!   run. Release what the stream holds in [`on_end`](crate::HttpFilter::on_end), or by `Drop`.
//! - While the callback waits, its state of the stream is with it: another callback of the same stream, such
//!   as that of a response which an earlier filter sends meanwhile, sees the default.
//! - An `.await` that nothing pending can complete is rejected like a `Pause` without a task.

mod run;

#[doc(hidden)]
pub use run::{run_request, run_request_body, run_response, run_response_body};

use crate::HttpFilter;
use crate::body::Body;
use crate::callout::{CalloutError, GrpcCall, GrpcError, GrpcResult, HttpCall, HttpResult};
use crate::filter::{GrpcCallouts, GrpcStreams, HttpCallouts, Timers};
use crate::grpc_stream::{GrpcEvent, GrpcStream, GrpcStreamCall};
use crate::headers::{RequestHeaders, ResponseHeaders};
use crate::signal::{Signal, Woken};
use run::Operation;
use std::cell::Cell;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// A request in an `async` callback.
pub type AsyncRequest<F> = AsyncStream<F, RequestHeaders<'static>>;
/// A response in an `async` callback.
pub type AsyncResponse<F> = AsyncStream<F, ResponseHeaders<'static>>;

/// The body of a request in an `async` callback.
pub type AsyncRequestBody<F> = AsyncBody<F, RequestHeaders<'static>>;
/// The body of a response in an `async` callback.
pub type AsyncResponseBody<F> = AsyncBody<F, ResponseHeaders<'static>>;

/// The headers of a message, and the state of its stream, in an `async` callback.
pub struct AsyncStream<F: HttpFilter, H> {
    /// Headers, which are held until the callback returns.
    pub headers: H,
    /// State of the stream.
    pub stream: Lent<F::Stream>,
    calls: Calls<F>,
}

/// The body of a message, and the state of its stream, in an `async` callback.
pub struct AsyncBody<F: HttpFilter, H> {
    /// Headers, if they are held for this callback: see [`Flow::AwaitBody`](crate::Flow::AwaitBody).
    pub headers: Option<H>,
    /// The whole body, which is held until the callback returns.
    pub body: Body<'static>,
    /// State of the stream.
    pub stream: Lent<F::Stream>,
    calls: Calls<F>,
}

impl<F: HttpFilter, H> Deref for AsyncStream<F, H> {
    type Target = Calls<F>;

    fn deref(&self) -> &Calls<F> {
        &self.calls
    }
}

impl<F: HttpFilter, H> Deref for AsyncBody<F, H> {
    type Target = Calls<F>;

    fn deref(&self) -> &Calls<F> {
        &self.calls
    }
}

/// Starts the operations that an `async` callback can await.
pub struct Calls<F>(PhantomData<F>);

impl<F: HttpFilter> Calls<F> {
    /// Sends an HTTP request. Await the result; several calls run in parallel with [`join`].
    pub fn http_call(&self, call: &HttpCall) -> Completion<HttpResult>
    where
        F: HttpCallouts,
    {
        match call.send() {
            Ok(token) => Completion::start(|done| Operation::Http(token, call.max_body, done)),
            Err(error) => Completion::ready(Err(CalloutError::Host(error))),
        }
    }

    /// Makes a unary gRPC call. If the host rejects the call, the status is 14 (unavailable).
    pub fn grpc_call(&self, call: &GrpcCall) -> Completion<GrpcResult>
    where
        F: GrpcCallouts,
    {
        match call.send() {
            Ok(token) => Completion::start(|done| Operation::Grpc(token, done)),
            Err(error) => Completion::ready(Err(GrpcError::unavailable(&error))),
        }
    }

    /// Opens a gRPC stream. Await its events with [`next`](AsyncGrpcStream::next).
    pub fn grpc_stream(&self, call: &GrpcStreamCall) -> crate::Result<AsyncGrpcStream, crate::Error>
    where
        F: GrpcStreams,
    {
        let stream = call.open()?;
        let events = Rc::default();
        Operation::Stream(stream, Rc::clone(&events)).note();
        Ok(AsyncGrpcStream { stream, events, closed: false })
    }

    /// Waits for `delay`, at least a millisecond.
    pub fn sleep(&self, delay: Duration) -> Completion<()>
    where
        F: Timers,
    {
        Completion::start(|done| Operation::Sleep(delay, done))
    }

    /// Waits for a signal: see [`Context::wait`](crate::Context::wait).
    pub fn wait(&self, signal: Signal, timeout: Duration) -> Completion<Woken>
    where
        F: Timers,
    {
        Completion::start(|done| Operation::Wait(signal, timeout, done))
    }
}

/// The state of a stream while an `async` callback uses it. It returns to the stream when this is dropped.
pub struct Lent<S: Default> {
    state: S,
    home: Rc<Cell<Option<S>>>,
}

impl<S: Default> Deref for Lent<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S: Default> DerefMut for Lent<S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.state
    }
}

impl<S: Default> Drop for Lent<S> {
    fn drop(&mut self) {
        self.home.set(Some(mem::take(&mut self.state)));
    }
}

/// An open gRPC stream in an `async` callback.
pub struct AsyncGrpcStream {
    stream: GrpcStream,
    events: run::Arrived,
    closed: bool,
}

impl AsyncGrpcStream {
    /// Waits for the next event. Returns `None` after [`GrpcEvent::Closed`].
    pub async fn next(&mut self) -> Option<GrpcEvent> {
        if self.closed {
            return None;
        }
        let event = std::future::poll_fn(|_| match self.events.borrow_mut().pop_front() {
            Some(event) => Poll::Ready(event),
            None => Poll::Pending,
        });
        let event = event.await;
        self.closed = matches!(event, GrpcEvent::Closed(_));
        Some(event)
    }
}

/// Cancels a stream that has not ended: nothing would receive its events.
impl Drop for AsyncGrpcStream {
    fn drop(&mut self) {
        if !self.closed {
            self.stream.cancel();
            Operation::Cancelled(self.stream).note();
        }
    }
}

impl Deref for AsyncGrpcStream {
    type Target = GrpcStream;

    fn deref(&self) -> &GrpcStream {
        &self.stream
    }
}

type Done<T> = Rc<Cell<Option<T>>>;

/// The result of an operation that may not have ended yet.
pub struct Completion<T>(Done<T>);

impl<T> Completion<T> {
    fn ready(result: T) -> Self {
        Self(Rc::new(Cell::new(Some(result))))
    }

    fn start(operation: impl FnOnce(Done<T>) -> Operation) -> Self {
        let done = Done::default();
        let operation = operation(Rc::clone(&done));
        operation.note();
        Self(done)
    }
}

impl<T> Future for Completion<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<T> {
        // The whole callback is polled again when any of its operations ends, so no waker is kept.
        match self.0.take() {
            Some(result) => Poll::Ready(result),
            None => Poll::Pending,
        }
    }
}

/// Waits for both results.
pub async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (std::pin::pin!(a), std::pin::pin!(b));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(|cx| {
        if first.is_none()
            && let Poll::Ready(result) = a.as_mut().poll(cx)
        {
            first = Some(result);
        }
        if second.is_none()
            && let Poll::Ready(result) = b.as_mut().poll(cx)
        {
            second = Some(result);
        }
        match (first.take(), second.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (first, second) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

/// The result of [`first_of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first future was ready.
    First(A),
    /// The second future was ready, and the first was not.
    Second(B),
}

/// Waits for the first of two results, and drops the other future. The host still finishes an HTTP callout
/// whose future is dropped, and its response is ignored.
pub async fn first_of<A: Future, B: Future>(a: A, b: B) -> Either<A::Output, B::Output> {
    let (mut a, mut b) = (std::pin::pin!(a), std::pin::pin!(b));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(result) = a.as_mut().poll(cx) {
            return Poll::Ready(Either::First(result));
        }
        b.as_mut().poll(cx).map(Either::Second)
    })
    .await
}
