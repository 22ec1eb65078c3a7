//! Applies configured edits to a message.

use crate::RequestState;
use crate::config::{Edit, Write};
use crate::server_timing::decimal;
use crate::{Event, Events};
use std::borrow::Cow;
use tollgate_policy::{HeaderEdit, HeaderName, Headers, RequestFacts, Source, TemplateProblem, Variable};

/// Appends the header edit that a configured edit results in. `present` is whether the message arrived with a
/// header.
pub(crate) fn apply<'p>(
    edit: &'p Edit,
    present: impl FnOnce(&HeaderName) -> bool,
    resolve: impl FnMut(&Source, &mut Vec<u8>) -> bool,
    edits: &mut Vec<HeaderEdit<'p>>,
    events: &mut Events,
) {
    let (write, constructor): (&Write, fn(_, _) -> HeaderEdit<'p>) = match edit {
        Edit::Remove(name) => return edits.push(HeaderEdit::Remove(name.name())),
        Edit::Set(write) => (write, HeaderEdit::Set),
        Edit::Add(write) => (write, HeaderEdit::Add),
        Edit::SetIfAbsent(write) => {
            let name = write.name.name();
            if HeaderEdit::leaves_present(edits, name, present(name)) {
                return;
            }
            (write, HeaderEdit::Set)
        }
    };
    let value = match (write.value.render(resolve), &write.default) {
        (Ok(value), _) => value,
        (Err(TemplateProblem::Missing), Some(default)) => Cow::Borrowed(default.as_bytes()),
        (Err(TemplateProblem::Missing), None) => return,
        (Err(TemplateProblem::InvalidValue), _) => return events.insert(Event::HeaderValueInvalid),
    };
    edits.push(constructor(write.name.name(), value));
}

/// Returns whether a source is read from the request as it arrived. Such values must be kept for the response
/// phase.
pub(crate) fn is_of_request(source: &Source) -> bool {
    matches!(
        source,
        Source::RequestHeader(..) | Source::Variable(Variable::Method | Variable::Path | Variable::Authority)
    )
}

/// Appends the value of a source in the request phase. Returns whether there is one.
pub(crate) fn from_request(
    source: &Source,
    facts: &RequestFacts<'_>,
    state: &RequestState,
    out: &mut Vec<u8>,
) -> bool {
    if is_of_request(source) { append(read(source, facts), out) } else { state.resolve(source, out) }
}

/// Returns the value of a source in the request as it arrived.
pub(crate) fn read<'a>(source: &Source, facts: &RequestFacts<'a>) -> Option<&'a [u8]> {
    let pseudo = match source {
        Source::RequestHeader(name, alternative) => return first(facts.headers, name, alternative.as_ref()),
        Source::Variable(Variable::Method) => facts.method,
        Source::Variable(Variable::Path) => facts.path,
        Source::Variable(Variable::Authority) => facts.authority,
        _ => return None,
    };
    Some(pseudo).filter(|value| !value.is_empty())
}

/// Returns the first value of a header, or of the alternative if the header is absent.
pub(crate) fn first<'a>(
    headers: Headers<'a>,
    name: &HeaderName,
    alternative: Option<&HeaderName>,
) -> Option<&'a [u8]> {
    headers.first(name).or_else(|| headers.first(alternative?))
}

/// Appends a value. Returns whether there is one.
pub(crate) fn append(value: Option<&[u8]>, out: &mut Vec<u8>) -> bool {
    if let Some(value) = value {
        out.extend_from_slice(value);
    }
    value.is_some()
}

/// Appends a number. Returns whether there is one.
pub(crate) fn append_number(value: Option<u64>, out: &mut Vec<u8>) -> bool {
    if let Some(value) = value {
        decimal(value, out);
    }
    value.is_some()
}
