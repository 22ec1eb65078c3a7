//! The trait that a filter implements.

use crate::{
    AccessLog, ConfigError, Context, Error, Flow, Reply, RequestBody, RequestHeaders, RequestTrailers,
    ResponseBody, ResponseHeaders, ResponseTrailers, Result, queue::Queue,
};
use serde::de::DeserializeOwned;

/// Where in the life of a stream a callback belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The request is on its way; nothing was answered yet.
    Request,
    /// The response is on its way.
    Response,
}

/// An HTTP filter. Implement it under `#[tollgate::filter]`, which makes the module export one callback for each
/// method that is written, and no other: Envoy skips what is not exported, and each callback costs.
///
/// One value of the type serves all streams of a worker; what belongs to one stream is kept in
/// [`Stream`](Self::Stream). Workers share nothing but [shared cells](crate::shared), queues and metrics.
///
/// A callback that returns an error leaves the decision to [`on_error`](Self::on_error).
pub trait HttpFilter: Sized + 'static {
    /// The configuration. Derive `Deserialize` with `deny_unknown_fields`, or a misspelt field is ignored.
    type Config: DeserializeOwned;

    /// What is remembered of one stream, from its request to its log.
    type Stream: Default + 'static;

    #[doc(hidden)]
    const USES: Uses = Uses { http: false, grpc: false, timers: false, ends: true };

    /// Makes the filter of a configuration that was read; define metrics here. An error refuses the configuration:
    /// Envoy keeps the one before it, or does not start. Envoy calls this workers + 2 times.
    fn new(config: Self::Config, cx: &mut Context<'_, Self>) -> std::result::Result<Self, ConfigError>;

    /// The request's headers are here. To hold them, return [`Flow::Pause`] with a callout or a delay under way.
    fn on_request_headers(
        &mut self,
        stream: &mut Self::Stream,
        headers: &mut RequestHeaders<'_>,
        cx: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        let _ = (stream, headers, cx);
        Ok(Flow::Continue)
    }

    /// A piece of the request's body is here. [`Flow::Pause`] buffers it.
    fn on_request_body(
        &mut self,
        stream: &mut Self::Stream,
        body: &mut RequestBody<'_>,
        cx: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        let _ = (stream, body, cx);
        Ok(Flow::Continue)
    }

    /// The request's trailers are here.
    fn on_request_trailers(
        &mut self,
        stream: &mut Self::Stream,
        trailers: &mut RequestTrailers<'_>,
        cx: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        let _ = (stream, trailers, cx);
        Ok(Flow::Continue)
    }

    /// The response's headers are here: the upstream's, the router's, those of a later filter's reply, or of this
    /// filter's own.
    fn on_response_headers(
        &mut self,
        stream: &mut Self::Stream,
        headers: &mut ResponseHeaders<'_>,
        cx: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        let _ = (stream, headers, cx);
        Ok(Flow::Continue)
    }

    /// A piece of the response's body is here. [`Flow::Pause`] buffers it.
    fn on_response_body(
        &mut self,
        stream: &mut Self::Stream,
        body: &mut ResponseBody<'_>,
        cx: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        let _ = (stream, body, cx);
        Ok(Flow::Continue)
    }

    /// The response's trailers are here.
    fn on_response_trailers(
        &mut self,
        stream: &mut Self::Stream,
        trailers: &mut ResponseTrailers<'_>,
        cx: &mut Context<'_, Self>,
    ) -> Result<Flow> {
        let _ = (stream, trailers, cx);
        Ok(Flow::Continue)
    }

    /// The stream is over, and what was sent and received can be read. Called for every stream, also those that an
    /// earlier filter answered, of which this one saw nothing else.
    fn on_log(&mut self, stream: &mut Self::Stream, log: &AccessLog<'_>, cx: &mut Context<'_, Self>) {
        let _ = (stream, log, cx);
    }

    /// The stream is gone: the place to give back what it had taken. Called once for every stream, as the last thing that
    /// happens to it, however it ended: answered by the upstream, by this filter or by another, reset by either side, or
    /// taken away with the plugin. (Only a VM that trapped hears of nothing any more.) What the stream had under way is
    /// dropped before.
    ///
    /// Shared data, metrics, queues and [`signal`](Context::signal) work here; the stream's own headers, bodies and
    /// properties are better read in [`on_log`](Self::on_log). Unlike that, it mostly costs no callback: the host calls
    /// `proxy_on_delete` for each stream of every filter but one that keeps nothing of it, that is one with `()` for
    /// [`Stream`](Self::Stream), with nothing to start and with no callback of streams but
    /// [`on_request_headers`](Self::on_request_headers).
    ///
    /// It is the filter that is configured now who is asked, which need not be the one that saw the request. What is to happen
    /// when the plugin itself goes belongs into the filter's `Drop`; where `proxy_on_delete` is not called, that is when a
    /// plugin of the same VM is configured next.
    fn on_end(&mut self, stream: Self::Stream, cx: &mut Context<'_, Self>) {
        let _ = (stream, cx);
    }

    /// An item is in a queue that this VM was the last to register. Take items until there are none.
    fn on_queue_ready(&mut self, queue: Queue, cx: &mut Context<'_, Self>) {
        let _ = (queue, cx);
    }

    /// A callback could not decide. Unless the filter says otherwise, a request is answered with 500 and the details
    /// `tollgate_host_error`, since what was not checked must not pass; a response, whose request was let through
    /// before, goes on.
    fn on_error(&mut self, error: Error, phase: Phase) -> Flow {
        log::error!("{error}");
        match phase {
            Phase::Request => Reply::refuse(500, "tollgate_host_error").into(),
            Phase::Response => Flow::Continue,
        }
    }
}

/// What a filter starts, as `#[tollgate::filter]` was told. What it does not is not in its module: the compiler leaves out
/// what is behind a constant.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Uses {
    pub http: bool,
    pub grpc: bool,
    pub timers: bool,
    /// Whether it hears when a stream, or its plugin, ends.
    pub ends: bool,
}

impl Uses {
    pub(crate) const fn any(self) -> bool {
        self.http || self.grpc || self.timers
    }
}

/// The module exports what HTTP callouts need: `#[tollgate::filter(http_callouts)]`.
///
/// ```compile_fail,E0277
/// # use tollgate::{ConfigError, Context, Flow, HttpCall, HttpFilter};
/// struct Silent;
///
/// #[tollgate::filter] // without `(http_callouts)`
/// impl HttpFilter for Silent {
///     type Config = serde::de::IgnoredAny;
///     type Stream = ();
///
///     fn new(_: Self::Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
///         cx.plugin_http_call(&HttpCall::new("keys", "GET", "keys.test", "/"), |_, _, _| {})?;
///         Ok(Self)
///     }
/// }
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes HTTP callouts without saying so",
    note = "write `#[tollgate::filter(http_callouts)]`, so that the module exports what their answers need"
)]
pub trait HttpCallouts {}

/// The module exports what gRPC callouts need: `#[tollgate::filter(grpc_callouts)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes gRPC callouts without saying so",
    note = "write `#[tollgate::filter(grpc_callouts)]`, so that the module exports what their answers need"
)]
pub trait GrpcCallouts {}

/// The module exports what timers need: `#[tollgate::filter(timers)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` sets timers without saying so",
    note = "write `#[tollgate::filter(timers)]`, so that the module exports what they need"
)]
pub trait Timers {}
