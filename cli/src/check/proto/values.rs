//! Scalars in protobuf's JSON form, as protobuf's lenient parser reads them.

use crate::check::Problem;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;
use tollgate_types::ConfigError;

/// Returns the error for a value of the wrong type.
pub fn invalid_type(at: &str, value: &Value, expected: &str) -> Problem {
    Problem::invalid(at, ConfigError::invalid_type(value, expected).message())
}

/// Reads a boolean: `true`, or one of the texts that stand for it.
pub fn flag(at: &str, value: &Value) -> Result<bool, Problem> {
    let word = match value {
        Value::Bool(flag) => return Ok(*flag),
        Value::String(text) => text.to_ascii_lowercase(),
        _ => String::new(),
    };
    match word.as_str() {
        "true" | "t" | "yes" | "y" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "0" => Ok(false),
        _ => Err(invalid_type(at, value, "`true` or `false`")),
    }
}

/// Reads a `uint32`: a whole number, or a text with one.
pub fn number(at: &str, value: &Value) -> Result<u32, Problem> {
    whole(value)
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| invalid_type(at, value, "an integer from 0 to 4294967295"))
}

/// Reads an enumerator: its name in any case, or its number. Returns its name.
pub fn enumerator(at: &str, value: &Value, names: &'static [&'static str]) -> Result<&'static str, Problem> {
    let number = whole(value).and_then(|number| usize::try_from(number).ok());
    let named = |text: &str| names.iter().find(|name| name.eq_ignore_ascii_case(text)).copied();
    let found = match value {
        Value::String(text) => named(text),
        _ => None,
    };
    found.or_else(|| names.get(number?).copied()).ok_or_else(|| {
        Problem::invalid(at, format!("unknown value `{value}`, expected one of `{}`", names.join("`, `")))
    })
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_i64().or_else(|| {
            let double = number.as_f64().filter(|double| double.fract() == 0.0 && double.abs() < 1e15)?;
            Some(double as i64)
        }),
        _ => None,
    }
}

const SECOND: i128 = 1_000_000_000;

/// Checks a duration such as `1.5s`, and that it has at least `least` nanoseconds and at most `most`. Seconds
/// are the only unit in protobuf's JSON.
pub fn duration(at: &str, text: &str, least: i128, most: i128) -> Result<String, Problem> {
    let nanoseconds = nanoseconds(text).ok_or_else(|| {
        Problem::invalid(at, format!("invalid duration `{text}`, expected seconds such as `1.5s`"))
    })?;
    if nanoseconds < least {
        return Err(Problem::invalid(
            at,
            format!("`{text}` is too short, expected at least `{}`", seconds(least)),
        ));
    }
    if nanoseconds > most {
        return Err(Problem::invalid(
            at,
            format!("`{text}` is too long, expected at most `{}`", seconds(most)),
        ));
    }
    Ok(text.into())
}

/// Parses a duration in protobuf's JSON form.
pub fn nanoseconds(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = match digits.strip_suffix('s')?.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits.strip_suffix('s')?, None),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = match fraction {
        Some(text) if is_number(text) && text.len() <= 9 => format!("{text:0<9}").parse::<i128>().ok()?,
        Some(_) => return None,
        None => 0,
    };
    let whole = Some(whole).filter(|text| is_number(text))?.parse::<i128>().ok()?;
    // 10,000 years, as protobuf specifies.
    (whole <= 315_576_000_000).then_some(sign * (whole * SECOND + fraction))
}

fn seconds(nanoseconds: i128) -> String {
    let (whole, fraction) = (nanoseconds / SECOND, nanoseconds % SECOND);
    let fraction = format!("{fraction:09}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{whole}s") } else { format!("{whole}.{fraction}s") }
}

/// Decodes base64: the standard or the URL-safe alphabet or both in one text, with or without padding.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
    if text.contains('=') && !text.len().is_multiple_of(4) {
        return None;
    }
    ENGINE.decode(text.replace('-', "+").replace('_', "/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_durations_of_protobuf() {
        for (text, expected) in [
            ("1s", Some(SECOND)),
            ("1.5s", Some(1_500_000_000)),
            ("0.000000001s", Some(1)),
            ("-1s", Some(-SECOND)),
            ("315576000000s", Some(315_576_000_000 * SECOND)),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
        for text in
            ["", "s", "1", "1m", "1ms", ".5s", "1.s", "+1s", " 1s", "1e3s", "1.1234567890s", "315576000001s"]
        {
            assert_eq!(nanoseconds(text), None, "{text}");
        }
    }

    #[test]
    fn decodes_each_notation_of_base64() {
        for text in ["_w", "/w==", "_w==", "/w"] {
            assert_eq!(base64(text), Some(vec![255]), "{text}");
        }
        assert_eq!(base64("_/8="), Some(vec![255, 255]));
        for text in ["/w=", "/ w==", "*", "/===", "/"] {
            assert_eq!(base64(text), None, "{text}");
        }
    }

    #[test]
    fn errors_show_limits_in_seconds() {
        let error = |text| match duration("d", text, 1_000_000, 2 * SECOND) {
            Err(Problem::Invalid { why, .. }) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(error("0s"), "`0s` is too short, expected at least `0.001s`");
        assert_eq!(error("3s"), "`3s` is too long, expected at most `2s`");
    }
}
