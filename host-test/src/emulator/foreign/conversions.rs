//! Conversions in which Envoy's CEL differs from this interpreter: see cel-cpp,
//! `runtime/standard/type_conversion_functions.cc` and `time_functions.cc`.
//!
//! A call of `string`, `int` or `getMilliseconds` gets one of these functions around its argument. It
//! converts the values that differ into a form that the original call returns unchanged.

use cel::common::ast::{CallExpr, Expr};
use cel::parser::Expression;
use cel::{Context, DeclarationError, Value};

const TO_TEXT: &str = "envoy_text";
const TO_NUMBER: &str = "envoy_number";
const MILLISECONDS: &str = "envoy_milliseconds";

/// Declares the functions that [`wrap`] inserts.
pub fn declare(context: &mut Context<'_, '_>) -> Result<(), DeclarationError> {
    context.add_function(TO_TEXT, text)?;
    context.add_function(TO_NUMBER, number)?;
    context.add_function(MILLISECONDS, milliseconds)
}

/// Inserts a conversion into a call that needs one.
pub fn wrap(call: &mut CallExpr) {
    let unary = call.target.is_none() && call.args.len() == 1;
    let own = match call.func_name.as_str() {
        "string" if unary => TO_TEXT,
        "int" if unary => TO_NUMBER,
        "getMilliseconds" if call.target.is_some() && call.args.is_empty() => {
            call.args.extend(call.target.take().map(|target| *target));
            MILLISECONDS.clone_into(&mut call.func_name);
            return;
        }
        _ => return,
    };
    for arg in &mut call.args {
        let id = arg.id;
        let inner = std::mem::take(arg);
        *arg = Expression {
            id,
            expr: Expr::Call(CallExpr { target: None, func_name: own.to_owned(), args: vec![inner] }),
        };
    }
}

fn text(value: Value) -> Value {
    match value {
        Value::Float(number) => double(number).into(),
        Value::Duration(time) => {
            let nanos = time.subsec_nanos();
            let sign = if time.num_seconds() < 0 || nanos < 0 { "-" } else { "" };
            format!("{sign}{}{}s", time.num_seconds().abs(), fraction(nanos.unsigned_abs())).into()
        }
        Value::Timestamp(time) => {
            let fraction = fraction(time.timestamp_subsec_nanos());
            format!("{}{fraction}Z", time.to_utc().format("%Y-%m-%dT%H:%M:%S")).into()
        }
        other => other,
    }
}

fn number(value: Value) -> Value {
    match value {
        Value::Bool(bit) => i64::from(bit).into(),
        other => other,
    }
}

/// Returns the millisecond part of a time or duration.
fn milliseconds(value: Value) -> Result<i64, cel::ExecutionError> {
    match value {
        Value::Duration(time) => Ok(time.num_milliseconds() % 1000),
        Value::Timestamp(time) => Ok(i64::from(time.timestamp_subsec_millis())),
        _ => Err(cel::ExecutionError::function_error("getMilliseconds", "neither a time nor a duration")),
    }
}

/// Formats a fraction with three, six or nine digits, or as nothing if it is zero.
fn fraction(nanos: u32) -> String {
    match nanos {
        0 => String::new(),
        n if n % 1_000_000 == 0 => format!(".{:03}", n / 1_000_000),
        n if n % 1_000 == 0 => format!(".{:06}", n / 1_000),
        n => format!(".{n:09}"),
    }
}

/// Formats a number with as few digits as identify it, and with an exponent from a million up and below a
/// ten-thousandth.
fn double(number: f64) -> String {
    if number.is_nan() {
        return "-nan(ind)".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.into();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number == 0.0 || (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_cel_cpp_writes_them() {
        let table = [
            (1.5, "1.5"),
            (2.0, "2"),
            (-0.0, "-0"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (123_456_789.0, "1.23456789e+08"),
            (0.0001, "0.0001"),
            (1e-5, "1e-05"),
            (1e100, "1e+100"),
            (f64::INFINITY, "inf"),
        ];
        for (number, expected) in table {
            assert_eq!(double(number), expected);
        }
    }

    #[test]
    fn fractions_have_three_six_or_nine_digits() {
        assert_eq!([0, 500_000_000, 1_000, 1].map(fraction), ["", ".500", ".000001", ".000000001"]);
    }
}
