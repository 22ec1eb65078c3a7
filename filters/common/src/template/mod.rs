//! Header values with parts of the request in them: `"%REQ(x-team)%/%REQUEST_ID%"`.
//!
//! The language is that of Envoy's formatter, as far as a policy can know the facts. Two things differ, both because
//! this is used to write headers and not to write logs. A reference to what is absent makes the whole value absent,
//! where Envoy writes `-`: an upstream cannot tell a dash from a value. And what comes out is always a valid header
//! value: a value that holds a control character, whatever brought it in, is not written at all.

mod parse;

use crate::{HeaderName, is_valid_value, text::from_text};
use core::fmt;
use std::borrow::Cow;

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: Box<str>,
    parts: Box<[Part]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Reference(Reference),
}

/// One reference of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it stands for.
    pub source: Source,
    /// `:N` behind it: at most so many bytes of it are taken.
    pub max_length: Option<usize>,
}

/// What a reference stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `%REQ(name?alternative)%`: the first value of a request header, or else that of another one.
    RequestHeader(HeaderName, Option<HeaderName>),
    /// `%RESP(name?alternative)%`: the same of the response.
    ResponseHeader(HeaderName, Option<HeaderName>),
    /// Anything else.
    Variable(Variable),
}

/// The facts that have a name of their own.
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
    /// All of them.
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

    /// How it is written between percent signs.
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
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Everything it refers to, in order.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.parts.iter().filter_map(|part| match part {
            Part::Reference(reference) => Some(reference),
            Part::Literal(_) => None,
        })
    }

    /// The value. `resolve` appends what a source stands for and returns whether there is such a thing.
    ///
    /// A template without references is borrowed, so that a constant costs nothing. White space at the ends is removed,
    /// because it is no part of a header value (RFC 9110 section 5.5).
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
    /// Something it refers to is absent.
    Missing,
    /// What it refers to holds a byte that no header value may have.
    InvalidValue,
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "something the template refers to is absent",
            Self::InvalidValue => "the value would hold a control character",
        })
    }
}

impl std::error::Error for TemplateProblem {}

/// A text that is no template, and where it goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTemplate {
    /// The template.
    pub text: Box<str>,
    /// The byte, counted from 1, at which the trouble begins.
    pub column: usize,
    /// What the trouble is.
    pub reason: Box<str>,
}

impl fmt::Display for InvalidTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` at column {}: {}", self.text.escape_debug(), self.column, self.reason)
    }
}

impl std::error::Error for InvalidTemplate {}

from_text!(Template, "a header value with references such as `%REQ(x-team)%` in it", None);

#[cfg(test)]
mod tests;
