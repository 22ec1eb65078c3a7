//! The steps in which servers read a path. A step returns `None` if it changes nothing.

use super::{InvalidEscapes, InvalidPath};
use std::borrow::Cow;

/// Returns whether a path begins with `/` and contains no notation that is read in several ways.
pub(super) fn is_plain(path: &[u8]) -> bool {
    let mut rest = path;
    while let [byte, after @ ..] = rest {
        rest = after;
        let usual = match *byte {
            // Most bytes are lower-case letters: one comparison.
            b'a'..=b'z' => true,
            b'/' => !matches!(after, [b'/', ..] | [b'.'] | [b'.', b'.' | b'/', ..]),
            0..0x20 | b'#' | b'%' | b';' | b'\\' | 0x7f => false,
            _ => true,
        };
        if !usual {
            return false;
        }
    }
    path.first() == Some(&b'/')
}

/// Decodes escapes of unreserved characters (RFC 3986 section 6.2.2.2), and writes other escapes in upper
/// case. An invalid `%` becomes `%25`. Checks the path.
pub(super) fn unreserved_decoded(path: &[u8], invalid: InvalidEscapes) -> Result<Cow<'_, [u8]>, InvalidPath> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [byte, after @ ..] = rest {
        rest = after;
        match (*byte, escaped(after)) {
            (0..0x20 | 0x7f, _) => return Err(InvalidPath::ControlCharacter),
            (b'#', _) => return Err(InvalidPath::Fragment),
            (b'%', Some((0, _))) => return Err(InvalidPath::Nul),
            (b'%', Some((byte, tail))) => {
                rest = tail;
                push_canonical(&mut out, byte);
            }
            (b'%', None) if invalid == InvalidEscapes::Reject => return Err(InvalidPath::InvalidEscape),
            (b'%', None) => push_escape(&mut out, b'%'),
            (byte, _) => out.push(byte),
        }
    }
    match path.first() {
        Some(b'/') => Ok(if out == path { Cow::Borrowed(path) } else { Cow::Owned(out) }),
        _ => Err(InvalidPath::NotAbsolute),
    }
}

/// Writes the escapes of a pattern as those of a reading: decodes escapes of unreserved characters, and
/// writes other escapes in upper case. Everything else stays as it is.
pub(crate) fn upper_case_escapes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        match escaped(after).filter(|_| *byte == b'%') {
            Some((byte, tail)) => {
                rest = tail;
                push_canonical(&mut out, byte);
            }
            None => out.push(*byte),
        }
    }
    out
}

/// Decodes all escapes once, except those of slashes and backslashes.
pub(super) fn decoded(text: &[u8]) -> Result<Option<Vec<u8>>, InvalidPath> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        match escaped(after).filter(|_| *byte == b'%') {
            Some((0, _)) => return Err(InvalidPath::Nul),
            Some((separator @ (b'/' | b'\\'), tail)) => {
                rest = tail;
                push_escape(&mut out, separator);
            }
            Some((decoded, tail)) => {
                rest = tail;
                out.push(decoded);
            }
            None => out.push(*byte),
        }
    }
    if out == text {
        return Ok(None);
    }
    if is_overlong(&out) {
        return Err(InvalidPath::OverlongUtf8);
    }
    Ok(Some(out))
}

/// Returns whether a text contains a character in more bytes of UTF-8 than it needs.
fn is_overlong(text: &[u8]) -> bool {
    text.windows(2)
        .any(|pair| matches!(pair, [0xC0 | 0xC1, 0x80..=0xBF] | [0xE0, 0x80..=0x9F] | [0xF0, 0x80..=0x8F]))
}

/// Reads the two digits after a `%`. Returns the byte, and the text after the digits.
fn escaped(after: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, tail @ ..] = after else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(high)? << 4 | digit(low)?, tail))
}

/// Appends the byte of an escape, which remains an escape unless it is unreserved.
fn push_canonical(out: &mut Vec<u8>, byte: u8) {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        out.push(byte);
    } else {
        push_escape(out, byte);
    }
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'A' - 10 + value };
    out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
}

/// Decodes `%2F` and `%5C`.
pub(super) fn slashes_unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        match escaped(after).filter(|_| *byte == b'%') {
            Some((separator @ (b'/' | b'\\'), tail)) => {
                rest = tail;
                out.push(separator);
            }
            _ => out.push(*byte),
        }
    }
    (out.len() < text.len()).then_some(out)
}

/// Replaces backslashes by slashes.
pub(super) fn backslashes_replaced(text: &[u8]) -> Option<Vec<u8>> {
    let replaced = || text.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect();
    text.contains(&b'\\').then(replaced)
}

/// Removes the parameters of all segments.
pub(super) fn parameters_removed(text: &[u8]) -> Option<Vec<u8>> {
    let mut inside = false;
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        inside = *byte == b';' || (inside && *byte != b'/');
        if !inside {
            out.push(*byte);
        }
    }
    (out.len() < text.len()).then_some(out)
}

/// Returns whether a parameter of a segment contains a backslash, or an escaped slash or backslash. Servers
/// that remove parameters before they decode read such a path differently from those that decode first.
pub(super) fn separator_in_parameter(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'/').any(|segment| {
        let parameters = segment.iter().position(|byte| *byte == b';').and_then(|start| segment.get(start..));
        parameters.is_some_and(|text| text.contains(&b'\\') || slashes_unescaped(text).is_some())
    })
}

/// Merges repeated slashes.
pub(super) fn slashes_merged(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = text.to_vec();
    out.dedup_by(|next, before| *next == b'/' && *before == b'/');
    (out.len() < text.len()).then_some(out)
}

/// Returns whether a segment is `..`.
pub(super) fn has_parent(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'/').any(|segment| segment == b"..")
}

/// Resolves `.` and `..` (RFC 3986 section 5.2.4).
pub(super) fn dots_resolved(text: &[u8]) -> Option<Vec<u8>> {
    let segments = || text.split(|byte| *byte == b'/').skip(1);
    if !segments().any(|segment| matches!(segment, b"." | b"..")) {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut ends_in_dots = false;
    for segment in segments() {
        ends_in_dots = matches!(segment, b"." | b"..");
        if segment == b".." {
            let parent = out.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
            out.truncate(parent);
        } else if !ends_in_dots {
            out.push(b'/');
            out.extend_from_slice(segment);
        }
    }
    if ends_in_dots {
        out.push(b'/');
    }
    Some(out)
}
