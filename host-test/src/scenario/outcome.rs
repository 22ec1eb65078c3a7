//! The three views of a run: what the client received, what the upstream received, and what the filter did.

use super::{ConnectionExchange, Headers, Histogram, Response};
use crate::emulator::Cost;
use std::collections::BTreeMap;

/// The result of a scenario.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The results of the requests, in order.
    pub exchanges: Vec<Exchange>,
    /// The results of the TCP connections, in order.
    pub connections: Vec<ConnectionExchange>,
    /// Callouts by upstream name, in order of arrival. Has an entry for each upstream except the first, and
    /// one for the first if any callout reached it.
    pub callouts: BTreeMap<String, Vec<UpstreamRequest>>,
    /// Final values of the filters' counters and gauges, by the name that the filter defined.
    pub metrics: BTreeMap<String, u64>,
    /// Values that the filters recorded in histograms, by the name that the filter defined.
    pub histograms: BTreeMap<String, Histogram>,
    /// Log lines of the filters, in order, without Envoy's prefix.
    pub logs: Vec<LogLine>,
    /// Callbacks of the filters that did not return, in order. [`Host::run`](crate::Host::run) fails if there
    /// is one that the scenario does not expect: the proxy answers such a request like many others, with
    /// status 503.
    pub traps: Vec<CallbackTrap>,
    /// Decoded host calls in order, one per entry. Empty on a real Envoy, which does not report them.
    pub trace: Vec<String>,
    /// Number of host calls by name, including those of the main thread and of the VM that tries the
    /// configuration. Empty on a real Envoy.
    pub host_calls: BTreeMap<String, u64>,
    /// Instructions of callbacks by name. Empty on a real Envoy, and on the emulator unless it counts them.
    pub instructions: BTreeMap<String, Cost>,
}

/// A callback of a filter that the proxy stopped: a trap of the module, such as a panic or a stack overflow,
/// or an exceeded limit of the emulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackTrap {
    /// The callback's export name, for example `proxy_on_request_headers`. `malloc` if the allocator trapped
    /// when the proxy called it, under either of its names.
    pub callback: String,
    /// The reason and the call stack, in the words of the engine.
    pub reason: String,
}

impl std::fmt::Display for CallbackTrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} trapped: {}", self.callback, self.reason)
    }
}

/// The result of one request.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The result that the client observed.
    pub client: ClientView,
    /// Requests that the proxy sent to upstreams for this one; several if it retried.
    pub upstream: Vec<UpstreamRequest>,
    /// `%RESPONSE_CODE_DETAILS%`.
    pub details: String,
    /// `%RESPONSE_FLAGS%`: `UF`, `URX`, ..., separated by commas; `-` if no flag is set.
    pub flags: String,
}

/// Result of a request, as the client observed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientView {
    /// A complete response, with its body in one piece.
    Response(Response),
    /// The connection was closed before the response was complete, by the proxy or by the client itself, see
    /// [`Request::disconnect_after`](super::Request::disconnect_after).
    Reset,
    /// Nothing arrived for `Settings::client_patience`. On the emulator: no event is pending that could
    /// complete the response.
    Hang,
}

/// A request as an upstream received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamRequest {
    /// The upstream's name.
    pub cluster: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The `Host` header or `:authority`.
    pub authority: String,
    /// All other header fields.
    pub headers: Headers,
    /// The whole body.
    pub body: Vec<u8>,
    /// Trailer fields.
    pub trailers: Headers,
    /// Whether the request arrived completely. If a filter rejects a request after it has let the headers or
    /// a part of the body pass, its beginning has left over an idle connection, or if the client sends
    /// another piece after it. Otherwise, the proxy has no connection yet, and the upstream sees nothing.
    pub ended: bool,
}

/// A line that a filter logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The level.
    pub level: LogLevel,
    /// The text.
    pub text: String,
}

/// The levels of `proxy_log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}
