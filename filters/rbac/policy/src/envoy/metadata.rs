//! Matchers of metadata and of filter state.

use super::object::{Message, Read, always, boolean, each, empty_range, list, name};
use super::text::{self, Pattern, in_networks};
use crate::attribute::Path;
use crate::{Attribute, Expr, Predicate, Typed};
use tollgate_policy::config::variant;
use tollgate_policy::{ConfigError, Value};

/// Reads Envoy's `MetadataMatcher` for dynamic metadata.
pub(super) fn dynamic(value: &Value) -> Result<Expr, ConfigError> {
    matcher(value, Attribute::Metadata)
}

fn of_route(value: &Value) -> Result<Expr, ConfigError> {
    matcher(value, Attribute::RouteMetadata)
}

/// Reads Envoy's `SourcedMetadata`.
pub(super) fn sourced(value: &Value) -> Result<Expr, ConfigError> {
    let message = Message::read(value, &["metadata_matcher", "metadata_source"])?;
    let source = message.get("metadata_source");
    let source = source.map_or(Ok(0), |field| field.read(|value| variant(value, &["DYNAMIC", "ROUTE"])))?;
    message.required("metadata_matcher")?.read(if source == 0 { dynamic } else { of_route })
}

#[inline(never)]
fn matcher(value: &Value, attribute: fn(Box<str>, Path) -> Attribute) -> Result<Expr, ConfigError> {
    let message = Message::read(value, &["filter", "path", "value", "invert"])?;
    let filter = message.required("filter")?.read(name)?;
    let path = message.required("path")?.read(|value| list(value, 1, segment))?;
    let test = message.required("value")?.read(typed)?;
    let test = Expr::test(attribute(filter.into(), path.into()), Predicate::Typed(Box::new(test)));
    Ok(if message.flag("invert")? { test.not() } else { test })
}

fn segment(value: &Value) -> Result<Box<str>, ConfigError> {
    Message::read(value, &["key"])?.required("key")?.read(name).map(Box::from)
}

/// Reads Envoy's `ValueMatcher`.
#[inline(never)]
fn typed(value: &Value) -> Result<Typed, ConfigError> {
    let names = &[
        "null_match",
        "double_match",
        "string_match",
        "bool_match",
        "present_match",
        "list_match",
        "or_match",
    ];
    let (kind, field) = Message::read(value, names)?.one(&[])?;
    let read: Read<Typed> = match kind {
        "null_match" => |value| Message::read(value, &[]).map(|_| Typed::Null),
        "double_match" => double,
        "string_match" => |value| Pattern::read(value)?.matcher().map(Typed::Text),
        "bool_match" => |value| boolean(value).map(Typed::Bool),
        "present_match" => |value| always(value).map(|()| Typed::Present),
        "list_match" => |value| {
            let element = Message::read(value, &["one_of"])?.required("one_of")?;
            Ok(Typed::List(Box::new(element.read(typed)?)))
        },
        _ => |value| {
            let tests = Message::read(value, &["value_matchers"])?.required("value_matchers")?;
            Ok(Typed::Any(tests.read(|value| list(value, 2, typed))?.into()))
        },
    };
    field.read(read)
}

/// Reads Envoy's `DoubleMatcher`.
fn double(value: &Value) -> Result<Typed, ConfigError> {
    let (kind, field) = Message::read(value, &["range", "exact"])?.one(&[])?;
    if kind == "exact" {
        return field.read(number).map(Typed::Number);
    }
    field.read(|value| {
        let message = Message::read(value, &["start", "end"])?;
        let bound = |name| message.get(name).map_or(Ok(0.0), |field| field.read(number));
        let (from, to) = (bound("start")?, bound("end")?);
        if from < to { Ok(Typed::Range { from, to }) } else { Err(empty_range(&from, &to)) }
    })
}

fn number(value: &Value) -> Result<f64, ConfigError> {
    value.as_f64().ok_or_else(|| ConfigError::invalid_type(value, "a number"))
}

/// Reads Envoy's `FilterStateMatcher`.
#[inline(never)]
pub(super) fn filter_state(value: &Value) -> Result<Expr, ConfigError> {
    let message = Message::read(value, &["key", "string_match", "address_match"])?;
    let attribute = Attribute::FilterState(message.required("key")?.read(name)?.into());
    let (kind, field) = message.one(&["key"])?;
    if kind == "string_match" {
        return text::test(field.value, attribute).map_err(|error| error.in_member(field.name));
    }
    let networks = field.read(|value| {
        let mut networks = Vec::new();
        let ranges = Message::read(value, &["ranges"])?.required("ranges")?;
        each(ranges.value, 1, &mut |range| {
            networks.push(text::network(range)?.0);
            Ok(())
        })
        .map_err(|error| error.in_member(ranges.name))?;
        Ok(networks)
    })?;
    Ok(in_networks(attribute, networks.into()))
}
