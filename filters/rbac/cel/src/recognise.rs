//! Comprehensions of parsed expressions: the expansions of the standard macros.

use crate::syntax::{Expr, Kind, Macro};
use crate::{Error, Position, Value};

/// Name of the accumulator. Not an identifier, so that no text can refer to it.
pub(crate) const ACCUMULATOR: &str = "@result";
/// Name of the function that stops the loops of `all` and `exists`. Not an identifier, either.
pub(crate) const NOT_STRICTLY_FALSE: &str = "@not_strictly_false";

/// A comprehension.
pub(crate) struct Comprehension<'n> {
    pub(crate) variable: &'n str,
    pub(crate) range: Expr,
    pub(crate) init: Expr,
    pub(crate) condition: Expr,
    pub(crate) step: Expr,
    pub(crate) result: Expr,
}

/// Returns the macro whose expansion a comprehension is.
pub(crate) fn macro_of(comprehension: Comprehension<'_>) -> Result<Expr, Error> {
    let Comprehension { variable, range, init, condition, step, result } = comprehension;
    let counts = matches!(&result.kind, Kind::Call { function, arguments, .. }
        if **function == *"_==_" && matches!(arguments.as_slice(), [a, b] if is_accumulator(a) && is_int(b, 1)));
    let found = if is_accumulator(&result) {
        match init.kind {
            Kind::Literal(Value::Bool(all)) if stops(&condition, all) => logical(all, step),
            Kind::List(elements) if elements.is_empty() && is_true(&condition) => list(variable, step),
            _ => None,
        }
    } else if counts && is_int(&init, 0) && (is_true(&condition) || is_at_most_one(&condition)) {
        counter(step)
    } else {
        None
    };
    match found {
        Some((kind, mut operands)) => {
            operands.insert(0, range);
            Expr::new(Position::START, Kind::Macro { kind, variable: variable.into(), operands })
        }
        None => Err(Error::field(&["unsupported comprehension, expected one of a standard macro"])),
    }
}

fn is_accumulator(expr: &Expr) -> bool {
    matches!(&expr.kind, Kind::Name { name, .. } if **name == *ACCUMULATOR)
}

fn is_true(expr: &Expr) -> bool {
    matches!(expr.kind, Kind::Literal(Value::Bool(true)))
}

fn is_int(expr: &Expr, value: i64) -> bool {
    matches!(expr.kind, Kind::Literal(Value::Int(other)) if other == value)
}

/// Older parsers stop `exists_one` at the second match.
fn is_at_most_one(expr: &Expr) -> bool {
    matches!(&expr.kind, Kind::Call { function, arguments, .. }
        if **function == *"_<=_" && matches!(arguments.as_slice(), [a, b] if is_accumulator(a) && is_int(b, 1)))
}

/// Returns whether a loop continues while the accumulator of `all` is true, or that of `exists` is false.
fn stops(condition: &Expr, all: bool) -> bool {
    let argument = match &condition.kind {
        Kind::Literal(Value::Bool(true)) => return true,
        Kind::Call { function, arguments, .. } if **function == *NOT_STRICTLY_FALSE => arguments.as_slice(),
        _ => return false,
    };
    match argument {
        [argument] if all => is_accumulator(argument),
        [Expr { kind: Kind::Call { function, arguments, .. }, .. }] => {
            **function == *"!_" && matches!(arguments.as_slice(), [argument] if is_accumulator(argument))
        }
        _ => false,
    }
}

/// Recognises `@result && condition` and `@result || condition`.
fn logical(all: bool, step: Expr) -> Option<(Macro, Vec<Expr>)> {
    let mut operands = match step.kind {
        Kind::All(operands) if all => operands,
        Kind::Any(operands) if !all => operands,
        _ => return None,
    };
    if !is_accumulator(operands.first()?) {
        return None;
    }
    operands.remove(0);
    let condition = match operands.len() {
        1 => operands.pop()?,
        _ => Expr::new(Position::START, if all { Kind::All(operands) } else { Kind::Any(operands) }).ok()?,
    };
    Some((if all { Macro::All } else { Macro::Exists }, vec![condition]))
}

/// Recognises `condition ? @result + 1 : @result`.
fn counter(step: Expr) -> Option<(Macro, Vec<Expr>)> {
    let Kind::If(operands) = step.kind else { return None };
    let [condition, then, otherwise] = *operands;
    let one = added(then).filter(|added| is_int(added, 1) && is_accumulator(&otherwise));
    one.map(|_| (Macro::ExistsOne, vec![condition]))
}

/// Recognises `@result + [element]`, alone or as `condition ? @result + [element] : @result`.
fn list(variable: &str, step: Expr) -> Option<(Macro, Vec<Expr>)> {
    let (condition, step) = match step.kind {
        Kind::If(operands) => {
            let [condition, then, otherwise] = *operands;
            (Some(condition), is_accumulator(&otherwise).then_some(then)?)
        }
        _ => (None, step),
    };
    let Kind::List(mut elements) = added(step)?.kind else { return None };
    let element = elements.pop().filter(|_| elements.is_empty())?;
    let same = matches!(&element.kind, Kind::Name { name, absolute: false } if **name == *variable);
    Some(match condition {
        None => (Macro::Map, vec![element]),
        Some(condition) if same => (Macro::Filter, vec![condition]),
        Some(condition) => (Macro::Map, vec![condition, element]),
    })
}

/// Returns the operand that is added to the accumulator.
fn added(expr: Expr) -> Option<Expr> {
    let Kind::Call { function, mut arguments, .. } = expr.kind else { return None };
    let added = arguments.pop()?;
    let valid = *function == *"_+_" && matches!(arguments.as_slice(), [first] if is_accumulator(first));
    valid.then_some(added)
}
