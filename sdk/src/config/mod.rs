//! The plugin's configuration: read into the filter's own type, or refused with one line that names the place.
//!
//! Envoy hands over the text of a `StringValue` as it is, and a `google.protobuf.Struct` as raw protobuf; Istio's
//! `pluginConfig` arrives as JSON text. No configuration at all is read as `{}`, so that a filter whose fields are
//! all optional needs none.

mod read;
mod tree;

use crate::protobuf;
use read::Node;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use tree::Tree;

/// Why a configuration was refused. It is logged as `configuration refused: <path>: <message>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    path: String,
    message: String,
}

impl ConfigError {
    /// An error at `path`, such as `rules[2].requires.provider`; `message` names the value and what was expected.
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

/// Reads a configuration as Envoy delivers it.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ConfigError> {
    let tree = tree(if bytes.is_empty() { b"{}" } else { bytes })?;
    T::deserialize(Node(&tree)).map_err(|problem| *problem.0)
}

/// JSON text and a `Struct` become the same, or the code that reads `T` would be in the module twice.
fn tree(bytes: &[u8]) -> Result<Value, ConfigError> {
    match serde_json::from_slice(bytes) {
        Ok(Tree(value)) => Ok(value),
        // A `Struct` begins with the tag of its `fields`, which JSON reads as a line break before garbage.
        Err(error) => protobuf::decode_struct(bytes)
            .ok_or_else(|| ConfigError::new("", format_args!("neither JSON nor a `Struct`: {error}"))),
    }
}

/// Names and values of a configuration end up in the message, and an operator's log has one line for each event.
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
        parse::<Config>(text.as_bytes()).expect_err("bad").to_string()
    }

    #[test]
    fn names_the_unknown_field_its_place_and_what_was_expected() {
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
    fn says_where_the_json_breaks() {
        assert_eq!(
            error("{\"rules\": "),
            "neither JSON nor a `Struct`: EOF while parsing a value at line 1 column 10"
        );
    }

    #[test]
    fn a_message_is_always_one_line() {
        assert!(!error("{\"a\\nb\": 1}").contains('\n'));
    }

    /// What a type does that reads its configuration out of a tree.
    #[test]
    fn a_tree_is_read_as_it_is() {
        let text = r#"{"a": [null, true, -1, 1, 1.5, "x", {}], "b": {"c": []}}"#;
        assert_eq!(parse::<Value>(text.as_bytes()), Ok(serde_json::from_str(text).expect("JSON")));
    }

    #[test]
    fn no_configuration_is_an_empty_object() {
        assert_eq!(parse::<Config>(b""), Ok(Config { rules: Vec::new() }));
    }
}
