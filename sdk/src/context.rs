//! What a callback can start: callouts and timers, for its stream or for the plugin.

use crate::callout::{GrpcCall, GrpcResult, HttpCall, HttpResult};
use crate::filter::{GrpcCallouts, HttpCallouts, Timers};
use crate::host::Direction;
use crate::signal::{Signal, Woken};
use crate::tasks::{Task, Tasks, Timer};
use crate::{Flow, HttpFilter, RequestHeaders, ResponseHeaders, Result};
use std::time::Duration;

/// What a callback can start. It lives no longer than the callback.
///
/// The methods whose name begins with `plugin_` are for the plugin: they outlive every stream. The others are for
/// the stream of the callback. What they start calls back with the filter and the stream's state, and decides by the
/// [`Flow`] it returns: `Continue` resumes the stream if it is held, `Pause` keeps it held for another task,
/// `Reply` answers. If the stream ends first, it is never called.
pub struct Context<'a, F: HttpFilter> {
    pub(crate) tasks: &'a mut Tasks<F>,
    pub(crate) place: Option<Place>,
}

/// The stream that a callback is about, and whether its headers can be reached.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) stream: u32,
    pub(crate) direction: Direction,
    /// Headers of that direction are held back, so that they can still be changed.
    pub(crate) headers_held: bool,
}

impl<F: HttpFilter> Context<'_, F> {
    /// The host's number of the stream; `None` outside a stream.
    pub fn stream_id(&self) -> Option<u32> {
        self.place.map(|place| place.stream)
    }

    /// The request's headers, in a task for a stream that is held in
    /// [`on_request_headers`](HttpFilter::on_request_headers).
    pub fn held_request_headers(&mut self) -> Option<RequestHeaders<'_>> {
        let held = self.place.is_some_and(|p| p.headers_held && p.direction == Direction::Request);
        held.then(|| RequestHeaders::new(false))
    }

    /// The response's headers, in a task for a stream that is held in
    /// [`on_response_headers`](HttpFilter::on_response_headers).
    pub fn held_response_headers(&mut self) -> Option<ResponseHeaders<'_>> {
        let held = self.place.is_some_and(|p| p.headers_held && p.direction == Direction::Response);
        held.then(|| ResponseHeaders::new(false))
    }

    /// Sends an HTTP request; `then` decides on the stream when it has come to something.
    pub fn http_call(
        &mut self,
        call: &HttpCall,
        then: impl FnOnce(&mut F, &mut F::Stream, HttpResult, &mut Context<'_, F>) -> Result<Flow> + 'static,
    ) -> Result<()>
    where
        F: HttpCallouts,
    {
        let token = call.send()?;
        self.tasks.add_http(token, call.max_body, self.task(then));
        Ok(())
    }

    /// Sends an HTTP request for the plugin, as when it is configured.
    pub fn plugin_http_call(
        &mut self,
        call: &HttpCall,
        then: impl FnOnce(&mut F, HttpResult, &mut Context<'_, F>) + 'static,
    ) -> Result<()>
    where
        F: HttpCallouts,
    {
        let token = call.send()?;
        self.tasks.add_http(token, call.max_body, Task::Plugin(Box::new(then)));
        Ok(())
    }

    /// Sends a gRPC request; `then` decides on the stream when it has come to something.
    pub fn grpc_call(
        &mut self,
        call: &GrpcCall,
        then: impl FnOnce(&mut F, &mut F::Stream, GrpcResult, &mut Context<'_, F>) -> Result<Flow> + 'static,
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
        then: impl FnOnce(&mut F, GrpcResult, &mut Context<'_, F>) + 'static,
    ) -> Result<()>
    where
        F: GrpcCallouts,
    {
        let token = call.send()?;
        self.tasks.add_grpc(token, Task::Plugin(Box::new(then)));
        Ok(())
    }

    /// After `delay`, `then` decides on the stream.
    pub fn after(
        &mut self,
        delay: Duration,
        then: impl FnOnce(&mut F, &mut F::Stream, &mut Context<'_, F>) -> Result<Flow> + 'static,
    ) -> Result<()>
    where
        F: Timers,
    {
        let task = self.task(|filter: &mut F, stream: &mut F::Stream, (), cx: &mut Context<'_, F>| {
            then(filter, stream, cx)
        });
        self.tasks.add_timer(delay, Timer::Once(task))
    }

    /// Calls `then` once, after `delay`.
    pub fn plugin_after(
        &mut self,
        delay: Duration,
        then: impl FnOnce(&mut F, &mut Context<'_, F>) + 'static,
    ) -> Result<()>
    where
        F: Timers,
    {
        let then = Box::new(|filter: &mut F, (), cx: &mut Context<'_, F>| then(filter, cx));
        self.tasks.add_timer(delay, Timer::Once(Task::Plugin(then)))
    }

    /// Calls `then` every `period`, on each worker and on the main thread. Give workers different periods (by
    /// [`random`](crate::random)) when all of them would call out at once.
    pub fn plugin_every(
        &mut self,
        period: Duration,
        then: impl FnMut(&mut F, &mut Context<'_, F>) + 'static,
    ) -> Result<()>
    where
        F: Timers,
    {
        self.tasks.add_timer(period, Timer::Every(period, Box::new(then)))
    }

    /// Parks the stream until [`signal`](Self::signal) is called with this signal on the same worker, at the longest for
    /// `timeout`; then `then` decides on the stream, told which it was. Return [`Flow::Pause`] meanwhile.
    ///
    /// Bound how many may wait, by [`waiting`](Self::waiting): each is a request that the proxy holds in memory.
    pub fn wait(
        &mut self,
        signal: Signal,
        timeout: Duration,
        then: impl FnOnce(&mut F, &mut F::Stream, Woken, &mut Context<'_, F>) -> Result<Flow> + 'static,
    ) -> Result<()>
    where
        F: Timers,
    {
        let task = self.task(then);
        self.tasks.add_wait(signal, timeout, task)
    }

    /// Wakes all streams of this plugin and worker that wait for the signal, first come first. They are asked behind
    /// this callback, or within a millisecond if it is a stream's. One that begins to wait later waits for the next.
    pub fn signal(&mut self, signal: Signal) -> Result<()>
    where
        F: Timers,
    {
        self.tasks.signal(signal)
    }

    /// How many streams of this plugin and worker wait for the signal, or with `None`, for any. One that was woken, or
    /// has ended, waits no more.
    pub fn waiting(&self, signal: Option<Signal>) -> usize {
        self.tasks.waiting(signal)
    }

    /// Outside a stream there is none to decide on, and `then` is not called.
    fn task<T: 'static>(
        &self,
        then: impl FnOnce(&mut F, &mut F::Stream, T, &mut Context<'_, F>) -> Result<Flow> + 'static,
    ) -> Task<F, T> {
        match self.place {
            Some(place) => Task::Stream(place.stream, place.direction, Box::new(then)),
            None => {
                Task::Plugin(Box::new(|_, _, _| log::error!("a task for a stream was started outside one")))
            }
        }
    }
}
