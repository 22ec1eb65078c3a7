//! Configuration values that only this filter uses.

use core::fmt;
use std::borrow::Cow;
use std::str::FromStr;
use tollgate_policy::{Config, is_token};

/// The name of a metric in `Server-Timing`: a token.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
#[config(text(expected = "the name of a metric", pattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"))]
pub struct MetricName(Cow<'static, str>);

impl MetricName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for MetricName {
    fn default() -> Self {
        Self(Cow::Borrowed("upstream"))
    }
}

impl FromStr for MetricName {
    type Err = InvalidMetricName;

    fn from_str(name: &str) -> Result<Self, InvalidMetricName> {
        if is_token(name.as_bytes()) {
            Ok(Self(Cow::Owned(name.into())))
        } else {
            Err(InvalidMetricName(name.into()))
        }
    }
}

/// A text that is not a valid metric name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMetricName(String);

impl fmt::Display for InvalidMetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a valid metric name, expected a token (RFC 9110)", self.0.escape_default())
    }
}

impl std::error::Error for InvalidMetricName {}

/// An origin that may read the timing: `*`, or scheme, host and port as a browser serialises them.
///
/// Validated because a browser compares whole strings: `https://shop.example/`, with its slash, would never
/// match.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
#[config(
    text(
        expected = "an origin such as `https://shop.example`",
        pattern = "^(\\*|https?://[a-z0-9._:\\[\\]-]+)$"
    ),
    blank = Self(Box::default())
)]
pub struct Origin(Box<str>);

impl Origin {
    /// Returns the origin as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let valid =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_:[]".contains(&byte);
        if text == "*" || host.is_some_and(|host| !host.is_empty() && host.bytes().all(valid)) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidOrigin(text.into()))
        }
    }
}

/// A text that is not a valid origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOrigin(String);

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a valid origin, expected `*` or an origin in lower case without a path, such as `https://shop.example:8443`",
            self.0.escape_default()
        )
    }
}

impl std::error::Error for InvalidOrigin {}
