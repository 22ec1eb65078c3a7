//! Names and values of header fields.

use crate::text::from_text;
use core::fmt;
use std::borrow::Cow;
use std::str::FromStr;

/// The name of a header field: a token (RFC 9110 section 5.1), kept in lower case. Never a pseudo-header field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderName(Cow<'static, str>);

impl HeaderName {
    /// For [`crate::header_name!`], which evaluates it when compiling.
    #[doc(hidden)]
    pub const fn from_static(name: &'static str) -> Self {
        let mut bytes = name.as_bytes();
        assert!(!bytes.is_empty(), "a name is not empty");
        while let [first, rest @ ..] = bytes {
            assert!(
                matches!(first, b'a'..=b'z' | b'0'..=b'9' | b'-'),
                "lower-case letters, digits and hyphens"
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

from_text!(HeaderName, "the name of a header", Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"));

crate::read::read_text!(HeaderName, "the name of a header", Self(Cow::Borrowed("")));

/// A [`HeaderName`] that is known when compiling: `header_name!("traceparent")`. One that is not valid does not compile.
#[macro_export]
macro_rules! header_name {
    ($name:literal) => {
        const { $crate::HeaderName::from_static($name) }
    };
}

/// An [`EditableName`] that is known when compiling. One that is not valid does not compile.
#[macro_export]
macro_rules! editable_name {
    ($name:literal) => {
        const { $crate::EditableName::from_static($name) }
    };
}

/// The name of a header field that a filter may write.
///
/// Those that frame the message or belong to the connection are refused: changing `content-length` under a body or
/// `host` behind the router's back is request smuggling by configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EditableName(HeaderName);

impl EditableName {
    /// For [`crate::editable_name!`], which evaluates it when compiling.
    #[doc(hidden)]
    pub const fn from_static(name: &'static str) -> Self {
        assert!(!is_framing(name.as_bytes()), "it belongs to the connection");
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
        let name: HeaderName = text.parse()?;
        match name.as_str() {
            "connection" | "content-length" | "host" | "keep-alive" | "proxy-connection"
            | "transfer-encoding" | "upgrade" => Err(InvalidHeaderName::Framing(name)),
            _ => Ok(Self(name)),
        }
    }
}

from_text!(
    EditableName,
    "the name of a header that a filter may write",
    Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
);

crate::read::read_text!(
    EditableName,
    "the name of a header that a filter may write",
    Self(HeaderName(Cow::Borrowed("")))
);

/// Why a text is no name of a header field, or none that may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidHeaderName {
    /// It begins with a colon.
    Pseudo(Box<str>),
    /// It is empty or has a character that no name may have.
    NotToken(Box<str>),
    /// It frames the message or belongs to the connection.
    Framing(HeaderName),
}

impl fmt::Display for InvalidHeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pseudo(name) => {
                write!(f, "`{name}` is a pseudo-header; only ordinary headers can be named here")
            }
            Self::NotToken(name) => write!(f, "`{}` is not the name of a header", name.escape_default()),
            Self::Framing(name) => {
                write!(f, "`{name}` belongs to the connection and cannot be written by a filter")
            }
        }
    }
}

impl std::error::Error for InvalidHeaderName {}

/// A configured header value: it can be written as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

from_text!(HeaderValue, "the value of a header", Some("^[^\\x00-\\x08\\x0A-\\x1F\\x7F]*$"));

crate::read::read_text!(HeaderValue, "the value of a header", Self(Box::default()));

/// A text that cannot be the value of a header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidHeaderValue(Box<str>);

impl fmt::Display for InvalidHeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not the value of a header: it has a control character, or white space at an end",
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

/// Whether these bytes are a token (RFC 9110 section 5.6.2).
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Whether these bytes can be written as a header value.
///
/// Besides CR, LF and NUL that is every control character but the tab (RFC 9110 section 5.5): nghttp2's
/// `nghttp2_check_header_value`, which Envoy asks, refuses them, and the whole request with them.
pub fn is_valid_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lowered() {
        assert_eq!("X-Team".parse::<HeaderName>().unwrap().as_str(), "x-team");
    }

    #[test]
    fn refuses_names_and_says_which() {
        for (text, message) in [
            ("", "`` is not the name of a header"),
            ("a b", "`a b` is not the name of a header"),
            ("a\r\nb", "`a\\r\\nb` is not the name of a header"),
            ("ä", "`\\u{e4}` is not the name of a header"),
            (":path", "`:path` is a pseudo-header; only ordinary headers can be named here"),
        ] {
            assert_eq!(text.parse::<HeaderName>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn framing_headers_can_be_named_but_not_written() {
        for name in ["Host", "content-length", "Transfer-Encoding", "connection", "upgrade"] {
            assert!(name.parse::<HeaderName>().is_ok());
            assert!(matches!(name.parse::<EditableName>(), Err(InvalidHeaderName::Framing(_))));
        }
        assert_eq!("X-A".parse::<EditableName>().unwrap().name().as_str(), "x-a");
    }

    #[test]
    fn deserialisation_names_the_value() {
        let error = serde_json::from_str::<HeaderName>("\"a b\"").unwrap_err().to_string();
        assert!(error.starts_with("`a b` is not the name of a header"), "{error}");
        let error = serde_json::from_str::<HeaderName>("7").unwrap_err().to_string();
        assert!(error.contains("expected the name of a header"), "{error}");
    }

    #[test]
    fn a_value_has_no_control_character_but_the_tab() {
        for byte in 0..=u8::MAX {
            let allowed = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
            assert_eq!(is_valid_value(&[b'a', byte, b'b']), allowed, "{byte}");
        }
    }

    #[test]
    fn a_configured_value_has_no_white_space_at_its_ends() {
        assert_eq!("a b".parse::<HeaderValue>().unwrap().as_bytes(), b"a b");
        assert!("".parse::<HeaderValue>().is_ok());
        for text in [" a", "a\t", "a\r\nb: c", "\0"] {
            assert!(text.parse::<HeaderValue>().is_err(), "{text:?}");
        }
    }
}
