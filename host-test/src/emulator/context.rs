//! Contexts: the ABI's handles for plugins and streams.
//!
//! Envoy keeps pointers to header maps and buffers in a context, and clears them when a callback continues.
//! Whether a pointer is set decides the result of host calls, so contexts keep that as flags.

use super::foreign::Expressions;
use super::header_map::HeaderMap;
use super::state::Status;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The header maps of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the ABI's")]
pub enum MapKind {
    RequestHeaders,
    RequestTrailers,
    ResponseHeaders,
    ResponseTrailers,
    GrpcInitialMetadata,
    GrpcTrailingMetadata,
    CallHeaders,
    CallTrailers,
}

impl MapKind {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        use MapKind::{
            CallHeaders, CallTrailers, GrpcInitialMetadata, GrpcTrailingMetadata, RequestHeaders,
            RequestTrailers, ResponseHeaders, ResponseTrailers,
        };
        let all = [
            RequestHeaders,
            RequestTrailers,
            ResponseHeaders,
            ResponseTrailers,
            GrpcInitialMetadata,
            GrpcTrailingMetadata,
            CallHeaders,
            CallTrailers,
        ];
        all.get(number as usize).copied()
    }
}

/// The buffers of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the ABI's")]
pub enum BufferKind {
    RequestBody,
    ResponseBody,
    DownstreamData,
    UpstreamData,
    CallBody,
    GrpcMessage,
    VmConfiguration,
    PluginConfiguration,
    CallData,
}

impl BufferKind {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        use BufferKind::{
            CallBody, CallData, DownstreamData, GrpcMessage, PluginConfiguration, RequestBody, ResponseBody,
            UpstreamData, VmConfiguration,
        };
        let all = [
            RequestBody,
            ResponseBody,
            DownstreamData,
            UpstreamData,
            CallBody,
            GrpcMessage,
            VmConfiguration,
            PluginConfiguration,
            CallData,
        ];
        all.get(number as usize).copied()
    }
}

/// The parts of one direction of a stream that a context can access.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    pub headers: bool,
    pub body: bool,
    pub trailers: bool,
    /// The body is the stream's buffer, not the current piece.
    pub buffering: bool,
    /// The last body callback returned neither Continue nor Pause.
    pub dangles: bool,
}

/// The response to an HTTP callout, available while its callback runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallAnswer {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
}

/// A property declared with the foreign function `declare_property`.
#[derive(Clone, Debug)]
pub(crate) struct Prototype {
    pub readonly: bool,
    pub kind: u32,
}

/// State that only a root context has.
#[derive(Debug, Default)]
pub(crate) struct Root {
    pub status: (u32, Vec<u8>),
    pub configuring: bool,
    pub tick: Option<Duration>,
    pub tick_event: Option<(Duration, u64)>,
    pub pending_done: bool,
    pub call_answer: Option<CallAnswer>,
    pub grpc_initial: Option<HeaderMap>,
    pub grpc_trailing: Option<HeaderMap>,
    pub grpc_message: Option<Vec<u8>>,
    pub http_calls: BTreeSet<u32>,
    pub grpc_calls: BTreeMap<u32, super::callouts::grpc::Open>,
    pub prototypes: BTreeMap<String, Prototype>,
    pub expressions: Expressions,
}

impl Root {
    /// Declares a property. Fails if it is already declared.
    pub fn declare(&mut self, name: &str, prototype: Prototype) -> Status {
        if self.prototypes.contains_key(name) {
            return Status::BadArgument;
        }
        self.prototypes.insert(name.into(), prototype);
        Status::Ok
    }
}

/// A root context, or the context of one stream or connection in one filter.
#[derive(Debug, Default)]
pub(crate) struct Context {
    /// The root context, or 0 if this is a root context.
    pub parent: u32,
    pub plugin: usize,
    pub stream: Option<u64>,
    /// The connection of a network filter.
    pub connection: Option<u64>,
    /// Whether the connection's buffered downstream data is accessible.
    pub downstream_data: bool,
    pub upstream_data: bool,
    /// The index of its filter in the chain.
    pub filter: usize,
    /// `proxy_on_context_create` was called, or would have been if it were exported.
    pub created: bool,
    pub destroyed: bool,
    pub request: Access,
    pub response: Access,
    /// The last callback with headers or a body, of the request or of the response, had the end of the
    /// stream.
    pub end_of_stream: bool,
    /// The buffer that was accessed last.
    pub last_buffer: Option<BufferKind>,
    /// `proxy_on_log` is running.
    pub logging: bool,
    pub failure_replied: bool,
    pub stream_failed: bool,
    pub root: Root,
}

impl Context {
    pub fn root(plugin: usize) -> Self {
        Self { plugin, ..Self::default() }
    }

    pub fn stream(plugin: usize, parent: u32, stream: u64, filter: usize) -> Self {
        Self { parent, plugin, stream: Some(stream), filter, ..Self::default() }
    }

    pub fn connection(plugin: usize, parent: u32, connection: u64) -> Self {
        Self { parent, plugin, connection: Some(connection), ..Self::default() }
    }

    /// Makes the headers, the body and the trailers of the request inaccessible, because the request
    /// continues.
    pub fn leave_request(&mut self) {
        self.request.headers = false;
        self.request.body = false;
        self.request.trailers = false;
    }
}
