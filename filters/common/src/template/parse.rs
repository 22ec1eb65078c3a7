//! Parser of templates.

use super::{InvalidTemplate, Part, Reference, Source, Template, Variable};
use crate::{HeaderName, InvalidHeaderName, is_valid_value};
use std::str::FromStr;

impl FromStr for Template {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        let at = |rest: &str, reason: String| InvalidTemplate {
            text: text.into(),
            column: text.len() - rest.len() + 1,
            reason: reason.into(),
        };
        if text.trim_ascii().len() != text.len() {
            return Err(at(text, "a header value must not begin or end with white space".into()));
        }
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let mut encoded = [0; 4];
            if !is_valid_value(c.encode_utf8(&mut encoded).as_bytes()) {
                return Err(at(rest, "a header value must not contain control characters".into()));
            }
            if let Some(after) = rest.strip_prefix("%%") {
                literal.push('%');
                rest = after;
            } else if let Some(inner) = rest.strip_prefix('%') {
                let Some((inner, after)) = inner.split_once('%') else {
                    return Err(at(rest, "missing closing `%`; write `%%` for a percent sign".into()));
                };
                let reference = reference(inner).map_err(|reason| at(rest, reason))?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(core::mem::take(&mut literal).into()));
                }
                parts.push(Part::Reference(reference));
                rest = after;
            } else {
                literal.push(c);
                rest = rest.strip_prefix(c).unwrap_or_default();
            }
        }
        // A template always has at least one part, so that an empty template is a constant too.
        if !literal.is_empty() || parts.is_empty() {
            parts.push(Part::Literal(literal.into()));
        }
        Ok(Self { text: text.into(), parts: parts.into() })
    }
}

/// Parses the text between percent signs: `REQ(name?alternative):12`, `TRACE_ID`.
fn reference(text: &str) -> Result<Reference, String> {
    let Some((operator, rest)) = text.split_once('(') else {
        let (name, max_length) = length(text, text)?;
        let variable = Variable::ALL.into_iter().find(|variable| variable.name() == name);
        let variable = variable.ok_or_else(|| unknown(text))?;
        return Ok(Reference { source: Source::Variable(variable), max_length });
    };
    let Some((argument, suffix)) = rest.split_once(')') else {
        return Err(format!("missing closing parenthesis in `%{}%`", text.escape_debug()));
    };
    let ("", max_length) = length(suffix, text)? else { return Err(unknown(text)) };
    let (name, alternative) = match argument.split_once('?') {
        Some((name, alternative)) => (name, Some(alternative)),
        None => (argument, None),
    };
    let alternative = alternative.map(header).transpose()?;
    let pseudo = |variable| match alternative {
        None => Ok(Source::Variable(variable)),
        Some(_) => Err(format!("`{name}` is always present and takes no alternative")),
    };
    let source = match (operator, name.to_ascii_lowercase().as_str()) {
        ("REQ", ":method") => pseudo(Variable::Method)?,
        ("REQ", ":path") => pseudo(Variable::Path)?,
        ("REQ", ":authority") => pseudo(Variable::Authority)?,
        ("RESP", ":status") => pseudo(Variable::ResponseCode)?,
        ("REQ", _) => Source::RequestHeader(header(name)?, alternative),
        ("RESP", _) => Source::ResponseHeader(header(name)?, alternative),
        _ => return Err(unknown(text)),
    };
    Ok(Reference { source, max_length })
}

/// Splits `:12` off the end.
fn length<'a>(text: &'a str, whole: &str) -> Result<(&'a str, Option<usize>), String> {
    let Some((before, digits)) = text.split_once(':') else { return Ok((text, None)) };
    match digits.parse() {
        Ok(max) if max > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok((before, Some(max))),
        _ => Err(format!(
            "invalid length `{}` in `%{}%`, expected a positive number",
            digits.escape_debug(),
            whole.escape_debug()
        )),
    }
}

fn header(name: &str) -> Result<HeaderName, String> {
    name.parse().map_err(|error: InvalidHeaderName| error.to_string())
}

fn unknown(text: &str) -> String {
    let names: Vec<_> = Variable::ALL.iter().map(|variable| format!("`%{}%`", variable.name())).collect();
    format!(
        "unknown reference `%{}%`, expected one of `%REQ(name)%`, `%RESP(name)%`, {}; write `%%` for a percent sign",
        text.escape_debug(),
        names.join(", ")
    )
}
