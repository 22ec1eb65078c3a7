//! The faults of one request.

use crate::body::BodyFault;
use crate::rule::Rule;
use std::borrow::Cow;
use std::rc::Rc;
use tollgate_policy::{Duration, HeaderEdit, Refusal, ResponseDetails};

/// Next step of a request, a response or a part of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Continue.
    Pass,
    /// Hold it for this time, in whole milliseconds, and then call [`Policy::resume`](crate::Policy::resume).
    Delay(Duration),
    /// Hold a part of a body with the part before it, which is held already.
    Hold,
    /// Answer the client.
    Reply(Box<Refusal<Details>>),
    /// Reset the stream.
    Reset,
}

/// Response code details of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Details {
    /// An abort, as in Envoy.
    Abort,
    /// A replaced response.
    Response,
}

impl ResponseDetails for Details {
    fn details(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Abort => "fault_filter_abort",
            Self::Response => "fault_filter_response",
        })
    }
}

/// Decision about a request.
#[derive(Debug)]
pub struct Decision<'p> {
    /// Edits of the request headers.
    pub edits: Vec<HeaderEdit<'p>>,
    /// Next step.
    pub then: Then,
    /// Faults of the request, to keep with its stream.
    pub injected: Option<Box<Injected>>,
}

/// Decision about a response.
#[derive(Debug)]
pub struct ResponseDecision<'i> {
    /// Edits of the response headers.
    pub edits: Vec<HeaderEdit<'i>>,
    /// Whether the length of the body can change.
    pub changes_length: bool,
    /// Next step.
    pub then: Then,
}

/// Faults of a request, from its decision to the end of its stream. Pass it to
/// [`Policy::end`](crate::Policy::end), however the stream ends.
#[derive(Debug)]
pub struct Injected {
    pub(crate) rule: Rc<Rule>,
    /// Length of the delay, in milliseconds; 0 for none, and after it.
    pub(crate) delay: u64,
    pub(crate) reply: Option<Box<Refusal<Details>>>,
    pub(crate) reset: bool,
    pub(crate) response: Option<ResponseState>,
    /// Whether the fault counts as active.
    pub(crate) active: bool,
    /// Whether the fault holds a slot of `max_active_faults`.
    pub(crate) has_slot: bool,
    /// Description, for the response header and the filter state.
    pub mark: String,
}

/// Faults of the response.
#[derive(Debug, Default)]
pub(crate) struct ResponseState {
    /// Length of the delay, in milliseconds.
    pub delay: u64,
    pub replace: Option<Box<Refusal<Details>>>,
    pub body: Option<BodyFault>,
    /// Bytes per second.
    pub rate: Option<u64>,
}

impl Injected {
    /// Returns the fault of the body, if there is one.
    pub fn body(&mut self) -> Option<&mut BodyFault> {
        self.response.as_mut()?.body.as_mut()
    }

    /// Returns whether a delay or a rate is left, which makes the fault active.
    pub(crate) fn lasts(&self) -> bool {
        let lasts = |response: &ResponseState| response.delay > 0 || response.rate.is_some();
        self.delay > 0 || self.response.as_ref().is_some_and(lasts)
    }

    /// Returns whether a part of the body is held.
    pub fn holds_body(&self) -> bool {
        let body = self.response.as_ref().and_then(|response| response.body.as_ref());
        body.is_some_and(BodyFault::is_held)
    }

    /// Returns whether a change of the response headers or the body is left.
    #[cfg(test)]
    pub(crate) fn changes_response(&self) -> bool {
        self.response.is_some()
    }
}
