//! Errors of reading a value, each with the path of the value.

use core::fmt;
use serde_json::Value;

/// Why a value cannot be read. Boxed and small, because every function of a reader returns one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    path: String,
    message: String,
}

impl ReadError {
    /// Returns an error about the value that is being read; `message` names what was expected.
    #[inline(never)]
    pub fn new(message: &dyn fmt::Display) -> Self {
        Self(Box::new(Parts { path: String::new(), message: message.to_string() }))
    }

    /// Returns an error about a value of the wrong type: `invalid type: string "x", expected u16`.
    #[inline(never)]
    pub fn invalid_type(value: &Value, expected: &str) -> Self {
        Self::new(&format_args!("invalid type: {}, expected {expected}", Found(value)))
    }

    /// Returns an error about a value out of range: `` invalid value: integer `70000`, expected u16 ``.
    #[inline(never)]
    pub fn invalid_value(value: &Value, expected: &str) -> Self {
        Self::new(&format_args!("invalid value: {}, expected {expected}", Found(value)))
    }

    /// Returns an error about an unknown name; `what` is `field` or `variant`.
    #[inline(never)]
    pub(super) fn unknown(what: &str, name: &str, known: &mut dyn Iterator<Item = &str>) -> Self {
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
        Self::new(&message)
    }

    /// Adds the name of a member to the beginning of the path.
    #[inline(never)]
    pub fn in_member(self, name: &str) -> Self {
        self.within(name)
    }

    /// Adds the index of an element to the beginning of the path.
    #[inline(never)]
    pub(super) fn in_element(self, index: usize) -> Self {
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

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            f.write_str(&self.0.path)?;
            f.write_str(": ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ReadError {}
