//! The trait that every filter implements.

use crate::{
    AccessLog, Config, ConfigError, Context, Error, Flow, Reply, Request, RequestBody, RequestTrailers,
    Response, ResponseBody, ResponseTrailers, Result, queue::Queue,
};

/// The phase of a stream in which a callback runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The request is being processed. No response has been sent yet.
    Request,
    /// The response is being processed.
    Response,
}

/// An HTTP filter. Put `#[tollgate::filter]` on the implementation: the module then exports one callback for
/// each method that the implementation defines, and no other. Envoy skips callbacks that are not exported,
/// and every callback costs time.
///
/// The macro adds what an implementation leaves out: `type Stream = ()`, and, for a filter that is its own
/// configuration, `type Config = Self` and [`new`](Self::new).
///
/// A value of the type serves all streams of a worker, so the methods receive it by `&self`. Keep values
/// that callbacks change in a [`State`](crate::State), and the state of a single stream in
/// [`Stream`](Self::Stream). Workers share only [shared data](crate::shared), queues and metrics.
///
/// When a callback returns an error, [`on_error`](Self::on_error) decides what happens to the stream.
pub trait HttpFilter: HasAttribute + Sized + 'static {
    /// The configuration: a type with `#[derive(Config)]`, or `()` for a filter without configuration.
    type Config: Config;

    /// The state of one stream, from its request to its access log.
    type Stream: Default + 'static;

    #[doc(hidden)]
    const USES: Uses = Uses::NOTHING;

    /// Creates the filter from a parsed configuration. Define metrics here. An error rejects the
    /// configuration: Envoy then keeps the previous one. At startup there is no previous one, and Envoy does
    /// not start. Envoy calls this function in a canary VM, on the main thread and on each worker.
    fn new(config: Self::Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError>;

    /// Called when the request headers arrive. To hold the request, start a callout, a timer or a wait and
    /// return [`Flow::Pause`]; to hold it until its body is checked, return [`Flow::AwaitBody`]; or write an
    /// `async` method with an [`AsyncRequest`](crate::AsyncRequest), and `.await` them: see
    /// [`future`](crate::future).
    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let _ = request;
        Ok(Flow::Continue)
    }

    /// Called when a part of the request body arrives. [`Flow::Pause`] makes the host buffer it. If trailers
    /// arrive while a body is buffered, this method is called once more, with the end of the stream.
    fn on_request_body(&self, request: &mut RequestBody<'_, Self>) -> Result {
        let _ = request;
        Ok(Flow::Continue)
    }

    /// Called when the request trailers arrive. Not called if [`on_request_body`](Self::on_request_body) then
    /// still holds the body for a task.
    fn on_request_trailers(&self, request: &mut RequestTrailers<'_, Self>) -> Result {
        let _ = request;
        Ok(Flow::Continue)
    }

    /// Called when the response headers arrive. They come from the upstream, from the router, or from a local
    /// reply of a later filter or of this filter.
    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        let _ = response;
        Ok(Flow::Continue)
    }

    /// Called when a part of the response body arrives. [`Flow::Pause`] makes the host buffer it. If trailers
    /// arrive while a body is buffered, this method is called once more, with the end of the stream.
    fn on_response_body(&self, response: &mut ResponseBody<'_, Self>) -> Result {
        let _ = response;
        Ok(Flow::Continue)
    }

    /// Called when the response trailers arrive. Not called if [`on_response_body`](Self::on_response_body)
    /// then still holds the body for a task.
    fn on_response_trailers(&self, response: &mut ResponseTrailers<'_, Self>) -> Result {
        let _ = response;
        Ok(Flow::Continue)
    }

    /// Called for the access log, when the stream is complete. The headers and trailers that were sent and
    /// received can be read. This method is called for every stream, even if an earlier filter answered it
    /// and no other method of this filter was called.
    fn on_log(&self, log: &mut AccessLog<'_, Self>) {
        let _ = log;
    }

    /// Called once for every stream, as its last callback, for whatever reason it ends: the upstream, this
    /// filter or another filter sent the response, either side reset the stream, or the plugin was removed.
    /// Release what the stream holds here. The SDK has already dropped the pending callouts, timers and waits
    /// of the stream. A VM that trapped receives no more callbacks, this one included.
    ///
    /// Shared data, metrics, queues and [`signal`](Context::signal) can be used here, and Envoy still has the
    /// properties of the stream. Read its headers and bodies in [`on_log`](Self::on_log) instead.
    ///
    /// This method runs in `proxy_on_delete`. `#[tollgate::filter]` leaves that export out only if the filter
    /// has `type Stream = ()`, declares no callouts or timers, and defines no method besides
    /// [`new`](Self::new), [`on_request_headers`](Self::on_request_headers),
    /// [`on_queue_ready`](Self::on_queue_ready) and [`on_error`](Self::on_error).
    ///
    /// After a reconfiguration, the new filter value receives this call, also for streams that the previous
    /// value started. To release what the plugin itself holds, implement `Drop` for the filter. A filter
    /// without `proxy_on_delete` is dropped when the next plugin in the same VM is configured.
    fn on_end(&self, stream: Self::Stream, cx: &mut Context<'_, Self>) {
        let _ = (stream, cx);
    }

    /// Called when an item arrives in a queue that this VM was the last to register. Dequeue items until the
    /// queue is empty.
    fn on_queue_ready(&self, queue: Queue, cx: &mut Context<'_, Self>) {
        let _ = (queue, cx);
    }

    /// Called when another callback returns an error. By default, a request is rejected with status 500 and
    /// the details `tollgate_host_error`, because a request that was not checked must not pass. A response
    /// passes by default, because its request was already allowed.
    fn on_error(&self, error: Error, phase: Phase) -> Flow {
        log::error!("{error}");
        match phase {
            Phase::Request => Reply::refuse(500, "tollgate_host_error").into(),
            Phase::Response => Flow::Continue,
        }
    }
}

/// Implemented by `#[tollgate::filter]`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`#[tollgate::filter]` is missing on the implementation of `HttpFilter` or `TcpFilter` for `{Self}`",
    label = "its module would export no callback, so every request would pass",
    note = "write `#[tollgate::filter]` above `impl HttpFilter for {Self}`, or `impl TcpFilter for {Self}`"
)]
pub trait HasAttribute {}

/// The features that a filter declared in `#[tollgate::filter]`. These are constants, so the compiler removes
/// the code of features that are not used.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Uses {
    pub http: bool,
    pub grpc: bool,
    pub grpc_streams: bool,
    pub timers: bool,
    /// Whether a callback is `async`.
    pub asynchronous: bool,
    /// Whether the filter is a [`TcpFilter`](crate::TcpFilter).
    pub tcp: bool,
    /// The callbacks of a stream that the filter defines, one bit each: see [`Part`].
    pub parts: u8,
    /// Whether the module exports `proxy_on_delete`, for the end of streams and plugins.
    pub on_delete: bool,
}

/// A callback of a stream. The value is its bit in [`Uses::parts`].
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Part {
    RequestHeaders = 1,
    RequestBody = 2,
    RequestTrailers = 4,
    ResponseHeaders = 8,
    ResponseBody = 16,
    ResponseTrailers = 32,
    Log = 64,
    QueueReady = 128,
}

/// Whether a module exports all callbacks, as modules on the `proxy-wasm` crate do.
#[doc(hidden)]
pub const EXPORTS_ALL: bool = cfg!(feature = "proxy-wasm");

impl Uses {
    pub(crate) const NOTHING: Self = Self {
        http: false,
        grpc: false,
        grpc_streams: false,
        timers: false,
        asynchronous: false,
        tcp: false,
        parts: 0,
        on_delete: true,
    };

    pub(crate) const fn any(self) -> bool {
        self.http || self.any_grpc() || self.timers
    }

    pub(crate) const fn any_grpc(self) -> bool {
        self.grpc || self.grpc_streams
    }

    pub(crate) const fn has(self, part: Part) -> bool {
        self.parts & part as u8 != 0
    }

    pub(crate) const fn has_bodies(self) -> bool {
        self.has(Part::RequestBody) || self.has(Part::ResponseBody)
    }
}

/// Implemented for filters that declare HTTP callouts: `#[tollgate::filter(http_callouts)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes HTTP callouts but does not declare them",
    note = "write `#[tollgate::filter(http_callouts)]` to export the callback that receives their responses"
)]
pub trait HttpCallouts {}

/// Implemented for filters that declare gRPC callouts: `#[tollgate::filter(grpc_callouts)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes gRPC callouts but does not declare them",
    note = "write `#[tollgate::filter(grpc_callouts)]` to export the callbacks that receive their responses"
)]
pub trait GrpcCallouts {}

/// Implemented for filters that declare gRPC streams: `#[tollgate::filter(grpc_streams)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` opens gRPC streams but does not declare them",
    note = "write `#[tollgate::filter(grpc_streams)]` to export the callbacks that receive their events"
)]
pub trait GrpcStreams {}

/// Implemented for filters that declare timers: `#[tollgate::filter(timers)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` sets timers but does not declare them",
    note = "write `#[tollgate::filter(timers)]` to export the callback that runs them"
)]
pub trait Timers {}
