//! What outlives the request phase.

use crate::TraceParent;
use crate::apply::append;
use tollgate_policy::{Source, UnixNanos, Variable};

/// What the response phase must know of the request. The default stands for a request that was never seen, because an
/// earlier filter answered it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestState {
    pub(crate) arrived: Option<UnixNanos>,
    pub(crate) request_id: Option<Box<[u8]>>,
    pub(crate) trace: Option<TraceParent>,
    pub(crate) captured: Box<[Option<Box<[u8]>>]>,
}

impl RequestState {
    /// The id that went upstream, if the configuration cares for it.
    pub fn request_id(&self) -> Option<&[u8]> {
        self.request_id.as_deref()
    }

    /// The trace context that went upstream, if the configuration cares for it.
    pub fn trace(&self) -> Option<&TraceParent> {
        self.trace.as_ref()
    }

    /// Appends what a source stands for that was decided on in the request phase.
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
