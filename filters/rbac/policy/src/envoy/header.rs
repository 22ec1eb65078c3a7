//! Matchers of headers.

use super::object::{Field, Message, boolean, integer_range, name};
use super::text::Pattern;
use crate::{Attribute, Expr, Predicate};
use tollgate_policy::{ConfigError, Value};

const NAMES: [&str; 11] = [
    "name",
    "exact_match",
    "safe_regex_match",
    "range_match",
    "present_match",
    "prefix_match",
    "suffix_match",
    "contains_match",
    "string_match",
    "invert_match",
    "treat_missing_header_as_empty",
];

/// Returns the attribute of a header or pseudo-header.
#[inline(never)]
pub(super) fn attribute(value: &Value) -> Result<Attribute, ConfigError> {
    let name = name(value)?;
    Ok(match name.to_ascii_lowercase().as_str() {
        ":path" => Attribute::PathAndQuery,
        ":method" => Attribute::Method,
        ":authority" => Attribute::Host,
        ":scheme" => Attribute::Scheme,
        // Envoy moves `host` to `:authority`, so that a test of `host` never matches.
        "host" => return Err(ConfigError::here(&"use `:authority`")),
        _ if name.starts_with(':') => {
            let message = format_args!(
                "unknown pseudo-header `{}`, expected one of `:path`, `:method`, `:authority`, `:scheme`",
                name.escape_debug()
            );
            return Err(ConfigError::here(&message));
        }
        _ => Attribute::Header(name.parse().map_err(|error| ConfigError::here(&error))?),
    })
}

/// Returns a test of a header. Values of [`Attribute::Host`] are in lower case, and hosts have no case.
#[inline(never)]
pub(super) fn test(pattern: Pattern, attribute: Attribute) -> Result<Expr, ConfigError> {
    if attribute == Attribute::Host {
        pattern.ignoring_case().test(attribute)
    } else {
        pattern.test(attribute)
    }
}

/// Reads Envoy's `HeaderMatcher`.
///
/// In Envoy, an absent header matches neither a test of its value nor the inverted test.
#[inline(never)]
pub(super) fn matcher(value: &Value) -> Result<Expr, ConfigError> {
    let message = Message::read(value, &NAMES)?;
    let attribute = message.required("name")?.read(attribute)?;
    let (kind, field) = message.one(&["name", "invert_match", "treat_missing_header_as_empty"])?;
    let invert = message.flag("invert_match")?;
    let missing_as_empty = message.flag("treat_missing_header_as_empty")?;
    let present = Expr::present(attribute.clone());
    if kind == "present_match" {
        if missing_as_empty {
            let message = "not supported with `present_match`";
            return Err(ConfigError::here(&message).in_member("treat_missing_header_as_empty"));
        }
        let expected = field.read(boolean)?;
        return Ok(if expected == invert { present.not() } else { present });
    }
    let (test, matches_empty) = if kind == "range_match" {
        let (from, to) = field.read(|value| integer_range(value, i64::MIN, i64::MAX))?;
        (Expr::test(attribute, Predicate::Number { from, to }), false)
    } else {
        let pattern = pattern(kind, field)?;
        let read = |error: ConfigError| error.in_member(field.name);
        let matches_empty = pattern.matcher().map_err(read)?.matches(b"");
        (test(pattern, attribute).map_err(read)?, matches_empty)
    };
    Ok(match (missing_as_empty, invert) {
        (false, false) => test,
        (false, true) => present.and(test.not()),
        (true, _) => {
            let test = if matches_empty { Expr::Any(vec![present.not(), test]) } else { test };
            if invert { test.not() } else { test }
        }
    })
}

/// Reads the pattern of a test of the value.
#[inline(never)]
fn pattern(kind: &str, field: Field<'_>) -> Result<Pattern, ConfigError> {
    let deprecated = match kind {
        "exact_match" => "exact",
        "prefix_match" => "prefix",
        "suffix_match" => "suffix",
        "contains_match" => "contains",
        "safe_regex_match" => return field.read(Pattern::regex),
        _ => return field.read(Pattern::read),
    };
    // In Envoy, an empty text matches every value in these fields.
    let text = field.read(name).map_err(|error| match field.value.as_str() {
        Some("") => field.error(&"the text is empty and would match every value, use `present_match`"),
        _ => error,
    })?;
    Ok(Pattern::new(deprecated, text))
}
