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
                .unwrap_or_else(|| base64::standard(claim.to_string()))
        }
        Json::Array(_) | Json::Object(_) if output.array_format == ArrayFormat::Json => {
            claim.to_string().into_bytes()
        }
        Json::Array(_) | Json::Object(_) => base64::standard(claim.to_string()),
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
        Json::Number(_) | Json::Decimal(..) | Json::Bool(_) => Some(claim.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
