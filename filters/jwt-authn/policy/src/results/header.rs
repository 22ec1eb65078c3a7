//! Formats a claim as a header value.

use super::base64;
use crate::config::{ArrayFormat, ClaimToHeader};
use tollgate_jose::Json;
use tollgate_policy::is_valid_value;

/// Returns the header value; `None` if the claim is empty or cannot be a header value.
pub(super) fn value(claim: &Json, output: &ClaimToHeader) -> Option<Vec<u8>> {
    let value = match claim {
        Json::Array(elements) if output.array_format == ArrayFormat::Join => {
            joined(elements, output.separator.as_deref().unwrap_or(","))
                .unwrap_or_else(|| base64::standard(json(claim)))
        }
        Json::Array(_) | Json::Object(_) if output.array_format == ArrayFormat::Json => {
            json(claim).into_bytes()
        }
        Json::Array(_) | Json::Object(_) => base64::standard(json(claim)),
        scalar => text(scalar)?.into_bytes(),
    };
    (!value.is_empty() && is_exact(&value)).then_some(value)
}

/// Whether a receiver reads exactly this value. White space at either end is not part of a value (RFC 9110
/// section 5.5), and ` admin` must not become `admin`.
fn is_exact(value: &[u8]) -> bool {
    is_valid_value(value) && value.trim_ascii().len() == value.len()
}

/// Joins the elements of an array. Returns `None` if the result could not be split again: an element is not a
/// text, number or boolean, contains the separator, or could not be a header value itself.
fn joined(elements: &[Json], separator: &str) -> Option<Vec<u8>> {
    let texts: Vec<_> = elements.iter().map(text).collect::<Option<_>>()?;
    let apart =
        |text: &String| is_exact(text.as_bytes()) && (separator.is_empty() || !text.contains(separator));
    texts.iter().all(apart).then(|| texts.join(separator).into_bytes())
}

/// Formats a text, number or boolean.
fn text(claim: &Json) -> Option<String> {
    match claim {
        Json::String(text) => Some(text.to_string()),
        Json::Number(number) => Some(self::number(number)),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Formats a number. Integers are exact, including those written as `1.0` or `1e3`. Very large and very small
/// numbers keep an exponent, because `1e300` would otherwise be sixty times as long as in the token.
fn number(number: &serde_json::Number) -> String {
    let text = number.to_string();
    match number.as_f64() {
        Some(float) if number.is_f64() && (float == 0.0 || (1e-7..1e21).contains(&float.abs())) => {
            without_exponent(&text)
        }
        _ => text,
    }
}

/// Writes a number without an exponent. The library's formatting code would add 15 KB.
fn without_exponent(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let (digits, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let digits = [whole, fraction].concat();
    let exponent = exponent.parse::<i32>().unwrap_or_default();
    // Number of digits before the point; if negative, number of zeros between the point and the digits.
    let before = i32::try_from(whole.len()).unwrap_or_default().saturating_add(exponent);
    let zeros = "0".repeat(before.saturating_neg().try_into().unwrap_or_default());
    let before = usize::try_from(before).unwrap_or_default();
    let (whole, fraction) = digits.split_at_checked(before).unwrap_or((&digits, ""));
    let missing = "0".repeat(before.saturating_sub(whole.len()));
    let fraction = [&zeros, fraction].concat();
    let whole = [if before == 0 { "0" } else { whole }, &missing].concat();
    match fraction.trim_end_matches('0') {
        "" => [sign, &whole].concat(),
        fraction => [sign, &whole, ".", fraction].concat(),
    }
}

/// Formats JSON in ASCII, without white space, members in the order of the token.
fn json(claim: &Json) -> String {
    let mut out = String::new();
    write(claim, &mut out);
    out
}

/// Appends JSON. The parser has limited the nesting, which limits this recursion.
fn write(claim: &Json, out: &mut String) {
    match claim {
        Json::Null => out.push_str("null"),
        Json::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Json::Number(number) => out.push_str(&self::number(number)),
        Json::String(text) => string(text, out),
        Json::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(element, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                string(name, out);
                out.push(':');
                write(member, out);
            }
            out.push('}');
        }
    }
}

fn string(text: &str, out: &mut String) {
    out.push('"');
    for unit in text.encode_utf16() {
        match char::from_u32(unit.into()) {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some(plain @ ' '..='~') => out.push(plain),
            _ => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out.push('"');
}
