//! The faults of one request.

use crate::body::BodyFault;
use crate::rule::{Rule, Status};
use std::borrow::Cow;
use std::rc::Rc;
use tollgate_policy::{Duration, HeaderEdit, HeaderField};

/// Next step of a request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Continue.
    Pass,
    /// Hold the message for this time, in whole milliseconds, and then call the policy again.
    Delay(Duration),
    /// Answer the client.
    Reply(Box<Reply>),
    /// Reset the stream.
    Reset,
}

/// A response of the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Status.
    pub status: Status,
    /// Response code details.
    pub details: &'static str,
    /// Headers.
    pub headers: Vec<HeaderField>,
    /// Body.
    pub body: Cow<'static, str>,
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
    pub(crate) reply: Option<Box<Reply>>,
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
    pub replace: Option<Box<Reply>>,
    pub body: Option<BodyFault>,
    /// Bytes per second.
    pub rate: Option<u64>,
}

impl Injected {
    /// Returns the metadata to set as filter state: a JSON object.
    pub fn metadata(&self) -> Option<&str> {
        self.rule.metadata.as_deref()
    }

    /// Returns the fault of the body, if there is one.
    pub fn body(&mut self) -> Option<&mut BodyFault> {
        self.response.as_mut()?.body.as_mut()
    }

    /// Returns whether a change of the response headers or the body is left.
    pub fn changes_response(&self) -> bool {
        self.response.is_some()
    }
}
