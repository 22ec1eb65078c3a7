//! Matchers: the expected values of texts, fields and bodies.

use super::values::{Piece, scalar, schema, shown};
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// Matches text: a string that must be equal, `{prefix|suffix|contains|regex: ..}` as in Envoy's
/// `StringMatcher`, or `{not: ..}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum TextMatch {
    /// The text equals this.
    Exact(String),
    /// The text begins with this.
    Prefix(String),
    /// The text ends with this.
    Suffix(String),
    /// The text contains this.
    Contains(String),
    /// The whole text matches this regular expression.
    Regex(Regex),
    /// The text does not match.
    Not(Box<TextMatch>),
}

schema!(TextMatch: {
    "description": "Matches text: a string that must be equal, or an object with one of `exact`, `prefix`, `suffix`, `contains`, `regex`, `not`.",
    "anyOf": [
        { "type": ["string", "integer", "boolean"] },
        {
            "type": "object",
            "properties": {
                "exact": { "type": "string", "description": "The text must equal this." },
                "prefix": { "type": "string", "description": "The text must begin with this." },
                "suffix": { "type": "string", "description": "The text must end with this." },
                "contains": { "type": "string", "description": "The text must contain this." },
                "regex": { "type": "string", "description": "The whole text must match this regular expression." },
                "not": { "$ref": "#/$defs/TextMatch", "description": "The text must not match this." }
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
        if let Some((_, inner)) = only.filter(|(kind, _)| *kind == "not") {
            return Self::try_from(inner.clone()).map(Box::new).map(Self::Not);
        }
        match only.and_then(|(kind, text)| Some((kind.as_str(), scalar(text)?))) {
            Some(("exact", text)) => Ok(Self::Exact(text)),
            Some(("prefix", text)) => Ok(Self::Prefix(text)),
            Some(("suffix", text)) => Ok(Self::Suffix(text)),
            Some(("contains", text)) => Ok(Self::Contains(text)),
            Some(("regex", text)) => Regex::new(&format!("^(?s:{text})$"))
                .map(Self::Regex)
                .map_err(|_| format!("invalid regular expression `{text}`")),
            _ => Err(format!(
                "invalid matcher {}, expected a string or one of `exact`, `prefix`, `suffix`, `contains`, `regex`, `not`",
                shown(&value)
            )),
        }
    }
}

impl TextMatch {
    /// Whether the bytes match. Bytes that are not UTF-8 match only `not`.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        if let Self::Not(inner) = self {
            return !inner.holds(bytes);
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        match self {
            Self::Not(_) => false,
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
            Self::Prefix(text) => write!(f, "text that begins with \"{text}\""),
            Self::Suffix(text) => write!(f, "text that ends with \"{text}\""),
            Self::Contains(text) => write!(f, "text that contains \"{text}\""),
            Self::Regex(regex) => write!(f, "text that matches `{regex}`"),
            Self::Not(inner) => write!(f, "anything but {inner}"),
        }
    }
}

/// Matches the values of a field.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum FieldMatch {
    /// The field is absent.
    Absent,
    /// The field occurs once, with a value that matches.
    One(TextMatch),
    /// The field has exactly as many values, which match in order.
    Each(Vec<TextMatch>),
}

schema!(FieldMatch: {
    "description": "Matches the values of a field: a value, a list of all values, a matcher for the only value, or null if the field must be absent.",
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

/// Matches a body: text or a matcher for it, `{base64: ..}`, `{repeat: .., times: ..}`, `{file: ..}`,
/// `{json: ..}`, or `{not: ..}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum BodyMatch {
    /// The body equals these bytes.
    Bytes(Vec<u8>),
    /// The body is text that matches.
    Text(TextMatch),
    /// The body is JSON with this value.
    Json(Value),
    /// The body does not match.
    Not(Box<BodyMatch>),
}

schema!(BodyMatch: {
    "description": "Matches a body: text or a matcher for it, bytes, or JSON.",
    "anyOf": [
        { "$ref": "#/$defs/TextMatch" },
        { "$ref": "#/$defs/Piece" },
        {
            "type": "object",
            "properties": { "json": { "description": "The body must be JSON with this value. White space and the order of members do not matter." } },
            "required": ["json"],
            "additionalProperties": false
        },
        {
            "type": "object",
            "properties": { "not": { "$ref": "#/$defs/BodyMatch", "description": "The body must not match this." } },
            "required": ["not"],
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
        if has("not") && value.as_object().is_some_and(|o| o.len() == 1) {
            return Self::try_from(value["not"].clone()).map(Box::new).map(Self::Not);
        }
        if has("base64") || has("repeat") || has("file") {
            return Piece::try_from(value).map(|piece| Self::Bytes(piece.0));
        }
        TextMatch::try_from(value).map(Self::Text)
    }
}

impl BodyMatch {
    /// Whether the body matches.
    pub fn holds(&self, body: &[u8]) -> bool {
        match self {
            Self::Bytes(bytes) => bytes == body,
            Self::Text(text) => text.holds(body),
            Self::Json(json) => serde_json::from_slice::<Value>(body).is_ok_and(|body| body == *json),
            Self::Not(inner) => !inner.holds(body),
        }
    }
}

impl fmt::Display for BodyMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{}", super::shown::cut(bytes)),
            Self::Text(text) => write!(f, "{text}"),
            Self::Json(json) => write!(f, "JSON `{json}`"),
            Self::Not(inner) => write!(f, "anything but {inner}"),
        }
    }
}
