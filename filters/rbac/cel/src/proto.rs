//! Parsed expressions: `google.api.expr.v1alpha1.Expr` in JSON.

use crate::lexer::{is_identifier, is_quotable};
use crate::parser::is_reserved;
use crate::recognise::{self, ACCUMULATOR, Comprehension};
use crate::syntax::{BINARY, Expr, INDEX, Kind, MAX_DEPTH, NEGATE, NOT, too_deep};
use crate::{Error, Position, Value, literal};
use serde_json::Value as Json;

type Result<T> = core::result::Result<T, Error>;

const HERE: Position = Position::START;
const KINDS: [&str; 8] = [
    "id",
    "const_expr",
    "ident_expr",
    "select_expr",
    "call_expr",
    "list_expr",
    "struct_expr",
    "comprehension_expr",
];
const CONSTANTS: [&str; 9] = [
    "null_value",
    "bool_value",
    "int64_value",
    "uint64_value",
    "double_value",
    "string_value",
    "bytes_value",
    "duration_value",
    "timestamp_value",
];

/// Reads an expression.
pub(crate) fn read(json: &Json) -> Result<Expr> {
    expr(json, 0)
}

fn expr(json: &Json, depth: u16) -> Result<Expr> {
    if depth >= MAX_DEPTH {
        return Err(too_deep(HERE));
    }
    let depth = depth + 1;
    let [_, kinds @ ..] = fields(json, KINDS)?;
    let (index, field) = only(&kinds, "the kind of the expression")?;
    let read = match index {
        0 => constant(field.json),
        1 => ident(field.json),
        2 => select(field.json, depth),
        3 => call(field.json, depth),
        4 => list(field.json, depth),
        5 => map(field.json, depth),
        _ => comprehension(field.json, depth),
    };
    read.map_err(|error| error.within(field.name))
}

fn literal(value: Value) -> Result<Expr> {
    Expr::new(HERE, Kind::Literal(value))
}

/// Returns the call of a function with a text.
fn convert(function: &str, text: &str) -> Result<Expr> {
    Expr::call(HERE, function, false, vec![literal(Value::from(text))?])
}

fn constant(json: &Json) -> Result<Expr> {
    // `null` is a value here, and no value in other fields.
    if let Json::Object(members) = json
        && let Some((name, Json::Null | Json::String(_))) = members.iter().next()
        && members.len() == 1
        && same_name(name, "null_value")
    {
        return literal(Value::Null);
    }
    let (index, field) = only(&fields(json, CONSTANTS)?, "the value")?;
    let json = field.json;
    let read = || match (index, json) {
        (1, Json::Bool(value)) => literal(Value::Bool(*value)),
        (2, Json::Number(number)) => {
            number.as_i64().map_or(Err(invalid(json, "int64")), |value| literal(value.into()))
        }
        (2, Json::String(text)) => {
            text.parse::<i64>().map_or(Err(invalid(json, "int64")), |value| literal(value.into()))
        }
        (3, Json::Number(number)) => {
            number.as_u64().map_or(Err(invalid(json, "uint64")), |value| literal(Value::Uint(value)))
        }
        (3, Json::String(text)) => {
            text.parse().map_or(Err(invalid(json, "uint64")), |value| literal(Value::Uint(value)))
        }
        (4, Json::Number(number)) => {
            number.as_f64().map_or(Err(invalid(json, "double")), |value| literal(Value::Double(value)))
        }
        (4, Json::String(text)) => match literal::signed_double(text) {
            Some(value) if value.is_finite() => literal(Value::Double(value)),
            Some(_) => convert("double", text),
            None => Err(invalid(json, "double")),
        },
        (5, Json::String(text)) => literal(Value::from(text.as_str())),
        (6, Json::String(text)) => {
            let bytes = literal::base64(text).ok_or_else(|| invalid(json, "base64"))?;
            literal(Value::Bytes(bytes.into()))
        }
        (7, Json::String(text)) => convert("duration", text),
        (8, Json::String(text)) => convert("timestamp", text),
        _ => Err(invalid(json, CONSTANTS.get(index).unwrap_or(&""))),
    };
    read().map_err(|error| error.within(field.name))
}

/// Reads a name, which may contain points.
fn ident(json: &Json) -> Result<Expr> {
    let [name] = fields(json, ["name"])?;
    name.required("name")?.read(|json| identifier(text(json)?))
}

fn identifier(name: &str) -> Result<Expr> {
    if matches!(name, "__result__" | ACCUMULATOR) {
        return Expr::new(HERE, Kind::Name { name: ACCUMULATOR.into(), absolute: false });
    }
    let absolute = name.starts_with('.');
    let mut names = name.strip_prefix('.').unwrap_or(name).split('.');
    let first = variable(names.next().unwrap_or_default())?;
    let mut expr = Expr::new(HERE, Kind::Name { name: first.into(), absolute })?;
    for name in names {
        expr = Expr::new(HERE, Kind::Select(Box::new(expr), field_name(name)?.into()))?;
    }
    Ok(expr)
}

fn variable(name: &str) -> Result<&str> {
    if is_identifier(name) && !is_reserved(name) {
        return Ok(name);
    }
    Err(Error::field(&["`", &name.escape_debug().to_string(), "` is not an identifier"]))
}

fn field_name(name: &str) -> Result<&str> {
    if is_quotable(name) {
        return Ok(name);
    }
    Err(Error::field(&["`", &name.escape_debug().to_string(), "` is not the name of a field"]))
}

fn select(json: &Json, depth: u16) -> Result<Expr> {
    let [operand, field, test_only] = fields(json, ["operand", "field", "test_only"])?;
    let operand = operand.required("operand")?.read(|json| expr(json, depth))?;
    let name = field.required("field")?.read(|json| field_name(text(json)?))?;
    let test_only = match test_only {
        None => false,
        Some(field) => field.read(|json| json.as_bool().ok_or_else(|| invalid(json, "bool")))?,
    };
    let operand = Box::new(operand);
    let name = name.into();
    Expr::new(HERE, if test_only { Kind::Has(operand, name) } else { Kind::Select(operand, name) })
}

fn call(json: &Json, depth: u16) -> Result<Expr> {
    let [target, function, args] = fields(json, ["target", "function", "args"])?;
    let function = function.required("function")?.read(text)?;
    let method = target.is_some();
    let mut arguments = Vec::new();
    if let Some(target) = target {
        arguments.push(target.read(|json| expr(json, depth))?);
    }
    arguments.extend(exprs(args, depth)?);
    let count = arguments.len();
    let function = if matches!(function, "_in_" | "in") { "@in" } else { function };
    let operands = match function {
        "_&&_" | "_||_" => count.max(2),
        "_?_:_" => 3,
        NOT | NEGATE => 1,
        INDEX => 2,
        _ if BINARY.iter().any(|(_, name, _)| *name == function) => 2,
        // Only for comprehensions. The text of any other use is invalid.
        "@not_strictly_false" | "__not_strictly_false__" => {
            return Expr::call(HERE, recognise::NOT_STRICTLY_FALSE, method, arguments);
        }
        _ => {
            let function = variable(function).map_err(|error| error.within("function"))?;
            return Expr::call(HERE, function, method, arguments);
        }
    };
    if method || count != operands {
        let message =
            ["the operator has ", &count.to_string(), " arguments, expected ", &operands.to_string()];
        let message = if method { &["an operator has no target"][..] } else { &message };
        return Err(Error::field(message).within("args"));
    }
    match function {
        "_&&_" | "_||_" => {
            let mut arguments = arguments.into_iter();
            let first = arguments.next().ok_or_else(|| Error::field(&["missing operands"]))?;
            arguments.try_fold(first, |left, right| Expr::logical(function == "_&&_", HERE, left, right))
        }
        "_?_:_" => match <[Expr; 3]>::try_from(arguments) {
            Ok(operands) => Expr::new(HERE, Kind::If(Box::new(operands))),
            Err(_) => Err(Error::field(&["missing operands"])),
        },
        _ => Expr::call(HERE, function, false, arguments),
    }
}

fn map(json: &Json, depth: u16) -> Result<Expr> {
    let [name, entries] = fields(json, ["message_name", "entries"])?;
    if let Some(field) = name {
        field.read(|json| match text(json)? {
            "" => Ok(()),
            name => Err(Error::field(&["messages such as `", name, "` are not supported, expected a map"])),
        })?;
    }
    let mut list = Vec::new();
    if let Some(field) = entries {
        let elements = field.read(array)?;
        for (index, json) in elements.iter().enumerate() {
            let entry = || {
                let [_, key, value] = fields(json, ["id", "map_key", "value"])?;
                let key = key.required("map_key")?.read(|json| expr(json, depth))?;
                let value = value.required("value")?.read(|json| expr(json, depth))?;
                Ok((key, value))
            };
            list.push(entry().map_err(|error| in_element(error, index).within(field.name))?);
        }
    }
    Expr::new(HERE, Kind::Map(list))
}

fn comprehension(json: &Json, depth: u16) -> Result<Expr> {
    let names = ["iter_var", "iter_range", "accu_var", "accu_init", "loop_condition", "loop_step", "result"];
    let [iter_var, iter_range, accu_var, accu_init, loop_condition, loop_step, result] = fields(json, names)?;
    let part = |field: Option<Field<'_>>, name| field.required(name)?.read(|json| expr(json, depth));
    accu_var.required("accu_var")?.read(|json| match text(json)? {
        "__result__" | ACCUMULATOR => Ok(()),
        other => Err(Error::field(&["unknown accumulator `", other, "`, expected that of a standard macro"])),
    })?;
    recognise::macro_of(Comprehension {
        variable: iter_var.required("iter_var")?.read(|json| variable(text(json)?))?,
        range: part(iter_range, "iter_range")?,
        init: part(accu_init, "accu_init")?,
        condition: part(loop_condition, "loop_condition")?,
        step: part(loop_step, "loop_step")?,
        result: part(result, "result")?,
    })
}

fn list(json: &Json, depth: u16) -> Result<Expr> {
    let [elements] = fields(json, ["elements"])?;
    Expr::new(HERE, Kind::List(exprs(elements, depth)?))
}

fn exprs(field: Option<Field<'_>>, depth: u16) -> Result<Vec<Expr>> {
    let mut list = Vec::new();
    if let Some(field) = field {
        for (index, json) in field.read(array)?.iter().enumerate() {
            let read = expr(json, depth).map_err(|error| in_element(error, index).within(field.name));
            list.push(read?);
        }
    }
    Ok(list)
}

fn in_element(error: Error, index: usize) -> Error {
    error.within(&["[", &index.to_string(), "]"].concat())
}

fn text(json: &Json) -> Result<&str> {
    json.as_str().ok_or_else(|| invalid(json, "a string"))
}

fn array(json: &Json) -> Result<&Vec<Json>> {
    json.as_array().ok_or_else(|| invalid(json, "an array"))
}

#[inline(never)]
fn invalid(json: &Json, expected: &str) -> Error {
    Error::field(&["invalid value `", &json.to_string(), "`, expected ", expected])
}

/// A field with the name that the configuration uses.
#[derive(Clone, Copy)]
struct Field<'j> {
    name: &'j str,
    json: &'j Json,
}

impl<'j> Field<'j> {
    fn read<T>(self, read: impl FnOnce(&'j Json) -> Result<T>) -> Result<T> {
        read(self.json).map_err(|error| error.within(self.name))
    }
}

trait Required<'j> {
    fn required(self, name: &str) -> Result<Field<'j>>;
}

impl<'j> Required<'j> for Option<Field<'j>> {
    fn required(self, name: &str) -> Result<Field<'j>> {
        self.ok_or_else(|| Error::field(&["missing field `", name, "`"]))
    }
}

/// Returns the fields of an object, in the order of their names. `null` is a missing field.
fn fields<'j, const N: usize>(json: &'j Json, names: [&str; N]) -> Result<[Option<Field<'j>>; N]> {
    let mut found = [None; N];
    fill(json, &names, &mut found)?;
    Ok(found)
}

#[inline(never)]
fn fill<'j>(json: &'j Json, names: &[&str], found: &mut [Option<Field<'j>>]) -> Result<()> {
    let Json::Object(members) = json else { return Err(invalid(json, "an object")) };
    for (name, json) in members {
        let Some(index) = names.iter().position(|other| same_name(name, other)) else {
            let message = ["unknown field `", name, "`, expected one of `", &names.join("`, `"), "`"];
            return Err(Error::field(&message).within(name));
        };
        if let Some(place) = found.get_mut(index) {
            if place.is_some() {
                return Err(Error::field(&["duplicate field `", name, "`"]).within(name));
            }
            *place = (!json.is_null()).then_some(Field { name, json });
        }
    }
    Ok(())
}

/// Returns whether a name is another name in `snake_case`, or this name in `lowerCamelCase`.
fn same_name(name: &str, snake: &str) -> bool {
    if name == snake {
        return true;
    }
    let mut camel = String::new();
    for (index, word) in snake.split('_').enumerate() {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        camel.push_str(&if index == 0 { first.to_owned() } else { first.to_ascii_uppercase() });
        camel.push_str(rest);
    }
    camel == name
}

/// Returns the only field of a `oneof`.
fn only<'j>(fields: &[Option<Field<'j>>], what: &str) -> Result<(usize, Field<'j>)> {
    let mut given = fields.iter().enumerate().filter_map(|(index, field)| Some((index, (*field)?)));
    match (given.next(), given.next()) {
        (Some(found), None) => Ok(found),
        (None, _) => Err(Error::field(&["missing field for ", what])),
        (Some(_), Some((_, field))) => Err(Error::field(&["a second field for ", what]).within(field.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_both_notations_of_names() {
        assert!(same_name("const_expr", "const_expr") && same_name("constExpr", "const_expr"));
        assert!(same_name("int64Value", "int64_value") && same_name("id", "id"));
        assert!(!same_name("ConstExpr", "const_expr") && !same_name("const", "const_expr"));
    }
}
