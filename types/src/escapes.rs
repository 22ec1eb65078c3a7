//! Percent-decoding of URLs (RFC 3986 section 2.1). An invalid escape stays as it is.

use std::borrow::Cow;

/// Percent-decodes a text, once.
pub fn percent_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    decoded(text, b'%')
}

/// Percent-decodes a text with the rules of forms: `+` becomes a space.
pub fn form_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    decoded(text, b'+')
}

/// Decodes `%` escapes, and replaces the byte `space` by a space. `%` always begins an escape, even if
/// `space` is `%`.
fn decoded(text: &[u8], space: u8) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| *byte == b'%' || *byte == space) {
        return Cow::Borrowed(text);
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        out.push(match (byte, after) {
            (b'%', [high, low, tail @ ..]) => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => {
                    rest = tail;
                    high << 4 | low
                }
                _ => b'%',
            },
            (b'%', _) => b'%',
            (byte, _) if *byte == space => b' ',
            (byte, _) => *byte,
        });
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_invalid_escapes() {
        for (text, percent, form) in [
            ("a%20b+c", "a b+c", "a b c"),
            ("%41%4a%4A", "AJJ", "AJJ"),
            ("%2525", "%25", "%25"),
            ("%", "%", "%"),
            ("%4", "%4", "%4"),
            ("%zz+", "%zz+", "%zz "),
            ("%2B+", "++", "+ "),
            ("", "", ""),
        ] {
            assert_eq!(*percent_decoded(text.as_bytes()), *percent.as_bytes(), "{text}");
            assert_eq!(*form_decoded(text.as_bytes()), *form.as_bytes(), "{text}");
        }
    }
}
