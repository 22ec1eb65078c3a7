//! Values that only this filter has.

use core::fmt;
use serde::Deserialize;
use std::borrow::Cow;
use tollgate_policy::is_token;

/// The greatest length of a request id that is kept, in bytes.
///
/// Not less than that of a UUID, or the next hop would refuse what this one generates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct IdLength(u16);

impl IdLength {
    const MIN: u16 = 36;
    const MAX: u16 = 1024;

    /// In bytes.
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

/// A number that is not a sensible limit of a request id.
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
    /// The name.
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

/// A text that cannot name a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidMetricName(String);

impl fmt::Display for InvalidMetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` cannot name a metric: it is not a token", self.0.escape_default())
    }
}

impl std::error::Error for InvalidMetricName {}

/// An origin that may read the timing: `*`, or scheme, host and port as a browser serialises them.
///
/// Checked because a browser compares whole strings: `https://shop.example/` with its slash would never match, silently.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(Box<str>);

impl Origin {
    /// As it is sent.
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

/// A text that is no origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidOrigin(String);

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not an origin; `*` is one, and `https://shop.example:8443` in lower case and without a path",
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
