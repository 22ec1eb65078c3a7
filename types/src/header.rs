//! Names and values of headers.

use crate::Config;
use core::fmt;
use std::borrow::Cow;
use std::str::FromStr;

/// The name of a header: a token (RFC 9110 section 5.1), stored in lower case. Never a pseudo-header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Config)]
#[config(
    text(expected = "a header name", pattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    blank = Self(Cow::Borrowed(""))
)]
pub struct HeaderName(Cow<'static, str>);

impl HeaderName {
    /// Used by [`crate::header_name!`], which evaluates it at compile time.
    #[doc(hidden)]
    pub const fn from_static(name: &'static str) -> Self {
        let mut bytes = name.as_bytes();
        assert!(!bytes.is_empty(), "a header name must not be empty");
        while let [first, rest @ ..] = bytes {
            assert!(
                matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'-'),
                "a static header name must consist of lower-case letters, digits and hyphens"
            );
            bytes = rest;
        }
        Self(Cow::Borrowed(name))
    }

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<[u8]> for HeaderName {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HeaderName {
    type Err = InvalidHeaderName;

    fn from_str(text: &str) -> Result<Self, InvalidHeaderName> {
        if is_token(text.as_bytes()) {
            Ok(Self(Cow::Owned(text.to_ascii_lowercase())))
        } else if text.starts_with(':') {
            Err(InvalidHeaderName::Pseudo(text.into()))
        } else {
            Err(InvalidHeaderName::NotToken(text.into()))
        }
    }
}

/// Makes a [`HeaderName`] at compile time: `header_name!("traceparent")`. An invalid name does not compile.
#[macro_export]
macro_rules! header_name {
    ($name:literal) => {
        const { $crate::HeaderName::from_static($name) }
    };
}

/// Makes an [`EditableName`] at compile time. An invalid name does not compile.
#[macro_export]
macro_rules! editable_name {
    ($name:literal) => {
        const { $crate::EditableName::from_static($name) }
    };
}

/// The name of a header that a filter may write.
///
/// Names of headers that frame the message or belong to the connection are invalid. A filter that changed
/// `content-length` under a body, or `host` unnoticed by the router, would allow request smuggling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Config)]
#[config(
    text(
        expected = "the name of a header that a filter may write",
        pattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
    ),
    blank = Self(HeaderName(Cow::Borrowed("")))
)]
pub struct EditableName(HeaderName);

impl EditableName {
    /// Used by [`crate::editable_name!`], which evaluates it at compile time.
    #[doc(hidden)]
    pub const fn from_static(name: &'static str) -> Self {
        assert!(
            !is_framing(name.as_bytes()),
            "a filter cannot write a header that belongs to the connection"
        );
        Self(HeaderName::from_static(name))
    }

    /// The name.
    pub fn name(&self) -> &HeaderName {
        &self.0
    }
}

impl TryFrom<HeaderName> for EditableName {
    type Error = InvalidHeaderName;

    fn try_from(name: HeaderName) -> Result<Self, InvalidHeaderName> {
        if is_framing(name.as_ref()) { Err(InvalidHeaderName::Framing(name)) } else { Ok(Self(name)) }
    }
}

impl From<EditableName> for HeaderName {
    fn from(name: EditableName) -> Self {
        name.0
    }
}

impl FromStr for EditableName {
    type Err = InvalidHeaderName;

    fn from_str(text: &str) -> Result<Self, InvalidHeaderName> {
        text.parse::<HeaderName>()?.try_into()
    }
}

/// Why a text is not a header name, or not the name of a header that a filter may write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidHeaderName {
    /// The name begins with a colon.
    Pseudo(Box<str>),
    /// The name is empty or has a character that is not allowed in a token.
    NotToken(Box<str>),
    /// The header frames the message or belongs to the connection.
    Framing(HeaderName),
}

impl fmt::Display for InvalidHeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pseudo(name) => {
                write!(f, "`{name}` is a pseudo-header, expected an ordinary header")
            }
            Self::NotToken(name) => write!(f, "`{}` is not a valid header name", name.escape_default()),
            Self::Framing(name) => {
                write!(f, "`{name}` belongs to the connection and cannot be written by a filter")
            }
        }
    }
}

impl std::error::Error for InvalidHeaderName {}

/// A configured header value, valid on the wire without escaping.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Config)]
#[config(
    text(expected = "a header value", pattern = "^[^\\x00-\\x08\\x0A-\\x1F\\x7F]*$"),
    blank = Self(Box::default())
)]
pub struct HeaderValue(Box<[u8]>);

impl HeaderValue {
    /// The value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for HeaderValue {
    type Err = InvalidHeaderValue;

    fn from_str(text: &str) -> Result<Self, InvalidHeaderValue> {
        let bytes = text.as_bytes();
        if is_valid_value(bytes) && bytes.trim_ascii().len() == bytes.len() {
            Ok(Self(bytes.into()))
        } else {
            Err(InvalidHeaderValue(text.into()))
        }
    }
}

/// A text that is not a valid header value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidHeaderValue(Box<str>);

impl fmt::Display for InvalidHeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a valid header value: it has a control character, or white space at either end",
            self.0.escape_default()
        )
    }
}

impl std::error::Error for InvalidHeaderValue {}

const fn is_framing(name: &[u8]) -> bool {
    matches!(
        name,
        b"connection"
            | b"content-length"
            | b"host"
            | b"keep-alive"
            | b"proxy-connection"
            | b"transfer-encoding"
            | b"upgrade"
    )
}

/// Returns whether these bytes are a token (RFC 9110 section 5.6.2).
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}

/// Tests a bit instead of searching a list, because filters check names on each request.
fn is_token_byte(byte: u8) -> bool {
    /// Sets of the characters below 64, and of those from 64.
    const LOW: u64 = tokens_from(0);
    const HIGH: u64 = tokens_from(64);
    let bits = if byte < 64 { LOW } else { HIGH };
    byte < 128 && bits >> (byte % 64) & 1 == 1
}

/// Returns which of the 64 characters from `first` a token may contain.
const fn tokens_from(first: u8) -> u64 {
    let (mut bits, mut bit) = (0, 0);
    while bit < 64 {
        let byte = first + bit;
        let is_mark = matches!(
            byte,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        );
        if byte.is_ascii_alphanumeric() || is_mark {
            bits |= 1 << bit;
        }
        bit += 1;
    }
    bits
}

/// Returns whether these bytes can be written as a header value.
///
/// All control characters except the tab are invalid, not only CR, LF and NUL (RFC 9110 section 5.5). Envoy
/// checks values with nghttp2's `nghttp2_check_header_value`, and rejects the whole request if one is
/// invalid.
pub fn is_valid_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_names_in_lower_case() {
        assert_eq!("X-Team".parse::<HeaderName>().unwrap().as_str(), "x-team");
    }

    #[test]
    fn a_token_has_the_characters_of_rfc_9110() {
        for byte in 0..=u8::MAX {
            let is_token_character = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(is_token(&[b'a', byte]), is_token_character, "{byte}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn rejects_invalid_names() {
        for (text, message) in [
            ("", "`` is not a valid header name"),
            ("a b", "`a b` is not a valid header name"),
            ("a\r\nb", "`a\\r\\nb` is not a valid header name"),
            ("ä", "`\\u{e4}` is not a valid header name"),
            (":path", "`:path` is a pseudo-header, expected an ordinary header"),
        ] {
            assert_eq!(text.parse::<HeaderName>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn framing_headers_are_not_editable() {
        for name in ["Host", "content-length", "Transfer-Encoding", "connection", "upgrade"] {
            assert!(name.parse::<HeaderName>().is_ok());
            assert!(matches!(name.parse::<EditableName>(), Err(InvalidHeaderName::Framing(_))));
        }
        assert_eq!("X-A".parse::<EditableName>().unwrap().name().as_str(), "x-a");
    }

    #[test]
    fn an_error_names_the_value() {
        let error = crate::config::parse::<HeaderName>(b"\"a b\"").unwrap_err().to_string();
        assert_eq!(error, "`a b` is not a valid header name");
        let error = crate::config::parse::<HeaderName>(b"7").unwrap_err().to_string();
        assert_eq!(error, "invalid type: integer `7`, expected a header name");
    }

    #[test]
    fn tab_is_the_only_valid_control_character() {
        for byte in 0..=u8::MAX {
            let allowed = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
            assert_eq!(is_valid_value(&[b'a', byte, b'b']), allowed, "{byte}");
        }
    }

    #[test]
    fn rejects_surrounding_white_space() {
        assert_eq!("a b".parse::<HeaderValue>().unwrap().as_bytes(), b"a b");
        assert!("".parse::<HeaderValue>().is_ok());
        for text in [" a", "a\t", "a\r\nb: c", "\0"] {
            assert!(text.parse::<HeaderValue>().is_err(), "{text:?}");
        }
    }
}
