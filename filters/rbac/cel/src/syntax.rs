//! The tree of a parsed program.

use crate::{Error, Position, Value};

/// Maximum depth of a program. Parsing, checks and evaluation are recursive, and the stack of a Wasm module
/// is small.
pub const MAX_DEPTH: u16 = 100;

/// An expression.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) position: Position,
    depth: u16,
    pub(crate) kind: Kind,
}

/// Positions do not count.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// A kind of expression.
#[derive(Debug, PartialEq)]
pub(crate) enum Kind {
    /// Null, a boolean, a number, a text or bytes.
    Literal(Value),
    /// An identifier. An absolute one begins with a point, and is never a variable of a macro.
    Name { name: Box<str>, absolute: bool },
    /// `operand.field`.
    Select(Box<Expr>, Box<str>),
    /// `has(operand.field)`.
    Has(Box<Expr>, Box<str>),
    /// `function(arguments)`, an operator such as `_+_`, or `first.function(others)`.
    Call { function: Box<str>, method: bool, arguments: Vec<Expr> },
    /// Conjunction.
    All(Vec<Expr>),
    /// Disjunction.
    Any(Vec<Expr>),
    /// `condition ? then : otherwise`.
    If(Box<[Expr; 3]>),
    /// A list.
    List(Vec<Expr>),
    /// A map.
    Map(Vec<(Expr, Expr)>),
    /// A macro with a range, a variable, and one or two bodies. `operands` begins with the range.
    Macro { kind: Macro, variable: Box<str>, operands: Vec<Expr> },
}

/// A macro that evaluates its last operands for each element of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Macro {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

/// Names of the macros, with their numbers of arguments.
pub(crate) const MACROS: [(&str, Macro, usize); 7] = [
    ("all", Macro::All, 2),
    ("exists", Macro::Exists, 2),
    ("exists_one", Macro::ExistsOne, 2),
    ("existsOne", Macro::ExistsOne, 2),
    ("map", Macro::Map, 2),
    ("map", Macro::Map, 3),
    ("filter", Macro::Filter, 2),
];

impl Expr {
    /// Builds an expression. Returns an error if it is nested too deeply.
    pub(crate) fn new(position: Position, kind: Kind) -> Result<Self, Error> {
        let deepest = |each: &[Self]| each.iter().map(|expr| expr.depth).max().unwrap_or(0);
        let below = match &kind {
            Kind::Literal(_) | Kind::Name { .. } => 0,
            Kind::Select(operand, _) | Kind::Has(operand, _) => operand.depth,
            Kind::Call { arguments: each, .. }
            | Kind::All(each)
            | Kind::Any(each)
            | Kind::List(each)
            | Kind::Macro { operands: each, .. } => deepest(each),
            Kind::If(each) => deepest(&**each),
            Kind::Map(entries) => {
                entries.iter().map(|(key, value)| key.depth.max(value.depth)).max().unwrap_or(0)
            }
        };
        if below >= MAX_DEPTH {
            return Err(too_deep(position));
        }
        Ok(Self { position, depth: below + 1, kind })
    }

    /// Builds a conjunction or a disjunction, and merges operands that are the same.
    pub(crate) fn logical(all: bool, position: Position, left: Self, right: Self) -> Result<Self, Error> {
        let operands = |expr: Self| match expr.kind {
            Kind::All(inner) if all => inner,
            Kind::Any(inner) if !all => inner,
            _ => vec![expr],
        };
        let mut operands_of_both = operands(left);
        operands_of_both.extend(operands(right));
        let operands = operands_of_both;
        Self::new(position, if all { Kind::All(operands) } else { Kind::Any(operands) })
    }

    /// Builds a call.
    pub(crate) fn call(
        position: Position,
        function: &str,
        method: bool,
        arguments: Vec<Self>,
    ) -> Result<Self, Error> {
        Self::new(position, Kind::Call { function: function.into(), method, arguments })
    }
}

pub(crate) fn too_deep(position: Position) -> Error {
    Error::at(position, &["the expression is nested more than ", &MAX_DEPTH.to_string(), " levels deep"])
}

/// Binary operators, with their names as functions and their precedence. All associate to the left.
pub(crate) const BINARY: [(&str, &str, u8); 12] = [
    ("==", "_==_", 3),
    ("!=", "_!=_", 3),
    ("<=", "_<=_", 3),
    (">=", "_>=_", 3),
    ("<", "_<_", 3),
    (">", "_>_", 3),
    ("in", "@in", 3),
    ("+", "_+_", 4),
    ("-", "_-_", 4),
    ("*", "_*_", 5),
    ("/", "_/_", 5),
    ("%", "_%_", 5),
];

/// Name of the operator `[]`.
pub(crate) const INDEX: &str = "_[_]";
/// Name of the operator `!`.
pub(crate) const NOT: &str = "!_";
/// Name of the unary operator `-`.
pub(crate) const NEGATE: &str = "-_";

/// Precedence of expressions, beside that of [`BINARY`].
pub(crate) mod precedence {
    pub(crate) const IF: u8 = 0;
    pub(crate) const ANY: u8 = 1;
    pub(crate) const ALL: u8 = 2;
    pub(crate) const UNARY: u8 = 6;
    pub(crate) const MEMBER: u8 = 7;
}
