//! Writes JSON.

use super::Json;
use core::fmt;

/// Writes compact JSON in ASCII, members in their order. Numbers are exact, without zeros at the end of a
/// fraction, and without an exponent unless they are very large or small.
impl fmt::Display for Json {
    // The parser has limited the nesting, which limits this recursion.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => f.write_str(if *truth { "true" } else { "false" }),
            Self::Number(number) => f.write_str(&number.to_string()),
            Self::Decimal(_, literal) => f.write_str(&decimal(literal)),
            Self::String(text) => string(text, f),
            Self::Array(elements) => {
                f.write_str("[")?;
                for (index, element) in elements.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    element.fmt(f)?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (name, member)) in members.iter().enumerate() {
                    f.write_str(if index > 0 { "," } else { "" })?;
                    string(name, f)?;
                    f.write_str(":")?;
                    member.fmt(f)?;
                }
                f.write_str("}")
            }
        }
    }
}

fn string(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for unit in text.encode_utf16() {
        match char::from_u32(unit.into()) {
            Some('"') => f.write_str("\\\"")?,
            Some('\\') => f.write_str("\\\\")?,
            Some(plain @ ' '..='~') => fmt::Write::write_char(f, plain)?,
            _ => write!(f, "\\u{unit:04x}")?,
        }
    }
    f.write_str("\"")
}

/// Writes a number in the form in which equal numbers have equal texts, except that zero may have a sign. A
/// number with an exponent keeps it if it would become longer than 21 digits.
pub fn decimal(literal: &str) -> String {
    let (sign, number) = literal.strip_prefix('-').map_or(("", literal), |number| ("-", number));
    let parts = number.split_once(['e', 'E']);
    let (digits, exponent) = parts.unwrap_or((number, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = [whole, fraction].concat();
    let significant = all.trim_start_matches('0');
    let zeros = all.len() - significant.len();
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return [sign, "0"].concat();
    }
    // Parsing fails only for an exponent that is beyond these.
    let huge = if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 };
    let exponent: i64 = exponent.parse().unwrap_or(huge);
    let length = |text: usize| i64::try_from(text).unwrap_or(i64::MAX / 4);
    // Number of digits before the point; if negative, number of zeros between the point and the digits.
    let point = exponent.saturating_add(length(whole.len())).saturating_sub(length(zeros));
    if parts.is_some() && !(-6..=21).contains(&point) {
        let (first, rest) = significant.split_at_checked(1).unwrap_or((significant, ""));
        let dot = if rest.is_empty() { "" } else { "." };
        let exponent = point.saturating_sub(1);
        let plus = if exponent < 0 { "" } else { "+" };
        return [sign, first, dot, rest, "e", plus, &exponent.to_string()].concat();
    }
    let repeated = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
    match usize::try_from(point).unwrap_or_default() {
        0 => [sign, "0.", &repeated(point.saturating_neg()), significant].concat(),
        point => match significant.split_at_checked(point) {
            Some((_, "")) | None => {
                [sign, significant, &repeated(length(point) - length(significant.len()))].concat()
            }
            Some((whole, fraction)) => [sign, whole, ".", fraction].concat(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_numbers_have_equal_texts() {
        for (literals, expected) in [
            (
                &["18446744073709551616", "18446744073709551616.0", "1.8446744073709551616e19"][..],
                "18446744073709551616",
            ),
            (
                &["18446744073709551617", "18446744073709551617e0", "184467440737095516170E-1"],
                "18446744073709551617",
            ),
            (&["1000000000000000000000000000000000000001"], "1000000000000000000000000000000000000001"),
            (&["-170141183460469231731687303715884105729"], "-170141183460469231731687303715884105729"),
            (&["1.0", "1e0", "10e-1", "0.1e1", "1.000"], "1"),
            (&["1e3", "1000.0", "1E+3"], "1000"),
            (&["0.1", "1e-1", "0.10"], "0.1"),
            (&["0.0000001", "1e-7"], "0.0000001"),
            (&["1.50", "15e-1"], "1.5"),
            (&["0.0", "0e5", "0.000e-9"], "0"),
            (&["-0", "-0.0"], "-0"),
            (&["1e-8", "0.1e-7"], "1e-8"),
            (&["0.00000001"], "0.00000001"),
            (&["1e20", "100000000000000000000"], "100000000000000000000"),
            (&["1e21", "10e20"], "1e+21"),
            (&["-1.25e300", "-12.5E+299"], "-1.25e+300"),
            (&["1e-99999999999999999999"], "1e-2305843009213693952"),
        ] {
            for literal in literals {
                assert_eq!(decimal(literal), expected, "{literal}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_text_reads_back_as_the_same_number(literal in "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?") {
            let text = decimal(&literal);
            prop_assert_eq!(text.parse::<f64>().unwrap(), literal.parse::<f64>().unwrap(), "{} {}", literal, text);
            prop_assert!(text.len() <= literal.len() + 30);
            prop_assert_eq!(&decimal(&text), &text);
        }

        #[test]
        fn json_reads_back(value in "[\\[\\]{}\":,0-9a-f.\\\\ -]{0,30}") {
            if let Some(json) = Json::parse(value.as_bytes()) {
                let text = json.to_string();
                let again = Json::parse(text.as_bytes()).unwrap();
                prop_assert_eq!(again.to_string(), text);
            }
        }
    }
}
