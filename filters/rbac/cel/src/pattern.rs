//! Regular expressions.

use crate::compile::{Node, NodeKind};
use crate::error::Failure;
use crate::meter::Meter;
use crate::{Error, Value};

/// Maximum size of a compiled regular expression in bytes, as for other matchers. Linear memory never
/// shrinks.
const REGEX_SIZE: usize = 64 << 10;

/// Size of an expression whose cost is 1 for a byte of the text. Measured: so a unit takes as long as others.
const UNIT_SIZE: usize = 32;

/// A compiled regular expression. Matches a part of a text, unless it is anchored.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: regex_lite::Regex,
    /// Units that a byte of the text costs.
    cost: usize,
}

impl Pattern {
    /// Compiles a constant pattern, and finds its cost.
    pub(crate) fn new(node: &Node) -> Result<Self, Error> {
        let text = match &node.kind {
            NodeKind::Literal(Value::String(text)) => core::str::from_utf8(text).ok(),
            _ => None,
        };
        let Some(text) = text else {
            return Err(Error::at(node.position, &["the pattern is not constant, expected a string"]));
        };
        // `regex-lite` does not return the size of an expression. The smallest limit that is enough is close.
        let mut limit = 8 * UNIT_SIZE;
        loop {
            match regex_lite::RegexBuilder::new(text).size_limit(limit).build() {
                Ok(regex) => return Ok(Self { regex, cost: limit / UNIT_SIZE }),
                Err(_) if limit < REGEX_SIZE => limit = (limit + limit / 4).min(REGEX_SIZE),
                Err(error) => {
                    return Err(Error::at(node.position, &["pattern `", text, "`: ", &error.to_string()]));
                }
            }
        }
    }

    /// Returns whether a text matches.
    #[inline(never)]
    pub(crate) fn matches(&self, text: &Value, meter: &mut Meter) -> Result<bool, Failure> {
        let Value::String(text) = text else { return Err(Failure::NO_SUCH_OVERLOAD) };
        meter.spend((text.len() + 1).saturating_mul(self.cost))?;
        let text = meter.text(text)?;
        Ok(self.regex.is_match(text))
    }
}
