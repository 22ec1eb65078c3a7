//! The policy of the telemetry-headers filter: decisions about request ids, trace context, header edits and
//! `Server-Timing`.
//!
//! [`Policy::on_request`] and [`Policy::on_response`] take facts about a message, and return header edits and
//! events to count. The time and random bytes are arguments, so that tests can check every decision exactly.
//!
//! The filter never rejects a request, so it needs neither a shadow mode nor a setting for errors. When it
//! cannot do something, it skips that step and counts an event.
//!
//! References in templates read the message as it arrived. Edits do not see the values that earlier edits
//! wrote, with two exceptions: `set_if_absent` takes into account which headers earlier edits added or
//! removed, and `%REQUEST_ID%`, `%TRACE_ID%` and `%SPAN_ID%` are the ids that are sent upstream.

// The derived code of `#[derive(Config)]` names this crate `::tollgate`.
extern crate tollgate_policy as tollgate;

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
    Config, Edit, MetricName, Mode, Origin, RequestEdit, RequestId, ResponseEdit, ServerTiming, TraceContext,
    Trust, UuidFormat, Write,
};
pub use draws::Draws;
pub use event::{Event, Events};
pub use needs::Needs;
pub use policy::{Policy, RequestDecision, ResponseDecision};
pub use state::RequestState;
pub use trace::{TraceParent, TraceState};
