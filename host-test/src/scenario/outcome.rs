//! The three views of a run: what the client saw, what the upstream saw, what the filter did.

use super::{ConnectionExchange, Headers, Response};
use std::collections::BTreeMap;

/// What came of a scenario.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// One for each request, in order.
    pub exchanges: Vec<Exchange>,
    /// One for each connection, in order.
    pub connections: Vec<ConnectionExchange>,
    /// Callouts that reached each upstream but the first, and that one too if there were any, by its name, in order of
    /// arrival.
    pub callouts: BTreeMap<String, Vec<UpstreamRequest>>,
    /// The filters' counters and gauges at the end, by the name they were defined with.
    pub metrics: BTreeMap<String, u64>,
    /// The filters' log lines, in order, without Envoy's prefix.
    pub logs: Vec<LogLine>,
    /// Host calls in order, decoded, one a line. Empty on a real Envoy, which does not tell.
    pub trace: Vec<String>,
}

/// One request and its fate.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What the client saw.
    pub client: ClientView,
    /// What reached upstreams on behalf of this request; more than one if it was retried.
    pub upstream: Vec<UpstreamRequest>,
    /// `%RESPONSE_CODE_DETAILS%`.
    pub details: String,
    /// `%RESPONSE_FLAGS%`: `UF`, `URX`, ..., with commas between them; `-` for none.
    pub flags: String,
}

/// What the client saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientView {
    /// A whole response; its body in one piece.
    Response(Response),
    /// The connection was closed before a whole response came.
    Reset,
    /// Nothing came in `Settings::client_patience` (on the emulator: nothing is left that could make anything come).
    Hang,
}

/// A request as an upstream saw it.
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
    /// Whether all of it came. Whether the beginning of a request that is given up gets as far as the upstream depends
    /// on how fast the proxy connects to it: on Envoy it may, on the emulator it does not.
    pub ended: bool,
}

/// A line that a filter logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its level.
    pub level: LogLevel,
    /// Its text.
    pub text: String,
}

/// The levels of `proxy_log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Critical,
}
