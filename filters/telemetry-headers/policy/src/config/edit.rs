//! Configured header edits.

use core::fmt;
use tollgate_policy::{Config, EditableName, HeaderValue, Source, Template, Variable};

/// One edit: `{"set": {"name": "x-team", "value": "%REQ(x-owner)%"}}`, `{"remove": "x-debug"}`.
#[derive(Clone, Debug, PartialEq, Config)]
pub enum Edit {
    /// Replaces all headers of that name by one.
    Set(Write),
    /// Appends a header. Existing headers of that name stay.
    Add(Write),
    /// Writes a header only if no header of that name exists.
    SetIfAbsent(Write),
    /// Removes all headers of that name.
    Remove(EditableName),
}

impl Edit {
    /// Returns the header that the edit writes, if it writes one.
    pub fn write(&self) -> Option<&Write> {
        match self {
            Self::Set(write) | Self::Add(write) | Self::SetIfAbsent(write) => Some(write),
            Self::Remove(_) => None,
        }
    }

    /// Returns the sources that the value refers to.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.write().into_iter().flat_map(|write| write.value.references()).map(|reference| &reference.source)
    }
}

/// A header to write.
#[derive(Clone, Debug, PartialEq, Config)]
pub struct Write {
    /// Name of the header.
    pub name: EditableName,
    /// Value of the header. May refer to the request with `%REQ(name)%`, `%REQ(name?alternative)%`,
    /// `%REQ(name):N%` (at most N bytes), `%METHOD%`, `%PATH%`, `%AUTHORITY%`, `%REQUEST_ID%`, `%TRACE_ID%`
    /// and `%SPAN_ID%`. In `response_headers` it may also refer to the response with `%RESP(name)%`,
    /// `%RESPONSE_CODE%` and `%DURATION%` (milliseconds). Write `%%` for a percent sign.
    pub value: Template,
    /// Value to write if a reference in `value` has no value. Without a default, the header is not written in
    /// that case.
    pub default: Option<HeaderValue>,
}

/// An edit to the request headers.
#[derive(Clone, Debug, PartialEq, Config)]
#[config(try_from = Edit, blank = Self(Config::blank()))]
pub struct RequestEdit(Edit);

impl RequestEdit {
    /// Returns the edit.
    pub fn edit(&self) -> &Edit {
        &self.0
    }
}

impl TryFrom<Edit> for RequestEdit {
    type Error = ResponseOnly;

    fn try_from(edit: Edit) -> Result<Self, ResponseOnly> {
        let later = edit.sources().find_map(|source| match source {
            Source::ResponseHeader(name, _) => Some(format!("RESP({name})")),
            Source::Variable(variable @ (Variable::ResponseCode | Variable::Duration)) => {
                Some(variable.name().into())
            }
            _ => None,
        });
        match later {
            Some(reference) => Err(ResponseOnly(reference)),
            None => Ok(Self(edit)),
        }
    }
}

/// An edit to the request headers refers to the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseOnly(String);

impl fmt::Display for ResponseOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`value` refers to `%{}%`, which is available only in `response_headers`", self.0)
    }
}

impl std::error::Error for ResponseOnly {}

/// An edit to the response headers.
#[derive(Clone, Debug, PartialEq, Config)]
pub struct ResponseEdit(Edit);

impl ResponseEdit {
    /// Returns the edit.
    pub fn edit(&self) -> &Edit {
        &self.0
    }
}
