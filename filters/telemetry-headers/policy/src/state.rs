//! State of a request that the response phase needs.

use crate::TraceParent;
use crate::apply::append;
use tollgate_policy::{Source, UnixNanos, Variable};

/// State of a request that the response phase needs. The default represents a request that this filter never
/// received, because an earlier filter answered it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestState {
    pub(crate) arrived: Option<UnixNanos>,
    pub(crate) request_id: Option<Box<[u8]>>,
    pub(crate) trace: Option<TraceParent>,
    pub(crate) captured: Box<[Option<Box<[u8]>>]>,
}

impl RequestState {
    /// Returns the id that was sent upstream, if `request_id` is configured.
    pub fn request_id(&self) -> Option<&[u8]> {
        self.request_id.as_deref()
    }

    /// Returns the trace context that was sent upstream, if `trace_context` is configured.
    pub fn trace(&self) -> Option<&TraceParent> {
        self.trace.as_ref()
    }

    /// Appends the value of a source that the request phase decided. Returns whether there is one.
    pub(crate) fn resolve(&self, source: &Source, out: &mut Vec<u8>) -> bool {
        let (trace_id, parent_id);
        let value = match source {
            Source::Variable(Variable::RequestId) => self.request_id(),
            Source::Variable(Variable::TraceId) => {
                trace_id = self.trace.map(|trace| trace.trace_id());
                trace_id.as_ref().map(|digits| &digits[..])
            }
            Source::Variable(Variable::SpanId) => {
                parent_id = self.trace.map(|trace| trace.parent_id());
                parent_id.as_ref().map(|digits| &digits[..])
            }
            _ => None,
        };
        append(value, out)
    }
}
