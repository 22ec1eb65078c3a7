//! What an operator configures. Every section may be left out; one that is left out costs nothing.
//!
//! The documentation of a field is its description in the JSON Schema.

mod check;
mod edit;
mod values;

pub use edit::{Edit, RequestEdit, ResponseEdit, Write};
pub use values::{IdLength, MetricName, Origin};

use check::RawConfig;
use serde::Deserialize;
use tollgate_policy::{EditableName, Percent, editable_name};

/// The configuration of the filter.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "RawConfig")]
pub struct Config {
    /// The request id.
    pub request_id: Option<RequestId>,
    /// The W3C trace context.
    pub trace_context: Option<TraceContext>,
    /// Edits of the request headers, in order.
    pub request_headers: Vec<RequestEdit>,
    /// Edits of the response headers, in order.
    pub response_headers: Vec<ResponseEdit>,
    /// The `Server-Timing` header.
    pub server_timing: Option<ServerTiming>,
}

/// Keeps or generates the id of a request.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RequestId {
    /// The header that carries it. Default: `x-request-id`.
    pub header: EditableName,
    /// Whether a valid id that the request brought is kept. Envoy itself gives an id to requests without one, and
    /// replaces that of external clients if it is an edge proxy (`use_remote_address`), both before this filter runs.
    /// Default: `true`.
    pub preserve_external_request_id: bool,
    /// Whether the response carries the id too. Default: `false`.
    pub always_set_in_response: bool,
    /// What a generated id looks like. Default: `uuid_v4`.
    pub format: UuidFormat,
    /// The greatest length in bytes of an id that is kept, from 36 to 1024. Default: 128.
    pub max_length: IdLength,
}

impl Default for RequestId {
    fn default() -> Self {
        Self {
            header: editable_name!("x-request-id"),
            preserve_external_request_id: true,
            always_set_in_response: false,
            format: UuidFormat::default(),
            max_length: IdLength::default(),
        }
    }
}

/// The kinds of generated ids (RFC 9562).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UuidFormat {
    /// Random.
    #[default]
    UuidV4,
    /// Begins with the time in milliseconds, so that ids sort by it. Whoever sees the id learns that time.
    UuidV7,
}

/// Continues, restarts or begins the trace of a request (`traceparent` and `tracestate`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TraceContext {
    /// What to do with a valid context that the request brought. Default: `keep`.
    pub trust: Trust,
    /// How a context that is kept goes on. Default: `pass`.
    pub mode: Mode,
    /// How many percent of the traces that begin here are sampled. A context that is kept keeps its sampled flag.
    /// Default: 100.
    pub random_sampling: Percent,
    /// A response header that carries the context too, in the format of `traceparent`; `traceresponse` is the name that
    /// was proposed to the W3C. Default: none.
    pub response_header: Option<EditableName>,
}

impl Default for TraceContext {
    fn default() -> Self {
        Self {
            trust: Trust::default(),
            mode: Mode::default(),
            random_sampling: Percent::ALL,
            response_header: None,
        }
    }
}

/// Whether callers are trusted to choose the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// A valid context is kept. For a mesh.
    #[default]
    Keep,
    /// A new trace is begun in any case, and `tracestate` is dropped. For an edge.
    Restart,
}

/// Whether this hop is part of the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The context goes on as it is. This filter reports no spans, so that the caller's span stays the parent.
    #[default]
    Pass,
    /// A new parent id is set. For when something else reports a span with the id found in this hop's headers or logs.
    Continue,
}

/// Appends the time that the upstream took to the `Server-Timing` header of the response.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ServerTiming {
    /// The name of the metric. With several proxies in a row, give each its own. Default: `upstream`.
    pub metric: MetricName,
    /// Whether `traceparent;desc=".."` is appended too. Needs `trace_context`. Default: `false`.
    pub traceparent: bool,
    /// Origins whose pages may read the timing (`Timing-Allow-Origin`): `*`, or such as `https://shop.example`.
    /// Default: none.
    pub timing_allow_origin: Vec<Origin>,
    /// Whether scripts of other origins may read the header itself (`Access-Control-Expose-Headers`).
    /// Default: `false`.
    pub expose_header: bool,
}

#[cfg(test)]
mod tests;
