//! Runs `async` callbacks: polls them, and registers the operations that they start.

use super::{
    AsyncBody, AsyncRequest, AsyncRequestBody, AsyncResponse, AsyncResponseBody, AsyncStream, Calls, Done,
    Lent,
};
use crate::body::Body;
use crate::callout::{GrpcResult, HttpResult};
use crate::context::Context;
use crate::grpc_stream::{GrpcEvent, GrpcStream};
use crate::headers::{RequestHeaders, ResponseHeaders};
use crate::signal::{Signal, Woken};
use crate::stream::{Request, RequestBody, Response, ResponseBody};
use crate::task::Events;
use crate::{Flow, HttpFilter, Reply, Result};
use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// An operation that a callback started and that is not registered with the tasks of the plugin yet.
pub(super) enum Operation {
    Http(u32, usize, Done<HttpResult>),
    Grpc(u32, Done<GrpcResult>),
    Stream(GrpcStream, Arrived),
    /// A stream whose events nothing receives any more.
    Cancelled(GrpcStream),
    Sleep(Duration, Done<()>),
    Wait(Signal, Duration, Done<Woken>),
}

impl Operation {
    /// Notes the operation for the callback that is being polled.
    pub(super) fn note(self) {
        STARTED.with_borrow_mut(|started| started.push(self));
    }
}

/// The events of a gRPC stream that the callback has not received yet.
pub(super) type Arrived = Rc<RefCell<VecDeque<GrpcEvent>>>;

std::thread_local! {
    /// Operations that the callback which is being polled has started.
    static STARTED: RefCell<Vec<Operation>> = const { RefCell::new(Vec::new()) };
    /// Memory of callbacks that have returned without waiting: at most one for each `async` callback.
    static SPARES: RefCell<Vec<Spare>> = const { RefCell::new(Vec::new()) };
}

/// The callback of a stream, shared by the tasks that resume it. `None` while it runs, and after it returned.
type Waiting<S> = Rc<Cell<Option<Callback<S>>>>;

/// The place to which a callback returns the state of its stream.
type Home<S> = Rc<Cell<Option<S>>>;

struct Callback<S> {
    future: Pin<Box<dyn Place>>,
    home: Home<S>,
}

/// Memory for the future of a callback. It stays at one address, so that the next stream can use it.
trait Place {
    /// The type of the future.
    fn holds(&self) -> TypeId;
    /// Polls the future. An empty place is pending.
    fn poll(self: Pin<&mut Self>) -> Poll<Result>;
    /// Moves a future in, from an `Option` of the same type.
    fn fill(self: Pin<&mut Self>, future: &mut dyn Any);
    /// Drops the future.
    fn clear(self: Pin<&mut Self>);
}

impl<T: Future<Output = Result> + 'static> Place for Option<T> {
    fn holds(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn poll(self: Pin<&mut Self>) -> Poll<Result> {
        let mut cx = std::task::Context::from_waker(Waker::noop());
        self.as_pin_mut().map_or(Poll::Pending, |future| future.poll(&mut cx))
    }

    fn fill(mut self: Pin<&mut Self>, future: &mut dyn Any) {
        if let Some(future) = future.downcast_mut::<Self>() {
            self.set(future.take());
        }
    }

    fn clear(mut self: Pin<&mut Self>) {
        self.set(None);
    }
}

/// A [`Callback`] without a future, and without the type of the state.
struct Spare {
    place: Pin<Box<dyn Place>>,
    home: Rc<dyn Any>,
}

impl Spare {
    fn take<S: 'static, T: Future<Output = Result> + 'static>() -> Option<Callback<S>> {
        let spare = SPARES.with_borrow_mut(|spares| {
            let index = spares.iter().position(|spare| spare.place.holds() == TypeId::of::<T>())?;
            Some(spares.swap_remove(index))
        })?;
        Some(Callback { future: spare.place, home: spare.home.downcast().ok()? })
    }

    fn keep<S: 'static>(callback: Callback<S>) {
        // The state of a stream that the callback has moved elsewhere must not return to another stream.
        if Rc::strong_count(&callback.home) > 1 {
            return;
        }
        let spare = Self { place: callback.future, home: callback.home };
        SPARES.with_borrow_mut(|spares| spares.push(spare));
    }
}

/// Runs an `async` callback for request headers. Called by code that `#[tollgate::filter]` generates.
#[doc(hidden)]
pub fn run_request<F: HttpFilter, T: Future<Output = Result> + 'static>(
    request: &mut Request<'_, F>,
    start: impl FnOnce(Rc<F>, AsyncRequest<F>) -> T,
) -> Result {
    let headers = RequestHeaders::shared(request.headers.end_of_stream(), request.headers.share());
    let (_, stream, cx) = request.parts();
    run(stream, cx, |filter, stream| {
        start(filter, AsyncStream { headers, stream, calls: Calls(PhantomData) })
    })
}

/// Runs an `async` callback for response headers.
#[doc(hidden)]
pub fn run_response<F: HttpFilter, T: Future<Output = Result> + 'static>(
    response: &mut Response<'_, F>,
    start: impl FnOnce(Rc<F>, AsyncResponse<F>) -> T,
) -> Result {
    let headers = ResponseHeaders::shared(response.headers.end_of_stream(), response.headers.share());
    let (_, stream, cx) = response.parts();
    run(stream, cx, |filter, stream| {
        start(filter, AsyncStream { headers, stream, calls: Calls(PhantomData) })
    })
}

/// Runs an `async` callback for the body of a request.
#[doc(hidden)]
pub fn run_request_body<F: HttpFilter, T: Future<Output = Result> + 'static>(
    request: &mut RequestBody<'_, F>,
    start: impl FnOnce(Rc<F>, AsyncRequestBody<F>) -> T,
) -> Result {
    let headers = request.held_request_headers().map(|_| RequestHeaders::new(false));
    let (body, stream, cx) = request.parts();
    run_body(headers, body, stream, cx, start)
}

/// Runs an `async` callback for the body of a response.
#[doc(hidden)]
pub fn run_response_body<F: HttpFilter, T: Future<Output = Result> + 'static>(
    response: &mut ResponseBody<'_, F>,
    start: impl FnOnce(Rc<F>, AsyncResponseBody<F>) -> T,
) -> Result {
    let headers = response.held_response_headers().map(|_| ResponseHeaders::new(false));
    let (body, stream, cx) = response.parts();
    run_body(headers, body, stream, cx, start)
}

fn run_body<F: HttpFilter, H, T: Future<Output = Result> + 'static>(
    headers: Option<H>,
    body: &Body<'_>,
    stream: &mut F::Stream,
    cx: &mut Context<'_, F>,
    start: impl FnOnce(Rc<F>, AsyncBody<F, H>) -> T,
) -> Result {
    if !body.end_of_stream() {
        return Ok(Flow::Pause);
    }
    let body = body.held();
    run(stream, cx, |filter, stream| {
        start(filter, AsyncBody { headers, body, stream, calls: Calls(PhantomData) })
    })
}

fn run<F: HttpFilter, T: Future<Output = Result> + 'static>(
    stream: &mut F::Stream,
    cx: &mut Context<'_, F>,
    start: impl FnOnce(Rc<F>, Lent<F::Stream>) -> T,
) -> Result {
    let Some(filter) = cx.filter.cloned() else {
        return Reply::refuse(500, "tollgate_not_configured").into();
    };
    let mut callback = Spare::take::<F::Stream, T>()
        .unwrap_or_else(|| Callback { future: Box::pin(None::<T>), home: Rc::default() });
    let lent = Lent { state: mem::take(stream), home: Rc::clone(&callback.home) };
    callback.future.as_mut().fill(&mut Some(start(filter, lent)));
    match poll(&mut callback, stream, cx) {
        Poll::Ready(result) => {
            Spare::keep(callback);
            result
        }
        Poll::Pending => wait(callback, &Waiting::default(), cx),
    }
}

/// Polls a callback. Takes the state of the stream back if it returns.
fn poll<F: HttpFilter>(
    callback: &mut Callback<F::Stream>,
    stream: &mut F::Stream,
    cx: &mut Context<'_, F>,
) -> Poll<Result> {
    let polled = callback.future.as_mut().poll();
    if polled.is_ready() {
        callback.future.as_mut().clear();
        for operation in STARTED.take() {
            forget(&operation, cx);
        }
        *stream = callback.home.take().unwrap_or_default();
    }
    polled
}

/// Keeps a callback in `waiting`, and registers the operations that it has started.
fn wait<F: HttpFilter>(
    callback: Callback<F::Stream>,
    waiting: &Waiting<F::Stream>,
    cx: &mut Context<'_, F>,
) -> Result {
    cx.keep_lent(Some(Rc::clone(&callback.home)));
    waiting.set(Some(callback));
    for operation in STARTED.take() {
        forget(&operation, cx);
        if let Err(error) = register(operation, waiting, cx) {
            // `on_error` decides on the stream, so the callback must not decide later.
            drop(waiting.take());
            return Err(error.into());
        }
    }
    Ok(Flow::Pause)
}

/// Forgets a stream that was cancelled: it must not count as something that the callback waits for.
fn forget<F: HttpFilter>(operation: &Operation, cx: &mut Context<'_, F>) {
    if let Operation::Cancelled(stream) = operation
        && F::USES.grpc_streams
    {
        cx.tasks.remove_stream(stream.token);
    }
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
        Operation::Stream(stream, arrived) if F::USES.grpc_streams => {
            let waiting = Rc::clone(waiting);
            let then = move |_: &F, state: &mut F::Stream, event, cx: &mut Context<'_, F>| {
                arrived.borrow_mut().push_back(event);
                resume(&waiting, state, cx)
            };
            if let Some(position) = cx.position {
                cx.tasks.add_stream(stream, Events::of_stream(position.stream, position.direction, then));
            }
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
        // A stream that is forgotten, or a kind of operation that this filter cannot start.
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
        resume(&waiting, stream, cx)
    }
}

/// Polls the callback again.
fn resume<F: HttpFilter>(
    waiting: &Waiting<F::Stream>,
    stream: &mut F::Stream,
    cx: &mut Context<'_, F>,
) -> Result {
    // Without a callback, it has returned already, for example because another operation was first.
    let Some(mut callback) = waiting.take() else { return Ok(Flow::Pause) };
    match poll(&mut callback, stream, cx) {
        Poll::Ready(result) => {
            cx.keep_lent(None);
            result
        }
        Poll::Pending => wait(callback, waiting, cx),
    }
}
