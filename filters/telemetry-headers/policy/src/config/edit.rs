//! Edits of headers.

use core::fmt;
use serde::Deserialize;
use tollgate_policy::{EditableName, HeaderValue, Source, Template, Variable};

/// One edit: `{"set": {"name": "x-team", "value": "%REQ(x-owner)%"}}`, `{"remove": "x-debug"}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// Puts one header in place of all of that name.
    Set(Write),
    /// Appends a header; those of that name stay.
    Add(Write),
    /// Writes a header if there is none of that name.
    SetIfAbsent(Write),
    /// Removes all headers of that name.
    Remove(EditableName),
}

impl Edit {
    /// What it writes, if it writes.
    pub fn write(&self) -> Option<&Write> {
        match self {
            Self::Set(write) | Self::Add(write) | Self::SetIfAbsent(write) => Some(write),
            Self::Remove(_) => None,
        }
    }

    /// Everything its value refers to.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.write().into_iter().flat_map(|write| write.value.references()).map(|reference| &reference.source)
    }
}

/// A header to write.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The name of the header.
    pub name: EditableName,
    /// Its value. `%REQ(name)%`, `%REQ(name?alternative)%`, `%REQ(name):N%` (at most N bytes), `%METHOD%`, `%PATH%`,
    /// `%AUTHORITY%`, `%REQUEST_ID%`, `%TRACE_ID%` and `%SPAN_ID%` stand for what the request has there; in a response
    /// also `%RESP(name)%`, `%RESPONSE_CODE%` and `%DURATION%` (milliseconds). A percent sign is written `%%`.
    pub value: Template,
    /// The value to write if something that `value` refers to is absent. Without it the header is not written then.
    #[serde(default)]
    pub default: Option<HeaderValue>,
}

/// An edit of the request headers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Edit")]
pub struct RequestEdit(Edit);

impl RequestEdit {
    /// The edit.
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

/// A reference to the response in a request header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseOnly(String);

impl fmt::Display for ResponseOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`value` has `%{}%`, which is not known until the response", self.0)
    }
}

impl std::error::Error for ResponseOnly {}

/// An edit of the response headers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ResponseEdit(Edit);

impl ResponseEdit {
    /// The edit.
    pub fn edit(&self) -> &Edit {
        &self.0
    }
}
