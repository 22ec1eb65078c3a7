//! What requests cost.

use core::fmt;
use tollgate_policy::{HeaderMatcher, HeaderName, Read, ReadError, Value, only_member, read_object};

/// What a request costs: exactly one of them.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum Cost {
    /// Always so much.
    Number(u64),
    /// What a header says.
    Header(HeaderCost),
    /// By the size of the body.
    BodyBytes(BodyCost),
}

impl Read for Cost {
    fn blank() -> Self {
        Self::Number(0)
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        const EXPECTED: &str = "an object with one of `number`, `header`, `body_bytes`";
        let (index, name, content) = only_member(value, &["number", "header", "body_bytes"], EXPECTED)?;
        *self = match index {
            0 => Self::Number(0),
            1 => Self::Header(Read::blank()),
            _ => Self::BodyBytes(Read::blank()),
        };
        let blank: &mut dyn Read = match self {
            Self::Number(number) => number,
            Self::Header(header) => header,
            Self::BodyBytes(body) => body,
        };
        blank.fill(content).map_err(|error| error.in_member(name))
    }
}

/// What a header of the request says, at least 1; of several, the most. Clients can write any header: it is best set or
/// removed by an earlier filter.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HeaderCost {
    /// The header.
    pub name: HeaderName,
    /// What a request costs without it, or if it is no number. Default: 1.
    #[cfg_attr(feature = "schema", schemars(default = "one"))]
    pub default: u64,
    /// The most that it can cost.
    pub max: u64,
}

/// One for each so many bytes, begun ones too, and at least one. What `content-length` says is taken before the request goes
/// on; what came beyond it is charged with the response, and is owed if there is no room.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct BodyCost {
    /// How many bytes cost one.
    pub per: u64,
    /// The most that it can cost.
    pub max: u64,
}

/// What a response changes about what its request cost. At least one of `statuses`, `headers` and `cost_header` is given.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct OnResponse {
    /// Only responses with these cost anything; for others it is given back. Default: all.
    pub statuses: Vec<StatusRange>,
    /// And only those with these headers, all of them.
    pub headers: Vec<HeaderMatcher>,
    /// A header of the response that says what it cost in all.
    pub cost_header: Option<CostHeader>,
    /// Whether it is given back too if the request comes to no response. Default: `false`.
    pub refund_without_response: bool,
}

/// What a header of the response says. A response without it costs what the request did.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct CostHeader {
    /// The header.
    pub name: HeaderName,
    /// The most that it can cost.
    pub max: u64,
}

#[cfg(feature = "schema")]
fn one() -> u64 {
    1
}

read_object!(
    HeaderCost = Self { name: Read::blank(), default: 1, max: 0 };
    name (required), default, max (required)
);
read_object!(BodyCost = Self { per: 0, max: 0 }; per (required), max (required));
read_object!(OnResponse = Self::default(); statuses, headers, cost_header, refund_without_response);
read_object!(CostHeader = Self { name: Read::blank(), max: 0 }; name (required), max (required));

/// Statuses: `401`, `"5xx"` or `"500-599"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    /// The first.
    pub first: u16,
    /// The last.
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

impl Read for StatusRange {
    fn blank() -> Self {
        Self { first: 0, last: 0 }
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_u64() => number.to_string(),
            _ => return Err(ReadError::invalid_type(value, "statuses, such as `401`, `5xx` or `500-599`")),
        };
        *self = Self::parse(&text).ok_or_else(|| ReadError::new(&NoStatus(&text)))?;
        Ok(())
    }
}

struct NoStatus<'t>(&'t str);

impl fmt::Display for NoStatus<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a status from 100 to 599, `5xx` or `500-599`", self.0.escape_debug())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for StatusRange {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StatusRange".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "statuses: `401`, `5xx` or `500-599`",
            "anyOf": [
                { "type": "string", "pattern": "^[1-5]([0-9]{2}(-[1-5][0-9]{2})?|[xX]{2})$" },
                { "type": "integer", "minimum": 100, "maximum": 599 },
            ],
        })
    }
}
