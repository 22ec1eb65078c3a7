//! Checks of single values.

use super::Limit;
use crate::model::Source;
use tollgate_policy::{ConfigError, Duration, FieldPath, HeaderValue, PathNormalization};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
const HOUR: u64 = 3600 * SECOND;

/// Maximum of every count. A larger number is a typing error, and sums of this one do not overflow.
pub(super) const MOST: u64 = 1_000_000_000_000;

/// A kind of duration, which determines the shortest and the longest one that is accepted.
#[derive(Clone, Copy)]
pub(super) enum Span {
    /// Fill interval of an Envoy bucket.
    Fill,
    /// Time of another rate.
    Rate,
    /// Wait of a request, for room or for an answer. Timers have a resolution of milliseconds.
    Wait,
    /// Lifetime of a cache entry.
    Memory,
}

/// Checks that a duration is within the bounds of its kind. Returns nanoseconds.
#[inline(never)]
pub(super) fn span(value: Duration, span: Span, place: &FieldPath) -> Result<u64, ConfigError> {
    let (low, high) = match span {
        Span::Fill => (50 * MS, 876_000 * HOUR),
        Span::Rate => (MS, 876_000 * HOUR),
        Span::Wait => (MS, 300 * SECOND),
        Span::Memory => (MS, HOUR),
    };
    if (low..=high).contains(&value.as_nanos()) {
        return Ok(value.as_nanos());
    }
    let (low, high) = (Duration::from_nanos(low), Duration::from_nanos(high));
    Err(place.error(format_args!("invalid duration `{value}`, expected `{low}` to `{high}`")))
}

/// Checks the name of a limit or a rate, which is part of the names of statistics and a string in
/// `RateLimit-Policy`.
#[inline(never)]
pub(super) fn name(name: &str, place: &FieldPath) -> Result<(), ConfigError> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(valid) {
        return Ok(());
    }
    Err(place.error(format_args!(
        "invalid name `{}`, expected 1 to 64 letters, digits and `_-`",
        name.escape_debug()
    )))
}

/// Checks the domain, which is part of names in the service and in shared memory.
#[inline(never)]
pub(super) fn domain(domain: &str, place: &FieldPath) -> Result<(), ConfigError> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
    if (1..=128).contains(&domain.len()) && domain.bytes().all(valid) {
        return Ok(());
    }
    let message = format_args!(
        "invalid domain `{}`, expected 1 to 128 letters, digits and `_-./:`",
        domain.escape_debug()
    );
    Err(place.error(message))
}

/// Checks a text that is part of a descriptor.
#[inline(never)]
pub(super) fn text(text: &str, place: &FieldPath) -> Result<(), ConfigError> {
    // The protocol has no bound, but services build Redis keys from these texts, which should be short.
    if (1..=256).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let text: String = text.chars().take(64).collect();
    let message = format_args!(
        "invalid text `{}`, expected 1 to 256 bytes without control characters",
        text.escape_debug()
    );
    Err(place.error(message))
}

/// Checks that a header value contains no `%`. Envoy would interpret `%..%` as a reference; this filter
/// cannot.
#[inline(never)]
pub(super) fn plain(value: &HeaderValue, place: &FieldPath) -> Result<(), ConfigError> {
    if value.as_bytes().contains(&b'%') {
        let text = String::from_utf8_lossy(value.as_bytes());
        let message = format_args!(
            "invalid value `{text}`, expected a value without `%`: `%..%` references are not supported"
        );
        return Err(place.error(message));
    }
    Ok(())
}

/// Checks that the templates of keys match paths as keys read them. Otherwise the limit would never apply.
pub(super) fn key_templates(limits: &[Limit], paths: &PathNormalization) -> Result<(), ConfigError> {
    for limit in limits {
        for (index, action) in limit.key.iter().enumerate() {
            if let Source::PathSegment { template, .. } = &action.source
                && !template.is_reachable_resolved(paths)
            {
                let place = FieldPath::new("limits").field(&limit.name).field("key").at(index);
                return Err(place.field("path").field("template").error(
                    "never matches: keys read paths as `path_normalization` resolves them, without escapes",
                ));
            }
        }
    }
    Ok(())
}
