//! Programs.

use crate::compile::{Compiled, compile};
use crate::evaluate::Evaluation;
use crate::{Error, EvaluationError, Position, Value, parser, print, proto};
use core::fmt;
use std::rc::Rc;

/// Maximum length of the text of a program in bytes.
pub const MAX_LENGTH: usize = 16 << 10;

/// A compiled program. Cheap to clone.
#[derive(Clone)]
pub struct Program {
    text: Rc<str>,
    compiled: Rc<Compiled>,
}

impl Program {
    /// Compiles a text. `known` returns whether a path of names is an attribute.
    pub fn parse(text: &str, known: &dyn Fn(&[&str]) -> bool) -> Result<Self, Error> {
        check_length(text)?;
        let compiled = compile(&parser::parse(text)?, known)?;
        Ok(Self { text: text.into(), compiled: Rc::new(compiled) })
    }

    /// Compiles a parsed expression: a `google.api.expr.v1alpha1.Expr` in JSON. Names of fields are in
    /// `snake_case` or `lowerCamelCase`. Accepts what the parser of a text produces: of comprehensions those
    /// of the standard macros, and no messages.
    ///
    /// The expression is converted to a text, which is then compiled. Positions of errors refer to this text.
    pub fn from_expr(json: &serde_json::Value, known: &dyn Fn(&[&str]) -> bool) -> Result<Self, Error> {
        let expr = proto::read(json)?;
        let text = print::print(&expr);
        check_length(&text)?;
        // The text must mean the same as the expression.
        if parser::parse(&text).ok().is_none_or(|parsed| parsed != expr) {
            return Err(Error::field(&["the expression cannot be written as a text: `", &text, "`"]));
        }
        Self::parse(&text, known)
    }

    /// Evaluates the program with a budget.
    pub fn evaluate(&self, attributes: &dyn Attributes, budget: u32) -> Result<bool, EvaluationError> {
        Evaluation::new(&self.compiled, attributes, budget).run()
    }

    /// Returns the text. A parsed expression has the text to which it was converted.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the paths of the attributes that the program can read.
    pub fn paths(&self) -> &[Box<[Box<str>]>] {
        &self.compiled.paths
    }
}

fn check_length(text: &str) -> Result<(), Error> {
    if text.len() <= MAX_LENGTH {
        return Ok(());
    }
    let (found, limit) = (text.len().to_string(), MAX_LENGTH.to_string());
    Err(Error::at(Position::START, &["the text has ", &found, " bytes, expected at most ", &limit]))
}

/// Writes the text. A parsed expression has the text to which it was converted.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.text).finish()
    }
}

/// Attributes of a request.
pub trait Attributes {
    /// Returns the value of an attribute, or `None` if it has no value. Called at most once for each path in
    /// an evaluation. The memory of the value does not count.
    fn get(&self, path: &[&str]) -> Result<Option<Value>, Unavailable>;
}

/// The host failed to return an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the attribute is not available")
    }
}

impl std::error::Error for Unavailable {}
