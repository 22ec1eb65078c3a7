//! The policy and its decisions.

use crate::apply::{append, append_number, apply, first, from_request, is_of_request, read};
use crate::config::{Config, RequestEdit, ResponseEdit};
use crate::request_id::Inbound;
use crate::{Draws, Event, Events, Needs, RequestState, request_id, server_timing, trace};
use core::time::Duration;
use std::borrow::Cow;
use tollgate_policy::{
    EditableName, HeaderEdit, HeaderName, RequestFacts, ResponseFacts, Source, UnixNanos, Variable,
    header_name,
};

static SERVER_TIMING: HeaderName = header_name!("server-timing");
static TIMING_ALLOW_ORIGIN: HeaderName = header_name!("timing-allow-origin");
static EXPOSE_HEADERS: HeaderName = header_name!("access-control-expose-headers");

/// The policy of one configuration.
#[derive(Clone, Debug)]
pub struct Policy {
    config: Config,
    needs: Needs,
    /// Request values that response edits refer to. They are kept until the response arrives.
    captured: Box<[Source]>,
    allowed_origins: Box<str>,
}

/// The decision about a request.
#[derive(Clone, Debug, Default)]
pub struct RequestDecision<'p> {
    /// Header edits to apply, in order.
    pub edits: Vec<HeaderEdit<'p>>,
    /// State to keep for [`Policy::on_response`].
    pub state: RequestState,
    /// Events to count.
    pub events: Events,
}

/// The decision about a response.
#[derive(Clone, Debug, Default)]
pub struct ResponseDecision<'p> {
    /// Header edits to apply, in order.
    pub edits: Vec<HeaderEdit<'p>>,
    /// Events to count.
    pub events: Events,
}

impl Policy {
    /// Builds the policy of a configuration.
    pub fn new(config: Config) -> Self {
        let mut captured: Vec<Source> = Vec::new();
        for source in config.response_headers.iter().flat_map(|edit| edit.edit().sources()) {
            if is_of_request(source) && !captured.contains(source) {
                captured.push(source.clone());
            }
        }
        let origins = config.server_timing.iter().flat_map(|timing| &timing.timing_allow_origin);
        let allowed_origins = origins.map(|origin| origin.as_str()).collect::<Vec<_>>().join(", ").into();
        let needs = Needs::new(&config);
        Self { config, needs, captured: captured.into(), allowed_origins }
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the facts that the policy needs.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Decides about a request. Never rejects it. Without `draws` the policy generates nothing: it keeps ids
    /// that are valid and trusted, removes others, and adds [`Event::RandomUnavailable`].
    pub fn on_request(
        &self,
        facts: &RequestFacts<'_>,
        draws: Option<&Draws>,
        now: UnixNanos,
    ) -> RequestDecision<'_> {
        let mut decision = RequestDecision::default();
        let RequestDecision { edits, state, events } = &mut decision;
        state.arrived = Some(now);
        state.request_id = self.request_id(facts, draws, now, edits, events);
        if let Some(config) = &self.config.trace_context {
            state.trace = trace::decide(config, facts.headers, draws, edits, events);
        }
        for edit in self.config.request_headers.iter().map(RequestEdit::edit) {
            let resolve = |source: &Source, out: &mut Vec<u8>| from_request(source, facts, state, out);
            apply(edit, |name| facts.headers.has(name), resolve, edits, events);
        }
        if !self.captured.is_empty() {
            state.captured = self.captured.iter().map(|source| read(source, facts).map(Into::into)).collect();
        }
        decision
    }

    /// Decides about a response. `state` is the state of its request.
    pub fn on_response(
        &self,
        state: &RequestState,
        facts: &ResponseFacts<'_>,
        now: UnixNanos,
    ) -> ResponseDecision<'_> {
        let mut decision = ResponseDecision::default();
        let ResponseDecision { edits, events } = &mut decision;
        let took = state.arrived.map(|arrived| now.since(arrived));
        self.echo(state, edits);
        self.server_timing(state, took, edits);
        for edit in self.config.response_headers.iter().map(ResponseEdit::edit) {
            let resolve = |source: &Source, out: &mut Vec<u8>| self.resolve(source, facts, state, took, out);
            apply(edit, |name| facts.headers.has(name), resolve, edits, events);
        }
        decision
    }
}

impl Policy {
    fn request_id<'p>(
        &'p self,
        facts: &RequestFacts<'_>,
        draws: Option<&Draws>,
        now: UnixNanos,
        edits: &mut Vec<HeaderEdit<'p>>,
        events: &mut Events,
    ) -> Option<Box<[u8]>> {
        let config = self.config.request_id.as_ref()?;
        let inbound = request_id::inbound(config, facts.headers);
        match inbound {
            Inbound::Valid(id) if config.preserve_external_request_id => {
                events.insert(Event::RequestIdKept);
                return Some(id.into());
            }
            Inbound::Invalid => events.insert(Event::RequestIdInvalid),
            _ => {}
        }
        let Some(draws) = draws else {
            events.insert(Event::RandomUnavailable);
            if inbound != Inbound::Absent {
                edits.push(HeaderEdit::Remove(config.header.name()));
            }
            return None;
        };
        let id = request_id::generate(config.format, draws.request_id, now);
        events.insert(Event::RequestIdGenerated);
        edits.push(HeaderEdit::Set(config.header.name(), Cow::Owned(id.to_vec())));
        Some(id.into())
    }

    fn echo<'p>(&'p self, state: &RequestState, edits: &mut Vec<HeaderEdit<'p>>) {
        if let (Some(config), Some(id)) = (&self.config.request_id, &state.request_id)
            && config.always_set_in_response
        {
            edits.push(HeaderEdit::Set(config.header.name(), Cow::Owned(id.to_vec())));
        }
        let header = self.config.trace_context.as_ref().and_then(|config| config.response_header.as_ref());
        if let (Some(header), Some(trace)) = (header.map(EditableName::name), &state.trace) {
            edits.push(HeaderEdit::Set(header, Cow::Owned(trace.encode().to_vec())));
        }
    }

    fn server_timing<'p>(
        &'p self,
        state: &RequestState,
        took: Option<Duration>,
        edits: &mut Vec<HeaderEdit<'p>>,
    ) {
        let (Some(config), Some(took)) = (&self.config.server_timing, took) else { return };
        let traceparent = state.trace.as_ref().filter(|_| config.traceparent);
        let value = server_timing::value(config.metric.as_str(), took, traceparent);
        edits.push(HeaderEdit::Add(&SERVER_TIMING, Cow::Owned(value)));
        if !self.allowed_origins.is_empty() {
            edits.push(HeaderEdit::Add(&TIMING_ALLOW_ORIGIN, Cow::Borrowed(self.allowed_origins.as_bytes())));
        }
        if config.expose_header {
            edits.push(HeaderEdit::Add(&EXPOSE_HEADERS, Cow::Borrowed(b"server-timing")));
        }
    }

    fn resolve(
        &self,
        source: &Source,
        facts: &ResponseFacts<'_>,
        state: &RequestState,
        took: Option<Duration>,
        out: &mut Vec<u8>,
    ) -> bool {
        match source {
            Source::ResponseHeader(name, alternative) => {
                append(first(facts.headers, name, alternative.as_ref()), out)
            }
            Source::Variable(Variable::ResponseCode) => {
                append_number(Some(facts.status.into()).filter(|status| *status != 0), out)
            }
            Source::Variable(Variable::Duration) => {
                append_number(took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)), out)
            }
            source if is_of_request(source) => {
                let place = self.captured.iter().position(|captured| captured == source);
                append(place.and_then(|place| state.captured.get(place)?.as_deref()), out)
            }
            source => state.resolve(source, out),
        }
    }
}

#[cfg(test)]
mod tests;
