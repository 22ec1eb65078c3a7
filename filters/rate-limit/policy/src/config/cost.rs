//! Costs of requests.

use core::fmt;
use tollgate_policy::{Config, ConfigError, HeaderMatcher, HeaderName, Value};

/// Cost of a request. An object with exactly one field.
#[derive(Clone, Debug, Config)]
pub enum Cost {
    /// Fixed cost of each request. With 0, a request takes nothing, but needs room for 1: for a cost that
    /// only the response determines.
    Number(u64),
    /// Cost from a request header.
    Header(HeaderCost),
    /// Cost from the size of the body.
    BodyBytes(BodyCost),
}

/// Cost from a request header, at least 1. If the header is repeated, the largest value counts. Clients can
/// write any header, so let an earlier filter set or remove it.
#[derive(Clone, Debug, Config)]
pub struct HeaderCost {
    /// Name of the header.
    pub name: HeaderName,
    /// Cost of a request if the header is missing or not a number. Default: 1.
    #[config(default = 1)]
    pub default: u64,
    /// Maximum cost of a request.
    pub max: u64,
}

/// Cost of 1 for each `per` bytes of the body, rounded up, and at least 1. The cost of `content-length` is
/// reserved before the request continues. Bytes beyond that are charged with the response; if there is no
/// room for them, the key owes them.
#[derive(Clone, Debug, Config)]
pub struct BodyCost {
    /// Number of bytes that cost 1.
    pub per: u64,
    /// Maximum cost of a request.
    pub max: u64,
}

/// Changes to the cost of a request by its response. At least one field is required.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct OnResponse {
    /// Statuses of the responses that cost anything. For other responses, the cost is refunded. Default: all.
    pub statuses: Vec<StatusRange>,
    /// Headers of the responses that cost anything; all must match. For other responses, the cost is
    /// refunded. Default: all.
    pub headers: Vec<HeaderMatcher>,
    /// Response header that contains the total cost of the request. With `service`, the difference to the
    /// cost of the request is counted by another call.
    pub cost_header: Option<CostHeader>,
    /// Whether to refund the cost of a request that gets no response, too. Default: `false`.
    pub refund_without_response: bool,
}

/// Cost from a response header. Without the header, the cost of the request does not change.
#[derive(Clone, Debug, Config)]
pub struct CostHeader {
    /// Name of the header.
    pub name: HeaderName,
    /// Maximum cost of a request.
    pub max: u64,
}

/// A range of statuses: `401`, `"5xx"` or `"500-599"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    /// First status of the range.
    pub first: u16,
    /// Last status of the range.
    pub last: u16,
}

impl StatusRange {
    fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| match text.as_bytes() {
            [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'] => text.parse().ok(),
            _ => None,
        };
        let (first, last) = match (text.split_once('-'), text.as_bytes()) {
            (Some((first, last)), _) => (number(first)?, number(last)?),
            (None, [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X']) => {
                let first = u16::from(class - b'0') * 100;
                (first, first + 99)
            }
            (None, _) => (number(text)?, number(text)?),
        };
        (first <= last).then_some(Self { first, last })
    }
}

impl Config for StatusRange {
    fn blank() -> Self {
        Self { first: 0, last: 0 }
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_u64() => number.to_string(),
            _ => return Err(ConfigError::invalid_type(value, "a status such as `401`, `5xx` or `500-599`")),
        };
        *self = Self::parse(&text).ok_or_else(|| ConfigError::here(&NoStatus(&text)))?;
        Ok(())
    }
}

struct NoStatus<'t>(&'t str);

impl fmt::Display for NoStatus<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid status `{}`, expected a status from 100 to 599, `5xx` or `500-599`",
            self.0.escape_debug()
        )
    }
}

tollgate_policy::json_schema_of!(
    StatusRange,
    |_generator| tollgate_policy::config::derived::schemars::json_schema!({
        "description": "A range of statuses: `401`, `5xx` or `500-599`.",
        "anyOf": [
            { "type": "string", "pattern": "^[1-5]([0-9]{2}(-[1-5][0-9]{2})?|[xX]{2})$" },
            { "type": "integer", "minimum": 100, "maximum": 599 },
        ],
    })
);
