//! Escapes of URLs (RFC 3986 section 2.1). What is no valid escape stands for itself.

use std::borrow::Cow;

/// Percent-decoded, once.
pub fn percent_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    decoded(text, b'%')
}

/// Percent-decoded as a form is: `+` is a space.
pub fn form_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    decoded(text, b'+')
}

/// `space` is a byte that is a space, besides those that are escaped; an escape begins with `%` in any case.
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
            (b'%', [high, low, behind @ ..]) => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => {
                    rest = behind;
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
    fn what_is_no_escape_stands_for_itself() {
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
