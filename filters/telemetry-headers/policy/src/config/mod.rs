//! The configuration of the filter. Every section is optional, and a section that is left out costs nothing.
//!
//! The documentation of a field is also its description in the JSON Schema.

mod check;
mod edit;
mod values;

pub use edit::{Edit, RequestEdit, ResponseEdit, Write};
pub use values::{MetricName, Origin};

use check::RawConfig;
use tollgate_policy::{EditableName, Percent, editable_name};

/// The configuration of the filter.
#[derive(Clone, Debug, Default, PartialEq, tollgate_policy::Config)]
#[config(try_from = RawConfig)]
pub struct Config {
    /// Request ids.
    pub request_id: Option<RequestId>,
    /// W3C trace context.
    pub trace_context: Option<TraceContext>,
    /// Edits to the request headers, in order.
    pub request_headers: Vec<RequestEdit>,
    /// Edits to the response headers, in order.
    pub response_headers: Vec<ResponseEdit>,
    /// The `Server-Timing` header.
    pub server_timing: Option<ServerTiming>,
}

/// Keeps or generates the request id.
#[derive(Clone, Debug, PartialEq, tollgate_policy::Config)]
#[config(default)]
pub struct RequestId {
    /// Name of the header that carries the id. Default: `x-request-id`.
    pub header: EditableName,
    /// Whether to keep a valid id that the request already has. Before this filter runs, Envoy itself
    /// generates ids for requests without one, and at an edge (`use_remote_address`) replaces those of
    /// external clients. Default: `true`.
    pub preserve_external_request_id: bool,
    /// Whether to add the id to the response too. Default: `false`.
    pub always_set_in_response: bool,
    /// Format of generated ids. Default: `uuid_v4`.
    pub format: UuidFormat,
    /// Maximum length, in bytes, of an id that is kept, from 36 to 1024. Default: 128.
    // At least the length of a UUID, or the next hop would reject the ids that this hop generates.
    #[config(range = 36..=1024)]
    pub max_length: u16,
}

impl Default for RequestId {
    fn default() -> Self {
        Self {
            header: editable_name!("x-request-id"),
            preserve_external_request_id: true,
            always_set_in_response: false,
            format: UuidFormat::default(),
            max_length: 128,
        }
    }
}

/// Format of generated ids (RFC 9562).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, tollgate_policy::Config)]
pub enum UuidFormat {
    /// Random.
    #[default]
    UuidV4,
    /// Begins with the time in milliseconds, so that ids sort by time. The id reveals that time.
    UuidV7,
}

/// Continues, restarts or starts the trace of a request (`traceparent` and `tracestate`).
#[derive(Clone, Debug, PartialEq, tollgate_policy::Config)]
#[config(default)]
pub struct TraceContext {
    /// Keeps a valid trace context of the caller (`keep`), or restarts it (`restart`). Default: `keep`.
    pub trust: Trust,
    /// Forwards a kept context unchanged (`pass`), or with a new parent id (`continue`). Default: `pass`.
    pub mode: Mode,
    /// Percentage of the traces that start here that get the sampled flag. A context that is kept keeps its
    /// flag. Default: 100.
    pub random_sampling: Percent,
    /// Name of a response header to write the context to, in the format of `traceparent`. The name proposed
    /// to the W3C is `traceresponse`. Default: none.
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

/// Trust in the trace context of callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, tollgate_policy::Config)]
pub enum Trust {
    /// Keeps a valid context. For a mesh.
    #[default]
    Keep,
    /// Always starts a new trace, and removes `tracestate`. For an edge.
    Restart,
}

/// Participation of this hop in the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, tollgate_policy::Config)]
pub enum Mode {
    /// Forwards the context unchanged. This filter reports no spans, so the caller's span stays the parent.
    #[default]
    Pass,
    /// Sets a new parent id. Use it if another system reports a span with the id from this hop's headers or
    /// logs.
    Continue,
}

/// Appends the time that the upstream took to the `Server-Timing` header of the response.
#[derive(Clone, Debug, Default, PartialEq, tollgate_policy::Config)]
#[config(default)]
pub struct ServerTiming {
    /// Name of the metric. If a response passes several proxies, give each one its own name. Default:
    /// `upstream`.
    pub metric: MetricName,
    /// Whether to append `traceparent;desc=".."` too. Needs `trace_context`. Default: `false`.
    pub traceparent: bool,
    /// Origins whose pages may read the timing (`Timing-Allow-Origin`): `*` for all, or origins such as
    /// `https://shop.example`. Default: none.
    pub timing_allow_origin: Vec<Origin>,
    /// Whether to allow scripts of other origins to read the header (`Access-Control-Expose-Headers`).
    /// Default: `false`.
    pub expose_header: bool,
}

#[cfg(test)]
mod tests;
