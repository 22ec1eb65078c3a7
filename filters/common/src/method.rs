//! Methods of requests.

use crate::{Config, is_token};
use core::fmt;
use std::borrow::Cow;
use std::str::FromStr;

/// A method, such as `GET`. Methods are case-sensitive, and each standard method is in upper case (RFC 9110
/// section 9.1): a rule for `post` would never apply.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Config)]
#[config(
    text(expected = "a method in upper case, such as `GET`", pattern = "^[!#$%&'+.^_`|~0-9A-Z-]+$"),
    blank = Self(Cow::Borrowed(""))
)]
pub struct Method(Cow<'static, str>);

impl Method {
    /// `OPTIONS`.
    pub const OPTIONS: Self = Self(Cow::Borrowed("OPTIONS"));

    /// Returns the method.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Method {
    type Err = InvalidMethod;

    fn from_str(text: &str) -> Result<Self, InvalidMethod> {
        let never = |byte: u8| byte.is_ascii_lowercase() || byte == b'*';
        if is_token(text.as_bytes()) && !text.bytes().any(never) {
            Ok(Self(Cow::Owned(text.into())))
        } else {
            Err(InvalidMethod(text.into()))
        }
    }
}

/// A text that cannot be the method of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMethod(Box<str>);

impl fmt::Display for InvalidMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` never matches, expected one method in upper case, such as `GET`",
            self.0.escape_debug()
        )?;
        if &*self.0 == "*" { f.write_str("; without `methods`, all methods match") } else { Ok(()) }
    }
}

impl std::error::Error for InvalidMethod {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_methods_that_a_request_can_have() {
        for text in ["GET", "M-SEARCH", "VERSION-CONTROL", "X1"] {
            assert_eq!(text.parse::<Method>().unwrap().as_str(), text);
        }
        for text in ["post", "Post", "", "GET, POST", "GET ", "*", "G*", "G\u{e9}T", "GET/"] {
            let message = text.parse::<Method>().unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("`{text}` never matches, expected one method")),
                "{message}"
            );
        }
    }
}
