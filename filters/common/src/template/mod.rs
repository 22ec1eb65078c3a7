//! Header values with references to the request or the response: `"%REQ(x-team)%/%REQUEST_ID%"`.
//!
//! The syntax is that of Envoy's formatter, restricted to the facts that a policy knows. Two rules differ,
//! because templates write headers and not logs. First, if a reference has no value, the whole template has
//! no value. Envoy writes `-`, but an upstream cannot distinguish a dash from a value. Second, the result is
//! always a valid header value: a value with a control character is not written at all.

mod parse;

use crate::{Config, HeaderName, is_valid_value};
use core::fmt;
use std::borrow::Cow;

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
#[config(
    text(expected = "a header value, which may contain references such as `%REQ(x-team)%`"),
    blank = Self { text: Box::default(), parts: Box::default() }
)]
pub struct Template {
    text: Box<str>,
    parts: Box<[Part]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Reference(Reference),
}

/// A reference in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The source of the value.
    pub source: Source,
    /// Maximum number of bytes, from the suffix `:N`.
    pub max_length: Option<usize>,
}

/// The source of the value of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `%REQ(name?alternative)%`: the first value of a request header, or of the alternative if the header is
    /// absent.
    RequestHeader(HeaderName, Option<HeaderName>),
    /// `%RESP(name?alternative)%`: the same for the response.
    ResponseHeader(HeaderName, Option<HeaderName>),
    /// Any other reference.
    Variable(Variable),
}

/// Facts that have their own operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Variable {
    /// `%METHOD%` or `%REQ(:method)%`.
    Method,
    /// `%PATH%` or `%REQ(:path)%`, with the query.
    Path,
    /// `%AUTHORITY%` or `%REQ(:authority)%`.
    Authority,
    /// `%REQUEST_ID%`.
    RequestId,
    /// `%TRACE_ID%`, 32 hexadecimal digits.
    TraceId,
    /// `%SPAN_ID%`, 16 hexadecimal digits.
    SpanId,
    /// `%RESPONSE_CODE%` or `%RESP(:status)%`.
    ResponseCode,
    /// `%DURATION%`, in whole milliseconds.
    Duration,
}

impl Variable {
    /// All variables.
    pub const ALL: [Self; 8] = [
        Self::Method,
        Self::Path,
        Self::Authority,
        Self::RequestId,
        Self::TraceId,
        Self::SpanId,
        Self::ResponseCode,
        Self::Duration,
    ];

    /// Returns the name of the operator, as between percent signs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Method => "METHOD",
            Self::Path => "PATH",
            Self::Authority => "AUTHORITY",
            Self::RequestId => "REQUEST_ID",
            Self::TraceId => "TRACE_ID",
            Self::SpanId => "SPAN_ID",
            Self::ResponseCode => "RESPONSE_CODE",
            Self::Duration => "DURATION",
        }
    }
}

impl Template {
    /// Returns the text that the template was parsed from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns all references, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Reference(reference) => Some(reference),
            Part::Literal(_) => None,
        })
    }

    /// Returns the value of the template. `resolve` appends the value of a source, and returns whether there
    /// is one.
    ///
    /// Borrows the value of a template without references, so that a constant costs nothing. Removes leading
    /// and trailing white space, which is not part of a header value (RFC 9110 section 5.5).
    pub fn render(
        &self,
        mut resolve: impl FnMut(&Source, &mut Vec<u8>) -> bool,
    ) -> Result<Cow<'_, [u8]>, TemplateProblem> {
        if let [Part::Literal(text)] = &*self.parts {
            return Ok(Cow::Borrowed(text.as_bytes()));
        }
        let mut out = Vec::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Part::Reference(reference) => {
                    let start = out.len();
                    if !resolve(&reference.source, &mut out) {
                        return Err(TemplateProblem::Missing);
                    }
                    if let Some(max) = reference.max_length {
                        out.truncate(start.saturating_add(max));
                    }
                }
            }
        }
        if !is_valid_value(&out) {
            return Err(TemplateProblem::InvalidValue);
        }
        if out.trim_ascii().len() != out.len() {
            return Ok(Cow::Owned(out.trim_ascii().to_vec()));
        }
        Ok(Cow::Owned(out))
    }
}

/// Why a template has no value for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateProblem {
    /// A reference has no value.
    Missing,
    /// The value contains a byte that is not allowed in a header value.
    InvalidValue,
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "a reference of the template has no value",
            Self::InvalidValue => "the value contains a control character",
        })
    }
}

impl std::error::Error for TemplateProblem {}

/// A text that is not a template, with the position of the error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTemplate {
    /// The text.
    pub text: Box<str>,
    /// Position of the first invalid byte, counted from 1.
    pub column: usize,
    /// Description of the error.
    pub reason: Box<str>,
}

impl fmt::Display for InvalidTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` at column {}: {}", self.text.escape_debug(), self.column, self.reason)
    }
}

impl std::error::Error for InvalidTemplate {}

#[cfg(test)]
mod tests;
