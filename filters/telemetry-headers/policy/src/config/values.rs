//! Configuration values that only this filter uses.

use core::fmt;
use serde::Deserialize;
use std::borrow::Cow;
use tollgate_policy::is_token;

/// Maximum length, in bytes, of a request id that is kept.
///
/// At least the length of a UUID, or the next hop would reject the ids that this hop generates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct IdLength(u16);

impl IdLength {
    const MIN: u16 = 36;
    const MAX: u16 = 1024;

    /// Returns the length in bytes.
    pub fn get(self) -> usize {
        self.0.into()
    }
}

impl Default for IdLength {
    fn default() -> Self {
        Self(128)
    }
}

impl TryFrom<u64> for IdLength {
    type Error = InvalidIdLength;

    fn try_from(length: u64) -> Result<Self, InvalidIdLength> {
        match u16::try_from(length) {
            Ok(length @ Self::MIN..=Self::MAX) => Ok(Self(length)),
            _ => Err(InvalidIdLength(length)),
        }
    }
}

/// A number that is out of range for the length of a request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidIdLength(u64);

impl fmt::Display for InvalidIdLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a length from {} to {}", self.0, IdLength::MIN, IdLength::MAX)
    }
}

impl std::error::Error for InvalidIdLength {}

/// The name of a metric in `Server-Timing`: a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
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

impl TryFrom<String> for MetricName {
    type Error = InvalidMetricName;

    fn try_from(name: String) -> Result<Self, InvalidMetricName> {
        if is_token(name.as_bytes()) { Ok(Self(Cow::Owned(name))) } else { Err(InvalidMetricName(name)) }
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(Box<str>);

impl Origin {
    /// Returns the origin as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Origin {
    type Error = InvalidOrigin;

    fn try_from(text: String) -> Result<Self, InvalidOrigin> {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let valid =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_:[]".contains(&byte);
        if text == "*" || host.is_some_and(|host| !host.is_empty() && host.bytes().all(valid)) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidOrigin(text))
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

#[cfg(feature = "schema")]
mod schema {
    use super::{IdLength, MetricName, Origin};
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
    use std::borrow::Cow;

    macro_rules! schema {
        ($type:ty, $($schema:tt)*) => {
            impl JsonSchema for $type {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($type).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($($schema)*)
                }
            }
        };
    }

    schema!(IdLength, { "type": "integer", "minimum": IdLength::MIN, "maximum": IdLength::MAX });
    schema!(MetricName, { "type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" });
    schema!(Origin, { "type": "string", "pattern": "^(\\*|https?://[a-z0-9._:\\[\\]-]+)$" });
}
