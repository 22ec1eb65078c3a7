//! Arithmetic and comparison of numbers.

use crate::Value;
use crate::error::Failure;
use core::cmp::Ordering;

const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 18_446_744_073_709_551_616.0;

/// An operator of arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// Calculates with two numbers of the same type.
#[inline(never)]
pub(crate) fn calculate(operator: Operator, a: &Value, b: &Value) -> Result<Value, Failure> {
    use Operator::{Add, Divide, Multiply, Remainder, Subtract};
    let division_by_zero = matches!((b, operator), (Value::Int(0) | Value::Uint(0), Divide | Remainder));
    if division_by_zero && a.type_of() == b.type_of() {
        return Err(Failure::Failed("division by zero"));
    }
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => match operator {
            Add => a.checked_add(*b),
            Subtract => a.checked_sub(*b),
            Multiply => a.checked_mul(*b),
            Divide => a.checked_div(*b),
            Remainder => a.checked_rem(*b),
        }
        .map(Value::Int)
        .ok_or(Failure::OVERFLOW),
        (Value::Uint(a), Value::Uint(b)) => match operator {
            Add => a.checked_add(*b),
            Subtract => a.checked_sub(*b),
            Multiply => a.checked_mul(*b),
            Divide => a.checked_div(*b),
            Remainder => a.checked_rem(*b),
        }
        .map(Value::Uint)
        .ok_or(Failure::OVERFLOW),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(match operator {
            Add => a + b,
            Subtract => a - b,
            Multiply => a * b,
            Divide => a / b,
            Remainder => return Err(Failure::NO_SUCH_OVERLOAD),
        })),
        _ => Err(Failure::NO_SUCH_OVERLOAD),
    }
}

/// Compares two numbers exactly. `None` for a value that is not a number.
#[inline(never)]
pub(crate) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Double(a), _) => Some(compare_double(integer(b)?, *a)?.reverse()),
        (_, Value::Double(b)) => compare_double(integer(a)?, *b),
        _ => Some(integer(a)?.cmp(&integer(b)?)),
    }
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::Uint(value) => Some(i128::from(*value)),
        _ => None,
    }
}

/// Compares an integer of at most 64 bits with a double.
fn compare_double(integer: i128, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    if double >= TWO_64 {
        return Some(Ordering::Less);
    }
    if double < -TWO_63 {
        return Some(Ordering::Greater);
    }
    let whole = if double < 0.0 { i128::from(double as i64) } else { i128::from(double as u64) };
    // `double` without its fraction is `whole`.
    Some(integer.cmp(&whole).then_with(|| 0.0_f64.total_cmp(&(double - double.trunc() + 0.0))))
}

/// Returns a double as `int` or `uint`, if it is a whole number in their range.
pub(crate) fn whole(double: f64) -> Option<Value> {
    if double.trunc() != double {
        return None;
    }
    to_int(double).map(Value::Int).or_else(|| to_uint(double).map(Value::Uint))
}

/// Returns a double without its fraction, if it is in the range of `int`.
pub(crate) fn to_int(double: f64) -> Option<i64> {
    (-TWO_63..TWO_63).contains(&double).then_some(double as i64)
}

/// Returns a double without its fraction, if it is in the range of `uint`.
pub(crate) fn to_uint(double: f64) -> Option<u64> {
    (double > -1.0 && double < TWO_64).then_some(double as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Value::{Double, Int, Uint};

    #[test]
    fn compares_numbers_of_different_types_exactly() {
        for (a, b, expected) in [
            (Int(1), Uint(1), Some(Ordering::Equal)),
            (Int(-1), Uint(u64::MAX), Some(Ordering::Less)),
            (Uint(u64::MAX), Double(TWO_64), Some(Ordering::Less)),
            (Uint(u64::MAX), Int(i64::MAX), Some(Ordering::Greater)),
            (Int(i64::MAX), Double(TWO_63), Some(Ordering::Less)),
            (Int(i64::MIN), Double(-TWO_63), Some(Ordering::Equal)),
            (Int(i64::MIN), Double(-TWO_63 * 1.5), Some(Ordering::Greater)),
            (Int(1), Double(1.5), Some(Ordering::Less)),
            (Int(-1), Double(-1.5), Some(Ordering::Greater)),
            (Int(0), Double(-0.0), Some(Ordering::Equal)),
            (Int(0), Double(-0.5), Some(Ordering::Greater)),
            (Int(0), Double(f64::NAN), None),
            (Int(9_007_199_254_740_993), Double(9_007_199_254_740_992.0), Some(Ordering::Greater)),
            (Uint(3), Double(f64::INFINITY), Some(Ordering::Less)),
            (Uint(3), Double(f64::NEG_INFINITY), Some(Ordering::Greater)),
        ] {
            assert_eq!(compare(&a, &b), expected, "{a:?} {b:?}");
            assert_eq!(compare(&b, &a), expected.map(Ordering::reverse), "{b:?} {a:?}");
        }
    }

    #[test]
    fn converts_doubles_in_range() {
        assert_eq!(
            (to_int(1.9), to_int(-1.9), to_int(TWO_63), to_int(f64::NAN)),
            (Some(1), Some(-1), None, None)
        );
        assert_eq!((to_int(-TWO_63), to_uint(-0.9), to_uint(-1.0)), (Some(i64::MIN), Some(0), None));
        assert_eq!((to_uint(TWO_64), to_uint(f64::INFINITY)), (None, None));
        assert_eq!((whole(2.0), whole(2.5), whole(TWO_63)), (Some(Int(2)), None, Some(Uint(1 << 63))));
    }
}
