//! Expectations as they are written.

use super::file::LogLevelText;
use super::values::{Piece, scalar, schema, shown};
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// What is expected of the whole run. What is not mentioned may be anything.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// That the proxy refuses to start with these filters.
    pub refused: bool,
    /// Counters and gauges of the filters at the end; one that was never defined is 0.
    pub metrics: BTreeMap<String, u64>,
    /// Lines that are logged.
    pub logs: Vec<LogText>,
    /// Lines that are not logged.
    pub not_logged: Vec<LogText>,
    /// The callouts that reach an upstream, by its name: these and no others.
    pub callouts: BTreeMap<String, Vec<ExpectRequest>>,
}

/// A line that a filter logs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogText {
    /// Its level; any, if not given.
    pub level: Option<LogLevelText>,
    /// Its text.
    pub text: TextMatch,
}

/// What is expected of a request. What is not mentioned may be anything.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectExchange {
    /// The status that the client sees.
    pub status: Option<u16>,
    /// That the client sees no whole response: `reset` or `hang`.
    pub end: Option<ExpectEnd>,
    /// Header fields of the response: a value, several, what is to hold of the only one, or null for none.
    pub headers: BTreeMap<String, FieldMatch>,
    /// The whole body of the response.
    pub body: Option<BodyMatch>,
    /// Trailer fields of the response.
    pub trailers: BTreeMap<String, FieldMatch>,
    /// `%RESPONSE_CODE_DETAILS%`.
    pub details: Option<TextMatch>,
    /// `%RESPONSE_FLAGS%`: `UF`, `URX`, ..., with commas between them; `-` for none.
    pub flags: Option<TextMatch>,
    /// What the upstream sees, which is exactly one request.
    pub upstream: Option<ExpectRequest>,
    /// How many requests the upstream sees: 0 when the filter answers, more than one with retries.
    pub upstream_requests: Option<usize>,
}

/// How an exchange ends that brings no whole response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpectEnd {
    /// The connection is closed.
    Reset,
    /// Nothing comes while the client waits.
    Hang,
}

/// A request as an upstream sees it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectRequest {
    /// The upstream's name.
    pub cluster: Option<TextMatch>,
    /// The method.
    pub method: Option<TextMatch>,
    /// Path and query.
    pub path: Option<TextMatch>,
    /// The `Host` header or `:authority`.
    pub authority: Option<TextMatch>,
    /// Header fields: a value, several, what is to hold of the only one, or null for none.
    pub headers: BTreeMap<String, FieldMatch>,
    /// The whole body.
    pub body: Option<BodyMatch>,
    /// Trailer fields.
    pub trailers: BTreeMap<String, FieldMatch>,
}

/// A whole text, or `{prefix|suffix|contains|regex: ..}`. The words are those of Envoy's `StringMatcher`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum TextMatch {
    /// The whole text.
    Exact(String),
    /// Its beginning.
    Prefix(String),
    /// Its end.
    Suffix(String),
    /// A part of it.
    Contains(String),
    /// All of it.
    Regex(Regex),
}

schema!(TextMatch: {
    "description": "A whole text, or one of `prefix`, `suffix`, `contains`, `regex`.",
    "anyOf": [
        { "type": ["string", "integer", "boolean"] },
        {
            "type": "object",
            "properties": {
                "exact": { "type": "string", "description": "The whole text." },
                "prefix": { "type": "string", "description": "Its beginning." },
                "suffix": { "type": "string", "description": "Its end." },
                "contains": { "type": "string", "description": "A part of it." },
                "regex": { "type": "string", "description": "A regular expression for all of it." }
            },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false
        }
    ]
});

impl TryFrom<Value> for TextMatch {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        if let Some(text) = scalar(&value) {
            return Ok(Self::Exact(text));
        }
        let only = value.as_object().filter(|o| o.len() == 1).and_then(|o| o.iter().next());
        match only.and_then(|(kind, text)| Some((kind.as_str(), scalar(text)?))) {
            Some(("exact", text)) => Ok(Self::Exact(text)),
            Some(("prefix", text)) => Ok(Self::Prefix(text)),
            Some(("suffix", text)) => Ok(Self::Suffix(text)),
            Some(("contains", text)) => Ok(Self::Contains(text)),
            Some(("regex", text)) => Regex::new(&format!("^(?s:{text})$"))
                .map(Self::Regex)
                .map_err(|_| format!("`{text}` is not a regular expression")),
            _ => Err(format!(
                "{} is neither a text nor one of `exact`, `prefix`, `suffix`, `contains`, `regex`",
                shown(&value)
            )),
        }
    }
}

impl TextMatch {
    /// Whether it holds. Bytes that are not UTF-8 match nothing.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        match self {
            Self::Exact(whole) => text == whole,
            Self::Prefix(start) => text.starts_with(start),
            Self::Suffix(end) => text.ends_with(end),
            Self::Contains(part) => text.contains(part),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

impl fmt::Display for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => write!(f, "\"{text}\""),
            Self::Prefix(text) => write!(f, "a text that begins with \"{text}\""),
            Self::Suffix(text) => write!(f, "a text that ends with \"{text}\""),
            Self::Contains(text) => write!(f, "a text with \"{text}\" in it"),
            Self::Regex(regex) => write!(f, "a text that matches `{regex}`"),
        }
    }
}

/// The values of a field.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum FieldMatch {
    /// There is none.
    Absent,
    /// There is one, of which this holds.
    One(TextMatch),
    /// There are these, in order.
    Each(Vec<TextMatch>),
}

schema!(FieldMatch: {
    "description": "A value, a list of them, what is to hold of the only one, or null for none.",
    "anyOf": [
        { "type": "null" },
        { "$ref": "#/$defs/TextMatch" },
        { "type": "array", "items": { "$ref": "#/$defs/TextMatch" } }
    ]
});

impl TryFrom<Value> for FieldMatch {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::Absent),
            Value::Array(each) => {
                each.into_iter().map(TextMatch::try_from).collect::<Result<_, _>>().map(Self::Each)
            }
            one => TextMatch::try_from(one).map(Self::One),
        }
    }
}

impl fmt::Display for FieldMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => write!(f, "no such field"),
            Self::One(text) => write!(f, "{text}"),
            Self::Each(texts) => {
                let texts: Vec<_> = texts.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", texts.join(", "))
            }
        }
    }
}

/// A whole body: a text or what is to hold of it, `{base64: ..}`, `{repeat: .., times: ..}`, or `{json: ..}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum BodyMatch {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A text of which this holds.
    Text(TextMatch),
    /// JSON that means this.
    Json(Value),
}

schema!(BodyMatch: {
    "description": "A whole body.",
    "anyOf": [
        { "$ref": "#/$defs/TextMatch" },
        { "$ref": "#/$defs/Piece" },
        {
            "type": "object",
            "properties": { "json": { "description": "JSON that means the same." } },
            "required": ["json"],
            "additionalProperties": false
        }
    ]
});

impl TryFrom<Value> for BodyMatch {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let has = |name| value.get(name).is_some();
        if has("json") && value.as_object().is_some_and(|o| o.len() == 1) {
            return Ok(Self::Json(value["json"].clone()));
        }
        if has("base64") || has("repeat") {
            return Piece::try_from(value).map(|piece| Self::Bytes(piece.0));
        }
        TextMatch::try_from(value).map(Self::Text)
    }
}

impl BodyMatch {
    /// Whether it holds.
    pub fn holds(&self, body: &[u8]) -> bool {
        match self {
            Self::Bytes(bytes) => bytes == body,
            Self::Text(text) => text.holds(body),
            Self::Json(json) => serde_json::from_slice::<Value>(body).is_ok_and(|body| body == *json),
        }
    }
}

impl fmt::Display for BodyMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{}", super::check::cut(bytes)),
            Self::Text(text) => write!(f, "{text}"),
            Self::Json(json) => write!(f, "the JSON `{json}`"),
        }
    }
}
