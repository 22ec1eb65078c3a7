//! What values must be by themselves.

use tollgate_policy::{Duration, HeaderValue, Place, Problem};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
const HOUR: u64 = 3600 * SECOND;

/// The most of anything that is counted. More is a slip of the finger, and sums of it are far from overflowing.
pub(super) const MOST: u64 = 1_000_000_000_000;

/// Times that make sense: the shortest and the longest.
#[derive(Clone, Copy)]
pub(super) enum Span {
    /// Of Envoy's buckets.
    Fill,
    /// Of other rates.
    Rate,
    /// That a request waits, for room or for an answer. A timer has milliseconds.
    Wait,
    /// That something is remembered.
    Memory,
}

/// A time that makes sense.
#[inline(never)]
pub(super) fn span(value: Duration, span: Span, place: &Place) -> Result<u64, Problem> {
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
    Err(place.refuse(format_args!("`{value}` is not a time from `{low}` to `{high}`")))
}

/// The name of a limit or of a rate: it is part of a statistic's name, and a string in `RateLimit-Policy`.
#[inline(never)]
pub(super) fn name(name: &str, place: &Place) -> Result<(), Problem> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(valid) {
        return Ok(());
    }
    Err(place.refuse(format_args!(
        "`{}` cannot be a name: 1 to 64 letters, digits and `_-`, since it is one in statistics and headers",
        name.escape_debug()
    )))
}

/// A text that services and shared memory know something by.
#[inline(never)]
pub(super) fn domain(domain: &str, place: &Place) -> Result<(), Problem> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
    if (1..=128).contains(&domain.len()) && domain.bytes().all(valid) {
        return Ok(());
    }
    let message =
        format_args!("`{}` is not a domain: 1 to 128 letters, digits and `_-./:`", domain.escape_debug());
    Err(place.refuse(message))
}

/// A text that is part of a descriptor.
#[inline(never)]
pub(super) fn text(text: &str, place: &Place) -> Result<(), Problem> {
    // The protocol has no bound; the keys of Redis that services make of it are better short.
    if (1..=256).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let text: String = text.chars().take(64).collect();
    let message =
        format_args!("`{}` is not a text of 1 to 256 bytes without control characters", text.escape_debug());
    Err(place.refuse(message))
}

/// A header value that is written as it is. Envoy would take `%..%` in one for a reference.
#[inline(never)]
pub(super) fn plain(value: &HeaderValue, place: &Place) -> Result<(), Problem> {
    if value.as_bytes().contains(&b'%') {
        let text = String::from_utf8_lossy(value.as_bytes());
        let message = format_args!("`{text}` has a `%`; values are written as they are, without references");
        return Err(place.refuse(message));
    }
    Ok(())
}
