//! W3C Trace Context, levels 1 and 2.

mod parent;
mod state;

pub use parent::TraceParent;
pub(crate) use parent::hex_digit;
pub use state::TraceState;

use crate::config::{Mode, TraceContext, Trust};
use crate::{Draws, Event, Events};
use std::borrow::Cow;
use tollgate_policy::{HeaderEdit, HeaderName, Headers, header_name};

static TRACEPARENT: HeaderName = header_name!("traceparent");
static TRACESTATE: HeaderName = header_name!("tracestate");

/// Decides about the trace context of a request. Returns the context that is sent upstream.
pub(crate) fn decide(
    config: &TraceContext,
    headers: Headers<'_>,
    draws: Option<&Draws>,
    edits: &mut Vec<HeaderEdit<'_>>,
    events: &mut Events,
) -> Option<TraceParent> {
    let inbound = inbound(headers);
    if inbound == Inbound::Invalid {
        events.insert(Event::TraceparentInvalid);
    }
    let context = match inbound {
        Inbound::Valid(parent) if config.trust == Trust::Keep => {
            events.insert(Event::TraceContinued);
            // "If the value of the traceparent field wasn't changed before propagation, tracestate MUST NOT
            // be modified as well" (level 1, "Mutating the traceparent field").
            let changes = config.mode == Mode::Continue && draws.is_some();
            keep_state(headers, changes, edits, events);
            Some(propagate(parent, config.mode, draws, edits, events))
        }
        _ => {
            drop_state(headers, edits, events);
            start(config, inbound != Inbound::Absent, draws, edits, events)
        }
    };
    if context.is_some_and(|context| context.is_sampled()) {
        events.insert(Event::TraceSampled);
    }
    context
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inbound {
    Absent,
    Valid(TraceParent),
    Invalid,
}

/// Reads the trace context of a request. Two headers are invalid even if they are equal (level 1, "A
/// traceparent is received"), because the next hop may read either.
fn inbound(headers: Headers<'_>) -> Inbound {
    let mut values = headers.all(TRACEPARENT.as_ref());
    match (values.next(), values.next()) {
        (None, _) => Inbound::Absent,
        (Some(value), None) => TraceParent::parse(value).map_or(Inbound::Invalid, Inbound::Valid),
        _ => Inbound::Invalid,
    }
}

fn propagate(
    parent: TraceParent,
    mode: Mode,
    draws: Option<&Draws>,
    edits: &mut Vec<HeaderEdit<'_>>,
    events: &mut Events,
) -> TraceParent {
    match (mode, draws) {
        (Mode::Pass, _) => parent,
        (Mode::Continue, Some(draws)) => {
            let child = parent.with_parent_id(draws.parent_id);
            edits.push(HeaderEdit::Set(&TRACEPARENT, Cow::Owned(child.encode().to_vec())));
            child
        }
        (Mode::Continue, None) => {
            events.insert(Event::RandomUnavailable);
            parent
        }
    }
}

fn start(
    config: &TraceContext,
    replaces: bool,
    draws: Option<&Draws>,
    edits: &mut Vec<HeaderEdit<'_>>,
    events: &mut Events,
) -> Option<TraceParent> {
    let Some(draws) = draws else {
        events.insert(Event::RandomUnavailable);
        // An invalid or untrusted context is removed even if it cannot be replaced.
        if replaces {
            edits.push(HeaderEdit::Remove(&TRACEPARENT));
        }
        return None;
    };
    let sampled = config.random_sampling.holds(draws.sampling);
    let context = TraceParent::random(draws.trace_id, draws.parent_id, sampled);
    edits.push(HeaderEdit::Set(&TRACEPARENT, Cow::Owned(context.encode().to_vec())));
    events.insert(if replaces { Event::TraceRestarted } else { Event::TraceGenerated });
    Some(context)
}

fn keep_state(headers: Headers<'_>, may_change: bool, edits: &mut Vec<HeaderEdit<'_>>, events: &mut Events) {
    match TraceState::combine(headers.all(TRACESTATE.as_ref())) {
        TraceState::Absent | TraceState::Unchanged => {}
        TraceState::Combined { .. } if !may_change => {}
        TraceState::Combined { value, truncated } => {
            if truncated {
                events.insert(Event::TracestateTruncated);
            }
            edits.push(if value.is_empty() {
                HeaderEdit::Remove(&TRACESTATE)
            } else {
                HeaderEdit::Set(&TRACESTATE, Cow::Owned(value))
            });
        }
        // The receiver would discard the whole header.
        TraceState::Invalid => {
            events.insert(Event::TracestateDropped);
            edits.push(HeaderEdit::Remove(&TRACESTATE));
        }
    }
}

fn drop_state(headers: Headers<'_>, edits: &mut Vec<HeaderEdit<'_>>, events: &mut Events) {
    if headers.has(&TRACESTATE) {
        events.insert(Event::TracestateDropped);
        edits.push(HeaderEdit::Remove(&TRACESTATE));
    }
}

#[cfg(test)]
mod tests;
