//! The configuration of a plugin: parsed into the configuration type of the filter, or rejected with one line
//! that names the field.
//!
//! Envoy passes the text of a `StringValue` unchanged, and a `google.protobuf.Struct` as serialised protobuf.
//! Istio's `pluginConfig` arrives as JSON text. A missing configuration is read as `{}`, so a filter whose
//! fields are all optional needs no configuration.

mod read;
mod tree;

use crate::protobuf;
use read::ValueDeserializer;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use tree::Tree;

/// The reason why a configuration was rejected. It is logged as `configuration rejected: <path>: <message>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    path: String,
    message: String,
}

impl ConfigError {
    /// Creates an error for the field at `path`, such as `rules[2].requires.provider`. `message` states the
    /// value found and what was expected.
    pub fn new(path: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { path: one_line(&path.into()), message: one_line(&message.to_string()) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() || self.path == "." {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<crate::Error> for ConfigError {
    fn from(error: crate::Error) -> Self {
        Self::new("", error)
    }
}

/// Parses a configuration in any of the forms in which Envoy delivers it.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ConfigError> {
    let tree = tree(if bytes.is_empty() { b"{}" } else { bytes })?;
    T::deserialize(ValueDeserializer(&tree)).map_err(|error| *error.0)
}

/// Parses JSON text or a `Struct` into the same type. Otherwise the module would contain the code that reads
/// `T` twice.
fn tree(bytes: &[u8]) -> Result<Value, ConfigError> {
    match serde_json::from_slice(bytes) {
        Ok(Tree(value)) => Ok(value),
        // A `Struct` begins with the tag of `fields`. JSON reads this byte as a line break and then fails.
        Err(error) => protobuf::decode_struct(bytes).ok_or_else(|| {
            ConfigError::new("", format_args!("neither valid JSON nor a `google.protobuf.Struct`: {error}"))
        }),
    }
}

/// Replaces control characters. Messages quote names and values of the configuration, and a log has one line
/// per event.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Config {
        #[serde(default)]
        rules: Vec<Rule>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Rule {
        status: u16,
    }

    fn error(text: &str) -> String {
        parse::<Config>(text.as_bytes()).expect_err("an invalid configuration").to_string()
    }

    #[test]
    fn names_the_unknown_field_and_the_expected_fields() {
        let message = error(r#"{"rules": [{"status": 1}, {"statsu": 2}]}"#);
        for part in ["rules[1].statsu", "unknown field `statsu`", "expected `status`"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn names_the_field_and_the_value_of_the_wrong_type() {
        let message = error(r#"{"rules": [{"status": "x"}]}"#);
        assert!(
            message.starts_with("rules[0].status: invalid type: string \"x\", expected u16"),
            "{message}"
        );
    }

    #[test]
    fn names_the_position_of_a_json_error() {
        assert_eq!(
            error("{\"rules\": "),
            "neither valid JSON nor a `google.protobuf.Struct`: EOF while parsing a value at line 1 column 10"
        );
    }

    #[test]
    fn a_message_is_always_one_line() {
        assert!(!error("{\"a\\nb\": 1}").contains('\n'));
    }

    /// Covers configuration types that read themselves from a tree.
    #[test]
    fn reads_a_tree_unchanged() {
        let text = r#"{"a": [null, true, -1, 1, 1.5, "x", {}], "b": {"c": []}}"#;
        assert_eq!(parse::<Value>(text.as_bytes()), Ok(serde_json::from_str(text).expect("JSON")));
    }

    #[test]
    fn reads_a_missing_configuration_as_an_empty_object() {
        assert_eq!(parse::<Config>(b""), Ok(Config { rules: Vec::new() }));
    }
}
