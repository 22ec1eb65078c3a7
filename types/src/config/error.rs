//! Errors of a configuration, each with the path of the field.

use core::fmt;
use core::ops::RangeInclusive;
use serde_json::Value;

/// Why a configuration was rejected: the path of a field, and a message with the value that was found and
/// what was expected. Small, because nearly every function that reads or checks a configuration returns one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    path: String,
    message: String,
}

impl ConfigError {
    /// Returns an error for the field at `path`, such as `rules[2].requires.provider_name`. An empty path
    /// means the whole configuration. Put the invalid value in backticks, and state what was expected.
    #[inline(never)]
    pub fn new(path: &str, message: &dyn fmt::Display) -> Self {
        Self(Box::new(Parts { path: one_line(path), message: one_line(&message.to_string()) }))
    }

    /// Returns an error for the value that is being read. The reader adds the path.
    #[inline(never)]
    pub fn here(message: &dyn fmt::Display) -> Self {
        Self::new("", message)
    }

    /// Returns an error for a value of the wrong type: `invalid type: string "x", expected a boolean`.
    #[inline(never)]
    pub fn invalid_type(value: &Value, expected: &str) -> Self {
        Self::here(&format_args!("invalid type: {}, expected {expected}", Found(value)))
    }

    /// Returns an error for a value out of range: `` invalid value: integer `-1`, expected an integer from 0
    /// to 255 ``.
    #[inline(never)]
    pub fn invalid_value(value: &Value, expected: &str) -> Self {
        Self::here(&format_args!("invalid value: {}, expected {expected}", Found(value)))
    }

    /// Returns an error for an unknown name; `what` is `field` or `variant`.
    #[inline(never)]
    pub fn unknown(what: &str, name: &str, known: &mut dyn Iterator<Item = &str>) -> Self {
        let mut message = format!("unknown {what} `{name}`, ");
        let known: Vec<&str> = known.collect();
        match known.as_slice() {
            [] => message = message + "there are no " + what + "s",
            [one] => message = message + "expected `" + one + "`",
            [one, other] => message = message + "expected `" + one + "` or `" + other + "`",
            [first, others @ ..] => {
                message = message + "expected one of `" + first + "`";
                for other in others {
                    message = message + ", `" + other + "`";
                }
            }
        }
        Self::here(&message)
    }

    /// Path of the field, such as `providers.auth0.remote_jwks.http_uri.uri`; empty for the whole
    /// configuration.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Description of the error.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Adds the name of a field to the beginning of the path.
    #[inline(never)]
    pub fn in_member(self, name: &str) -> Self {
        self.within(&one_line(name))
    }

    /// Adds an element of a list to the beginning of the path: `rules[2]`.
    #[inline(never)]
    pub fn in_list(self, field: &str, index: usize) -> Self {
        self.in_element(index).in_member(field)
    }

    /// Adds the index of an element to the beginning of the path.
    #[inline(never)]
    pub fn in_element(self, index: usize) -> Self {
        self.within(&format!("[{index}]"))
    }

    #[inline(never)]
    fn within(mut self, step: &str) -> Self {
        let path = &mut self.0.path;
        if !path.is_empty() && !path.starts_with('[') {
            path.insert(0, '.');
        }
        path.insert_str(0, step);
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            f.write_str(&self.0.path)?;
            f.write_str(": ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ConfigError {}

/// Replaces control characters: paths and messages contain names that an operator chose, and a log has one
/// line for each event.
#[inline(never)]
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Displays a value in serde's notation. Does not use serde's `Unexpected`, which pulls in all of Rust's code
/// for formatting floats.
struct Found<'v>(&'v Value);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "boolean `{value}`"),
            Value::Number(number) if number.is_f64() => write!(f, "floating point `{number}`"),
            Value::Number(number) => write!(f, "integer `{number}`"),
            Value::String(text) => write!(f, "string {text:?}"),
            Value::Array(_) => f.write_str("array"),
            Value::Object(_) => f.write_str("object"),
        }
    }
}

/// The path of a field, for checks of a configuration that was read.
#[derive(Clone, Debug)]
pub struct FieldPath {
    path: String,
    rename: fn(&str) -> &str,
}

fn unchanged(name: &str) -> &str {
    name
}

impl FieldPath {
    /// Path of a top-level field.
    pub fn new(field: &str) -> Self {
        Self { path: field.into(), rename: unchanged }
    }

    /// Returns a path under which [`Self::field`] renames each field. A field that is renamed to the empty
    /// string adds no step to the path.
    pub fn renamed(path: String, rename: fn(&str) -> &str) -> Self {
        Self { path, rename }
    }

    /// Path of a field, or of a key of a map.
    #[inline(never)]
    pub fn field(&self, name: &str) -> Self {
        let name = (self.rename)(name);
        if name.is_empty() {
            return self.clone();
        }
        Self { path: format!("{}.{name}", self.path), rename: self.rename }
    }

    /// Path of an entry of a list.
    #[inline(never)]
    pub fn at(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), rename: self.rename }
    }

    /// Returns an error at this path.
    pub fn error(&self, message: impl fmt::Display) -> ConfigError {
        ConfigError::new(&self.path, &message)
    }

    /// Checks that a number lies in a range.
    #[inline(never)]
    pub fn range(&self, value: u64, range: RangeInclusive<u64>) -> Result<(), ConfigError> {
        if range.contains(&value) {
            Ok(())
        } else {
            let (low, high) = range.into_inner();
            Err(self.error(format_args!("`{value}` is not a number from {low} to {high}")))
        }
    }

    /// Checks that a name is not empty; `what` names it in the error.
    #[inline(never)]
    pub fn named(&self, name: &str, what: &str) -> Result<(), ConfigError> {
        if name.is_empty() { Err(self.error(format_args!("{what} is empty"))) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_path_and_message() {
        let place = FieldPath::new("limits").field("a\nb").field("rates").at(2);
        assert_eq!(place.error("`x\ty` is odd").to_string(), "limits.a b.rates[2]: `x y` is odd");
        assert_eq!(ConfigError::here(&"a\nb").in_member("c\nd").to_string(), "c d: a b");
    }

    #[test]
    fn renames_fields() {
        fn other(name: &str) -> &str {
            if name == "from_headers" { "fromHeaders" } else { "" }
        }
        let place = FieldPath::renamed("rules[1]".into(), other).field("section").field("from_headers").at(0);
        assert_eq!(place.error("no").path(), "rules[1].fromHeaders[0]");
    }

    #[test]
    fn checks_numbers_and_names() {
        let place = FieldPath::new("a");
        assert!(place.range(1, 1..=3).is_ok() && place.range(3, 1..=3).is_ok());
        assert_eq!(place.range(4, 1..=3).unwrap_err().to_string(), "a: `4` is not a number from 1 to 3");
        assert_eq!(place.named("", "the cluster").unwrap_err().to_string(), "a: the cluster is empty");
        assert!(place.named("x", "the cluster").is_ok());
    }
}
