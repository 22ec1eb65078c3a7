//! Text of an expression.

use crate::Value;
use crate::lexer::is_identifier;
use crate::literal::format_double;
use crate::syntax::{BINARY, Expr, INDEX, Kind, MACROS, NEGATE, NOT, precedence};

/// Returns the text of an expression. The parser reads it as the same expression, if its names are valid.
pub(crate) fn print(expr: &Expr) -> String {
    let mut out = String::new();
    push(&mut out, expr, precedence::IF);
    out
}

/// Appends an expression, in parentheses if its precedence is too low.
fn push(out: &mut String, expr: &Expr, minimum: u8) {
    let own = own_precedence(expr);
    if own < minimum {
        out.push('(');
        push_kind(out, &expr.kind, own);
        out.push(')');
    } else {
        push_kind(out, &expr.kind, own);
    }
}

fn own_precedence(expr: &Expr) -> u8 {
    match &expr.kind {
        Kind::If(_) => precedence::IF,
        Kind::Any(_) => precedence::ANY,
        Kind::All(_) => precedence::ALL,
        Kind::Call { function, method: false, .. } => {
            match BINARY.iter().find(|(_, name, _)| **name == **function) {
                Some((_, _, own)) => *own,
                None if matches!(&**function, NOT | NEGATE) => precedence::UNARY,
                None => precedence::MEMBER,
            }
        }
        Kind::Literal(Value::Int(value)) if *value < 0 => precedence::UNARY,
        Kind::Literal(Value::Double(value)) if value.is_sign_negative() => precedence::UNARY,
        _ => precedence::MEMBER,
    }
}

fn push_kind(out: &mut String, kind: &Kind, own: u8) {
    match kind {
        Kind::Literal(value) => push_literal(out, value),
        Kind::Name { name, absolute } => {
            out.push_str(if *absolute { "." } else { "" });
            out.push_str(name);
        }
        Kind::Select(operand, field) => push_field(out, operand, field),
        Kind::Has(operand, field) => {
            out.push_str("has(");
            push_field(out, operand, field);
            out.push(')');
        }
        Kind::Call { function, method, arguments } => push_call(out, function, *method, arguments, own),
        Kind::All(operands) => push_list(out, operands, " && ", own + 1),
        Kind::Any(operands) => push_list(out, operands, " || ", own + 1),
        Kind::If(operands) => {
            let [condition, then, otherwise] = &**operands;
            push(out, condition, precedence::ANY);
            out.push_str(" ? ");
            push(out, then, precedence::ANY);
            out.push_str(" : ");
            push(out, otherwise, precedence::IF);
        }
        Kind::List(elements) => {
            out.push('[');
            push_list(out, elements, ", ", precedence::IF);
            out.push(']');
        }
        Kind::Map(entries) => {
            out.push('{');
            let mut separator = "";
            for (key, value) in entries {
                out.push_str(separator);
                push(out, key, precedence::IF);
                out.push_str(": ");
                push(out, value, precedence::IF);
                separator = ", ";
            }
            out.push('}');
        }
        Kind::Macro { kind, variable, operands } => {
            let name = MACROS.iter().find(|(_, other, _)| other == kind).map_or("", |(name, _, _)| name);
            if let [range, bodies @ ..] = &**operands {
                push(out, range, precedence::MEMBER);
                for part in [".", name, "(", variable, ", "] {
                    out.push_str(part);
                }
                push_list(out, bodies, ", ", precedence::IF);
                out.push(')');
            }
        }
    }
}

fn push_call(out: &mut String, function: &str, method: bool, arguments: &[Expr], own: u8) {
    match arguments {
        [receiver, arguments @ ..] if method => {
            push(out, receiver, precedence::MEMBER);
            for part in [".", function, "("] {
                out.push_str(part);
            }
            push_list(out, arguments, ", ", precedence::IF);
            out.push(')');
        }
        [operand] if matches!(function, NOT | NEGATE) => {
            let symbol = if function == NOT { "!" } else { "-" };
            out.push_str(symbol);
            let start = out.len();
            let same = matches!(&operand.kind, Kind::Call { function: inner, method: false, .. } if **inner == *function);
            push(out, operand, if same { precedence::UNARY } else { precedence::MEMBER });
            // A minus sign before digits would be part of the number.
            if function == NEGATE && out.as_bytes().get(start).is_some_and(u8::is_ascii_digit) {
                out.insert(start, '(');
                out.push(')');
            }
        }
        [container, index] if function == INDEX => {
            push(out, container, precedence::MEMBER);
            out.push('[');
            push(out, index, precedence::IF);
            out.push(']');
        }
        _ => match (BINARY.iter().find(|(_, name, _)| *name == function), arguments) {
            (Some((symbol, _, _)), [left, right]) => {
                push(out, left, own);
                for part in [" ", symbol, " "] {
                    out.push_str(part);
                }
                push(out, right, own + 1);
            }
            _ => {
                out.push_str(function);
                out.push('(');
                push_list(out, arguments, ", ", precedence::IF);
                out.push(')');
            }
        },
    }
}

fn push_field(out: &mut String, operand: &Expr, field: &str) {
    push(out, operand, precedence::MEMBER);
    let plain = is_identifier(field) && !matches!(field, "in" | "true" | "false" | "null");
    let quote = if plain { "" } else { "`" };
    for part in [".", quote, field, quote] {
        out.push_str(part);
    }
}

fn push_list(out: &mut String, list: &[Expr], separator: &str, minimum: u8) {
    let mut before = "";
    for expr in list {
        out.push_str(before);
        push(out, expr, minimum);
        before = separator;
    }
}

fn push_literal(out: &mut String, value: &Value) {
    match value {
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Uint(value) => {
            out.push_str(&value.to_string());
            out.push('u');
        }
        Value::Double(value) => {
            let text = format_double(*value);
            let whole = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-'));
            out.push_str(&text);
            out.push_str(if whole { ".0" } else { "" });
        }
        Value::String(text) => push_quoted(out, text, false),
        Value::Bytes(bytes) => push_quoted(out, bytes, true),
        // No other value is a literal.
        _ => out.push_str("null"),
    }
}

fn push_quoted(out: &mut String, bytes: &[u8], raw_bytes: bool) {
    const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";
    out.push_str(if raw_bytes { "b\"" } else { "\"" });
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                _ => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str("\\x");
            for digit in [byte >> 4, byte & 15] {
                out.push(HEXADECIMAL.get(usize::from(digit)).map_or('0', |digit| char::from(*digit)));
            }
        }
    }
    out.push('"');
}
