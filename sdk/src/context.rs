//! Starts callouts and timers from a callback, for its stream or for the plugin.

use crate::callout::{GrpcCall, GrpcResult, HttpCall, HttpResult};
use crate::error::Result;
use crate::filter::{GrpcCallouts, GrpcStreams, HttpCallouts, Timers};
use crate::grpc_stream::{GrpcEvent, GrpcStream, GrpcStreamCall};
use crate::host::Direction;
use crate::queue::Queue;
use crate::signal::{Signal, Woken};
use crate::task::{Events, Task, Timer};
use crate::tasks::Tasks;
use crate::{Error, HttpFilter, RequestHeaders, ResponseHeaders, Trailers};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Starts callouts, timers and waits from a callback. It cannot be kept after the callback.
///
/// Methods with a name that begins with `plugin_` start tasks of the plugin, which outlive every stream. The
/// other methods start tasks of the callback's stream. The closure of such a task receives the filter and the
/// state of the stream, and the [`Flow`](crate::Flow) that it returns decides: `Continue` resumes the stream
/// if it is paused, `Pause` keeps it paused for another task, and `Reply` answers the client. If the stream
/// ends first, the closure is not called.
pub struct Context<'a, F: HttpFilter> {
    pub(crate) tasks: &'a mut Tasks<F>,
    pub(crate) position: Option<StreamPosition>,
    /// The filter, for an `async` callback, which shares it.
    pub(crate) filter: Option<&'a Rc<F>>,
}

/// The stream that a callback belongs to, and whether its headers are accessible.
#[derive(Clone, Copy)]
pub(crate) struct StreamPosition {
    pub(crate) stream: u32,
    pub(crate) direction: Direction,
    /// Whether the headers of this direction are held, so that they can still be changed.
    pub(crate) headers_held: bool,
    /// Whether the filter has passed on a part of the body of this direction.
    pub(crate) passed_body: bool,
    /// Whether the body of this direction has no announced length.
    pub(crate) length_is_free: bool,
}

impl StreamPosition {
    pub(crate) fn new(stream: u32, direction: Direction) -> Self {
        Self { stream, direction, headers_held: false, passed_body: false, length_is_free: false }
    }
}

impl<F: HttpFilter> Context<'_, F> {
    /// Returns the host's context id of the stream, or `None` outside a stream.
    pub fn stream_id(&self) -> Option<u32> {
        self.position.map(|position| position.stream)
    }

    /// Returns the request headers. Available in a task of a stream that is paused in
    /// [`on_request_headers`](HttpFilter::on_request_headers), and in the body callback after
    /// [`Flow::AwaitBody`](crate::Flow::AwaitBody).
    pub fn held_request_headers(&mut self) -> Option<RequestHeaders<'_>> {
        let held = self.holds_headers(Direction::Request);
        held.then(|| RequestHeaders::new(false))
    }

    /// Like [`held_request_headers`](Self::held_request_headers). Also returns this context, to start tasks
    /// while the headers are borrowed.
    pub fn held_request(&mut self) -> Option<(RequestHeaders<'_>, &mut Self)> {
        let held = self.holds_headers(Direction::Request);
        held.then(|| (RequestHeaders::new(false), self))
    }

    /// Returns the response headers. Available in a task of a stream that is paused in
    /// [`on_response_headers`](HttpFilter::on_response_headers), and in the body callback after
    /// [`Flow::AwaitBody`](crate::Flow::AwaitBody).
    pub fn held_response_headers(&mut self) -> Option<ResponseHeaders<'_>> {
        let held = self.holds_headers(Direction::Response);
        held.then(|| ResponseHeaders::new(false))
    }

    /// Returns the response trailers, which are empty if none have arrived. Available in
    /// [`on_response_body`](HttpFilter::on_response_body) for the last part of a body that was held, and in a
    /// task of a stream that is paused there.
    pub fn held_response_trailers(&mut self) -> Option<Trailers<'_>> {
        let is_response = self.position.is_some_and(|position| position.direction == Direction::Response);
        (!F::USES.tcp && is_response).then(|| Trailers::new(Direction::Response))
    }

    fn holds_headers(&self, direction: Direction) -> bool {
        !F::USES.tcp && self.position.is_some_and(|p| p.headers_held && p.direction == direction)
    }

    /// Sends an HTTP request. `then` receives the response or the error and decides on the stream.
    pub fn http_call(
        &mut self,
        call: &HttpCall,
        then: impl FnOnce(&F, &mut F::Stream, HttpResult, &mut Context<'_, F>) -> crate::Result + 'static,
    ) -> Result<()>
    where
        F: HttpCallouts,
    {
        let token = call.send()?;
        self.tasks.add_http(token, call.max_body, self.task(then));
        Ok(())
    }

    /// Sends an HTTP request for the plugin, for example when it is configured.
    pub fn plugin_http_call(
        &mut self,
        call: &HttpCall,
        then: impl FnOnce(&F, HttpResult, &mut Context<'_, F>) + 'static,
    ) -> Result<()>
    where
        F: HttpCallouts,
    {
        let token = call.send()?;
        self.tasks.add_http(token, call.max_body, Task::Plugin(Box::new(then)));
        Ok(())
    }

    /// Sends a gRPC request. `then` receives the response or the error and decides on the stream.
    pub fn grpc_call(
        &mut self,
        call: &GrpcCall,
        then: impl FnOnce(&F, &mut F::Stream, GrpcResult, &mut Context<'_, F>) -> crate::Result + 'static,
    ) -> Result<()>
    where
        F: GrpcCallouts,
    {
        let token = call.send()?;
        self.tasks.add_grpc(token, self.task(then));
        Ok(())
    }

    /// Sends a gRPC request for the plugin.
    pub fn plugin_grpc_call(
        &mut self,
        call: &GrpcCall,
        then: impl FnOnce(&F, GrpcResult, &mut Context<'_, F>) + 'static,
    ) -> Result<()>
    where
        F: GrpcCallouts,
    {
        let token = call.send()?;
        self.tasks.add_grpc(token, Task::Plugin(Box::new(then)));
        Ok(())
    }

    /// Opens a gRPC stream. `then` receives each event and decides on the stream of the request: `Pause`
    /// keeps it paused for the next event.
    pub fn grpc_stream(
        &mut self,
        call: &GrpcStreamCall,
        then: impl FnMut(&F, &mut F::Stream, GrpcEvent, &mut Context<'_, F>) -> crate::Result + 'static,
    ) -> Result<GrpcStream>
    where
        F: GrpcStreams,
    {
        let Some(position) = self.position else { return Err(Error::OutsideStream) };
        let stream = call.open()?;
        self.tasks.add_stream(stream, Events::of_stream(position.stream, position.direction, then));
        Ok(stream)
    }

    /// Opens a gRPC stream for the plugin.
    pub fn plugin_grpc_stream(
        &mut self,
        call: &GrpcStreamCall,
        then: impl FnMut(&F, GrpcEvent, &mut Context<'_, F>) + 'static,
    ) -> Result<GrpcStream>
    where
        F: GrpcStreams,
    {
        let stream = call.open()?;
        self.tasks.add_stream(stream, Events::of_plugin(then));
        Ok(stream)
    }

    /// Calls `then` after `delay` to decide on the stream.
    pub fn after(
        &mut self,
        delay: Duration,
        then: impl FnOnce(&F, &mut F::Stream, &mut Context<'_, F>) -> crate::Result + 'static,
    ) -> Result<()>
    where
        F: Timers,
    {
        let task = self
            .task(|filter: &F, stream: &mut F::Stream, (), cx: &mut Context<'_, F>| then(filter, stream, cx));
        self.tasks.add_timer(delay, Timer::Once(task))
    }

    /// Calls `then` once, after `delay`.
    pub fn plugin_after(
        &mut self,
        delay: Duration,
        then: impl FnOnce(&F, &mut Context<'_, F>) + 'static,
    ) -> Result<()>
    where
        F: Timers,
    {
        let then = Box::new(|filter: &F, (), cx: &mut Context<'_, F>| then(filter, cx));
        self.tasks.add_timer(delay, Timer::Once(Task::Plugin(then)))
    }

    /// Calls `then` every `period`, on each worker and on the main thread. If `then` makes callouts, give
    /// each worker a different period (see [`random`](crate::random)), so that the workers do not all call at
    /// the same time.
    pub fn plugin_every(
        &mut self,
        period: Duration,
        then: impl FnMut(&F, &mut Context<'_, F>) + 'static,
    ) -> Result<()>
    where
        F: Timers,
    {
        self.tasks.add_timer(period, Timer::Every(period, Box::new(then)))
    }

    /// Makes the stream wait until [`signal`](Self::signal) is called for this signal on the same worker, or
    /// until `timeout` passes. Then calls `then`, which learns the reason from [`Woken`] and decides on the
    /// stream. Return [`Flow::Pause`](crate::Flow::Pause) from the callback that calls this method.
    ///
    /// Limit the number of streams that wait (see [`waiting`](Self::waiting)): the proxy holds each of these
    /// requests in memory.
    pub fn wait(
        &mut self,
        signal: Signal,
        timeout: Duration,
        then: impl FnOnce(&F, &mut F::Stream, Woken, &mut Context<'_, F>) -> crate::Result + 'static,
    ) -> Result<()>
    where
        F: Timers,
    {
        let task = self.task(then);
        self.tasks.add_wait(signal, timeout, task)
    }

    /// Wakes all streams of this plugin on this worker that wait for the signal, in the order in which they
    /// began to wait. They are resumed right after this callback, or within a millisecond if this is a
    /// callback of a stream. A stream that begins to wait later waits for the next signal.
    pub fn signal(&mut self, signal: Signal) -> Result<()>
    where
        F: Timers,
    {
        self.tasks.signal(signal)
    }

    /// Returns the number of streams of this plugin on this worker that wait for the signal. Streams that
    /// were woken or have ended do not count.
    pub fn waiting(&self, signal: Signal) -> usize {
        self.tasks.waiting(signal)
    }

    /// Returns the number of streams of this plugin on this worker that have a task: a callout, a timer or a
    /// wait. A stream counts until its last task has run or the stream ends, also if it continues before
    /// that. The cost does not depend on the number.
    pub fn waiting_streams(&self) -> usize {
        self.tasks.waiting_streams()
    }

    /// Registers the queue `name` of this VM's `vm_id`, or finds it if it exists. For each new item, the host
    /// notifies the VM that registered the queue last: see [`HttpFilter::on_queue_ready`].
    pub fn register_queue(&mut self, name: &str) -> Result<Queue> {
        let queue = Queue::register(name)?;
        self.tasks.add_queue(queue);
        Ok(queue)
    }

    /// Creates a task for the stream. Outside a stream there is nothing to decide on, so `then` is not
    /// called.
    pub(crate) fn task<T: 'static>(
        &self,
        then: impl FnOnce(&F, &mut F::Stream, T, &mut Context<'_, F>) -> crate::Result + 'static,
    ) -> Task<F, T> {
        match self.position {
            Some(position) => Task::Stream(position.stream, position.direction, Box::new(then)),
            None => Task::Plugin(Box::new(|_, _, _| {
                log::error!("task of a stream was started outside a stream; ignoring it")
            })),
        }
    }

    /// Keeps the place to which an `async` callback returns the state of the stream.
    pub(crate) fn keep_lent(&mut self, home: Option<Rc<Cell<Option<F::Stream>>>>) {
        if let Some(position) = self.position {
            self.tasks.keep_lent(position.stream, home);
        }
    }
}
