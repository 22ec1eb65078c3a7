//! Errors of parsing, compilation and evaluation.

use core::fmt;

/// A position in the text of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u16,
    /// Column in characters, from 1.
    pub column: u16,
}

impl Position {
    /// The beginning of a text.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 1 {
            write!(f, "line {}, ", self.line)?;
        }
        write!(f, "column {}", self.column)
    }
}

/// The place of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A position in the text: of the program, or of the text to which a parsed expression was converted.
    Text(Position),
    /// The path of a field of a parsed expression, such as `callExpr.args[0]`. Empty for the expression.
    Field(Box<str>),
}

/// Why a program was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<(Place, Box<str>)>);

impl Error {
    #[inline(never)]
    pub(crate) fn at(position: Position, message: &[&str]) -> Self {
        Self(Box::new((Place::Text(position), message.concat().into())))
    }

    #[inline(never)]
    pub(crate) fn field(message: &[&str]) -> Self {
        Self(Box::new((Place::Field(Box::default()), message.concat().into())))
    }

    /// Adds a step, such as `.args` or `[0]`, to the beginning of the path of a field.
    #[inline(never)]
    pub(crate) fn within(mut self, step: &str) -> Self {
        if let Place::Field(path) = &mut self.0.0 {
            let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
            *path = [step, dot, path].concat().into();
        }
        self
    }

    /// Returns the place.
    pub fn place(&self) -> &Place {
        &self.0.0
    }

    /// Returns the position in the text, if the error has one.
    pub fn position(&self) -> Option<Position> {
        match self.place() {
            Place::Text(position) => Some(*position),
            Place::Field(_) => None,
        }
    }

    /// Returns the description, without the place.
    pub fn message(&self) -> &str {
        &self.0.1
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            Place::Text(position) => write!(f, "{position}: ")?,
            Place::Field(path) if !path.is_empty() => write!(f, "{path}: ")?,
            Place::Field(_) => {}
        }
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {}

/// Why an evaluation has no result. Copied freely: `&&` and `||` absorb most errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluationError {
    /// The budget is spent. Nothing absorbs this error.
    Cost,
    /// An attribute could not be read.
    Unavailable(Position),
    /// The program failed.
    Failed {
        /// Position of the failed part.
        position: Position,
        /// Description, such as `no such key`.
        reason: &'static str,
    },
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cost => f.write_str("the evaluation exceeds its budget"),
            Self::Unavailable(position) => write!(f, "{position}: the attribute is not available"),
            Self::Failed { position, reason } => write!(f, "{position}: {reason}"),
        }
    }
}

impl std::error::Error for EvaluationError {}

/// Why a function failed. The caller adds the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The budget is spent.
    Cost,
    /// The function has no result.
    Failed(&'static str),
}

impl Failure {
    pub(crate) const NO_SUCH_KEY: Self = Self::Failed("no such key");
    pub(crate) const NO_SUCH_OVERLOAD: Self = Self::Failed("no such overload");
    pub(crate) const OVERFLOW: Self = Self::Failed("overflow");
    pub(crate) const OUT_OF_RANGE: Self = Self::Failed("index out of range");
    pub(crate) const NOT_UTF8: Self = Self::Failed("the text is not UTF-8");
    pub(crate) const CONVERSION: Self = Self::Failed("the value cannot be converted");

    pub(crate) fn at(self, position: Position) -> EvaluationError {
        match self {
            Self::Cost => EvaluationError::Cost,
            Self::Failed(reason) => EvaluationError::Failed { position, reason },
        }
    }
}
