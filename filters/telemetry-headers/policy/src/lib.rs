//! Request id, trace context, header edits and `Server-Timing`, as decisions.
//!
//! [`Policy::on_request`] and [`Policy::on_response`] turn what is known of a message into the header edits to make and
//! the events to count. The clock and the randomness come in as values, so that every decision can be tested exactly.
//!
//! The filter refuses nothing, so it has neither a shadow mode nor `on_error`: there is no verdict that could be
//! withheld, and a request is never answered by it. What it cannot do it leaves out, and counts that.
//!
//! Values in templates are those of the message as it arrived. Edits do not see each other's values, except that
//! `set_if_absent` knows what the edits before it added or removed, and `%REQUEST_ID%`, `%TRACE_ID%` and `%SPAN_ID%` are
//! the ones that go out.

mod apply;
mod config;
mod draws;
mod event;
mod needs;
mod policy;
mod request_id;
mod server_timing;
mod state;
mod trace;

pub use config::{
    Config, Edit, IdLength, MetricName, Mode, Origin, RequestEdit, RequestId, ResponseEdit, ServerTiming,
    TraceContext, Trust, UuidFormat, Write,
};
pub use draws::Draws;
pub use event::{Event, Events};
pub use needs::Needs;
pub use policy::{Policy, RequestDecision, ResponseDecision};
pub use state::RequestState;
pub use trace::{TraceParent, TraceState};
