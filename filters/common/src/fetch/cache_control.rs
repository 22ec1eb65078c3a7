//! Lifetime of a document by the headers of its response (RFC 9111).

use super::{FLOOR, Rules};
use crate::Duration;

/// Returns the lifetime of a document by `Cache-Control` and `Age` of its response: at least [`FLOOR`], and
/// at most the lifetime in the rules, which takes precedence.
///
/// The smallest of several `max-age` applies. `no-store`, `no-cache` and `must-revalidate` do not prevent the
/// use of a key set, because then each request would fetch it. `no-store` and `no-cache` give the shortest
/// lifetime instead. `Expires` and `s-maxage` are ignored, and so are values that are not numbers (section
/// 4.2.1 allows this).
pub(super) fn life<'h>(
    rules: &Rules,
    cache_control: impl Iterator<Item = &'h [u8]>,
    mut age: impl Iterator<Item = &'h [u8]>,
) -> Duration {
    if !rules.heeds_cache_control {
        return rules.life;
    }
    let mut seconds = None::<u64>;
    for directive in cache_control.flat_map(|value| value.split(|byte| *byte == b',')) {
        let directive = directive.trim_ascii();
        let (name, value) = match directive.iter().position(|byte| *byte == b'=') {
            Some(at) => directive.split_at_checked(at).unwrap_or((directive, b"")),
            None => (directive, b"".as_slice()),
        };
        let said = match name.trim_ascii().to_ascii_lowercase().as_slice() {
            // `no-cache` with field names (section 5.2.2.4) applies only to those fields.
            b"no-store" => Some(0),
            b"no-cache" if value.is_empty() => Some(0),
            b"max-age" => value.strip_prefix(b"=").and_then(number),
            _ => None,
        };
        seconds = seconds.into_iter().chain(said).min();
    }
    let Some(seconds) = seconds else { return rules.life };
    let age = age.next().and_then(number).unwrap_or(0);
    let said = Duration::from_nanos(seconds.saturating_sub(age).saturating_mul(1_000_000_000));
    said.max(FLOOR).min(rules.life)
}

/// Parses a number of seconds (section 1.2.2), with or without quotes. A number that does not fit becomes the
/// largest.
fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(std::str::from_utf8(text).ok()?.parse().unwrap_or(u64::MAX))
}
