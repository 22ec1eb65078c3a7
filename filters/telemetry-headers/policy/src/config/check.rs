//! Checks across the sections of a configuration.

use super::{Config, Edit, RequestEdit, RequestId, ResponseEdit, ServerTiming, TraceContext};
use core::fmt;
use tollgate_policy::{Source, Variable};

/// The configuration after each value was checked, and before the checks across sections.
#[derive(Default, tollgate_policy::Config)]
#[config(default)]
pub struct RawConfig {
    /// Keeps or generates the request id. Without this section, request ids are not changed.
    request_id: Option<RequestId>,
    /// Continues, restarts or starts the W3C trace of a request. Without this section, `traceparent` and
    /// `tracestate` are not changed.
    trace_context: Option<TraceContext>,
    /// Edits to the request headers, in order.
    request_headers: Vec<RequestEdit>,
    /// Edits to the response headers, in order.
    response_headers: Vec<ResponseEdit>,
    /// Appends the time that the upstream took to the `Server-Timing` header of the response.
    server_timing: Option<ServerTiming>,
}

impl TryFrom<RawConfig> for Config {
    type Error = MissingSection;

    fn try_from(raw: RawConfig) -> Result<Self, MissingSection> {
        let RawConfig { request_id, trace_context, request_headers, response_headers, server_timing } = raw;
        let missing = |edit: &Edit| {
            edit.sources().find_map(|source| match source {
                Source::Variable(v @ Variable::RequestId) if request_id.is_none() => {
                    Some((v.name(), "request_id"))
                }
                Source::Variable(v @ (Variable::TraceId | Variable::SpanId)) if trace_context.is_none() => {
                    Some((v.name(), "trace_context"))
                }
                _ => None,
            })
        };
        let requests = request_headers.iter().map(RequestEdit::edit).enumerate();
        let responses = response_headers.iter().map(ResponseEdit::edit).enumerate();
        let all =
            requests.map(|edit| ("request_headers", edit)).chain(responses.map(|e| ("response_headers", e)));
        for (list, (index, edit)) in all {
            if let Some((variable, section)) = missing(edit) {
                return Err(MissingSection { what: format!("`%{variable}%` in `{list}[{index}]`"), section });
            }
        }
        if trace_context.is_none() && server_timing.as_ref().is_some_and(|timing| timing.traceparent) {
            let what = "`server_timing.traceparent`".into();
            return Err(MissingSection { what, section: "trace_context" });
        }
        Ok(Self { request_id, trace_context, request_headers, response_headers, server_timing })
    }
}

/// A reference or a field that needs a section that is not configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingSection {
    what: String,
    section: &'static str,
}

impl fmt::Display for MissingSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} needs the section `{}`", self.what, self.section)
    }
}

impl std::error::Error for MissingSection {}
