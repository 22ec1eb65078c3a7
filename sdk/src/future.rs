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
//! - The headers are held until the callback returns, so they can be read and changed after an `.await`.
//! - The SDK drops the future when the stream ends or the plugin is deleted: code after the `.await` does not
//!   run. Release what the stream holds in [`on_end`](crate::HttpFilter::on_end), or by `Drop`.
//! - While the callback waits, its state of the stream is with it: another callback of the same stream, such
//!   as that of a response which an earlier filter sends meanwhile, sees the default.
//! - An `.await` that nothing pending can complete is rejected like a `Pause` without a task.

use crate::callout::{CalloutError, GrpcCall, GrpcError, GrpcResult, HttpCall, HttpResult};
use crate::context::Context;
use crate::filter::{GrpcCallouts, HttpCallouts, Timers};
use crate::headers::{RequestHeaders, ResponseHeaders};
use crate::signal::{Signal, Woken};
use crate::stream::{Request, Response};
use crate::{Flow, HttpFilter, Reply, Result};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// A request in an `async` callback.
pub type AsyncRequest<F> = AsyncStream<F, RequestHeaders<'static>>;
/// A response in an `async` callback.
pub type AsyncResponse<F> = AsyncStream<F, ResponseHeaders<'static>>;

/// The part of a message, and the state of its stream, in an `async` callback.
pub struct AsyncStream<F: HttpFilter, H> {
    /// Headers, which are held until the callback returns.
    pub headers: H,
    /// State of the stream.
    pub stream: Lent<F::Stream>,
    filter: PhantomData<F>,
}

impl<F: HttpFilter, H> AsyncStream<F, H> {
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

    /// Waits for `delay`, at least a millisecond.
    pub fn sleep(&self, delay: Duration) -> Completion<()>
    where
        F: Timers,
    {
        Completion::start(|done| Operation::Sleep(delay, done))
    }

    /// Waits for a signal: see [`Context::wait`].
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
        STARTED.with_borrow_mut(|started| started.push(operation));
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

/// An operation that a callback started and that is not registered with the tasks of the plugin yet.
enum Operation {
    Http(u32, usize, Done<HttpResult>),
    Grpc(u32, Done<GrpcResult>),
    Sleep(Duration, Done<()>),
    Wait(Signal, Duration, Done<Woken>),
}

std::thread_local! {
    /// Operations that the callback which is being polled has started.
    static STARTED: RefCell<Vec<Operation>> = const { RefCell::new(Vec::new()) };
}

/// The callback of a stream, shared by the tasks that resume it. `None` while it runs, and after it returned.
type Waiting<S> = Rc<Cell<Option<Callback<S>>>>;

struct Callback<S> {
    future: Pin<Box<dyn Future<Output = Result>>>,
    home: Rc<Cell<Option<S>>>,
}

/// Runs an `async` callback for request headers. Called by code that `#[tollgate::filter]` generates.
#[doc(hidden)]
pub fn run_request<F: HttpFilter, T: Future<Output = Result> + 'static>(
    request: &mut Request<'_, F>,
    start: impl FnOnce(Rc<F>, AsyncRequest<F>) -> T,
) -> Result {
    let headers = RequestHeaders::shared(request.headers.end_of_stream(), request.headers.share());
    let (_, stream, cx) = request.parts();
    run(headers, stream, cx, start)
}

/// Runs an `async` callback for response headers.
#[doc(hidden)]
pub fn run_response<F: HttpFilter, T: Future<Output = Result> + 'static>(
    response: &mut Response<'_, F>,
    start: impl FnOnce(Rc<F>, AsyncResponse<F>) -> T,
) -> Result {
    let headers = ResponseHeaders::shared(response.headers.end_of_stream(), response.headers.share());
    let (_, stream, cx) = response.parts();
    run(headers, stream, cx, start)
}

fn run<F: HttpFilter, H, T: Future<Output = Result> + 'static>(
    headers: H,
    stream: &mut F::Stream,
    cx: &mut Context<'_, F>,
    start: impl FnOnce(Rc<F>, AsyncStream<F, H>) -> T,
) -> Result {
    let Some(filter) = cx.filter.cloned() else {
        return Reply::refuse(500, "tollgate_not_configured").into();
    };
    let home = Rc::new(Cell::new(None));
    let lent = Lent { state: mem::take(stream), home: Rc::clone(&home) };
    let future = start(filter, AsyncStream { headers, stream: lent, filter: PhantomData });
    poll(Callback { future: Box::pin(future), home }, &Waiting::default(), stream, cx)
}

/// Polls a callback. If it still waits, keeps it in `waiting` and registers the operations that it has
/// started.
fn poll<F: HttpFilter>(
    mut callback: Callback<F::Stream>,
    waiting: &Waiting<F::Stream>,
    stream: &mut F::Stream,
    cx: &mut Context<'_, F>,
) -> Result {
    let polled = callback.future.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop()));
    let started = STARTED.take();
    if let Poll::Ready(result) = polled {
        drop(callback.future);
        cx.keep_lent(None);
        *stream = callback.home.take().unwrap_or_default();
        return result;
    }
    cx.keep_lent(Some(Rc::clone(&callback.home)));
    waiting.set(Some(callback));
    for operation in started {
        if let Err(error) = register(operation, waiting, cx) {
            // `on_error` decides on the stream, so the callback must not decide later.
            drop(waiting.take());
            return Err(error.into());
        }
    }
    Ok(Flow::Pause)
}

fn register<F: HttpFilter>(
    operation: Operation,
    waiting: &Waiting<F::Stream>,
    cx: &mut Context<'_, F>,
) -> Result<(), crate::Error> {
    match operation {
        Operation::Http(token, max_body, done) if F::USES.http => {
            let task = cx.task(completing(waiting, done));
            cx.tasks.add_http(token, max_body, task);
            Ok(())
        }
        Operation::Grpc(token, done) if F::USES.grpc => {
            let task = cx.task(completing(waiting, done));
            cx.tasks.add_grpc(token, task);
            Ok(())
        }
        Operation::Sleep(delay, done) if F::USES.timers => {
            let task = cx.task(completing(waiting, done));
            cx.tasks.add_timer(delay, crate::task::Timer::Once(task))
        }
        Operation::Wait(signal, timeout, done) if F::USES.timers => {
            let task = cx.task(completing(waiting, done));
            cx.tasks.add_wait(signal, timeout, task)
        }
        // A kind of operation that this filter cannot start.
        _ => Ok(()),
    }
}

/// Returns the task that completes an operation and polls the callback again.
fn completing<F: HttpFilter, T: 'static>(
    waiting: &Waiting<F::Stream>,
    done: Done<T>,
) -> impl FnOnce(&F, &mut F::Stream, T, &mut Context<'_, F>) -> Result + 'static {
    let waiting = Rc::clone(waiting);
    move |_, stream, result, cx| {
        done.set(Some(result));
        match waiting.take() {
            Some(callback) => poll(callback, &waiting, stream, cx),
            // The callback has returned already, for example because another operation was first.
            None => Ok(Flow::Pause),
        }
    }
}
