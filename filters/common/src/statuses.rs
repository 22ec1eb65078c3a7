//! Statuses of responses: ranges of HTTP statuses, and the statuses of gRPC.

use crate::{Config, ConfigError, Value};
use core::fmt;

/// A range of statuses: `401`, `"5xx"` or `"500-599"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusRange {
    /// First status of the range.
    pub first: u16,
    /// Last status of the range.
    pub last: u16,
}

impl StatusRange {
    /// Returns whether a status is in the range.
    pub fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }

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

crate::json_schema_of!(StatusRange, |_generator| crate::config::derived::schemars::json_schema!({
    "description": "A range of statuses: `401`, `5xx` or `500-599`.",
    "anyOf": [
        { "type": "string", "pattern": "^[1-5]([0-9]{2}(-[1-5][0-9]{2})?|[xX]{2})$" },
        { "type": "integer", "minimum": 100, "maximum": 599 },
    ],
}));

/// A status of gRPC: its name, such as `UNAVAILABLE`, or its number, such as `14`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrpcStatus(u8);

/// Names of the statuses, in the order of their numbers
/// (<https://github.com/grpc/grpc/blob/master/doc/statuscodes.md>).
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

impl GrpcStatus {
    /// The client cancelled the call.
    pub const CANCELLED: Self = Self(1);
    /// The server failed in an unknown way, for example by an exception.
    pub const UNKNOWN: Self = Self(2);
    /// The deadline passed before the call was complete.
    pub const DEADLINE_EXCEEDED: Self = Self(4);
    /// A quota is used up, or the server has no memory left.
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    /// An invariant of the server is broken.
    pub const INTERNAL: Self = Self(13);
    /// The server cannot be reached for now.
    pub const UNAVAILABLE: Self = Self(14);
    /// Data of the server is lost or corrupt.
    pub const DATA_LOSS: Self = Self(15);

    /// Returns the number, 0 to 16.
    pub fn code(self) -> u8 {
        self.0
    }

    /// Returns the name, such as `UNAVAILABLE`.
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// Reads the value of the header or trailer `grpc-status`. Other numbers than those of the
    /// specification are [`UNKNOWN`](Self::UNKNOWN), as for the clients of gRPC.
    pub fn from_header(value: &[u8]) -> Self {
        let code = match *value {
            [digit @ b'0'..=b'9'] => digit - b'0',
            [b'1', digit @ b'0'..=b'6'] => 10 + digit - b'0',
            _ => return Self::UNKNOWN,
        };
        Self(code)
    }
}

impl Config for GrpcStatus {
    fn blank() -> Self {
        Self(0)
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        let expected = "a gRPC status such as `UNAVAILABLE` or `14`";
        let known = match value {
            Value::String(text) => NAMES.iter().position(|name| name.eq_ignore_ascii_case(text)),
            Value::Number(number) => {
                number.as_u64().map(|code| code as usize).filter(|code| *code < NAMES.len())
            }
            _ => return Err(ConfigError::invalid_type(value, expected)),
        };
        self.0 = known.ok_or_else(|| ConfigError::invalid_value(value, expected))? as u8;
        Ok(())
    }
}

crate::json_schema_of!(GrpcStatus, |_generator| crate::config::derived::schemars::json_schema!({
    "description": "A status of gRPC: its name or its number.",
    "anyOf": [{ "type": "string", "enum": NAMES }, { "type": "integer", "minimum": 0, "maximum": 16 }],
}));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ranges_of_statuses() {
        for (json, expected) in [
            ("401", Some((401, 401))),
            ("\"5xx\"", Some((500, 599))),
            ("\"500-504\"", Some((500, 504))),
            ("\"504-500\"", None),
            ("600", None),
            ("\"\"", None),
        ] {
            let range = crate::config::parse::<StatusRange>(json).ok();
            assert_eq!(range.map(|range| (range.first, range.last)), expected, "{json}");
        }
        let range = StatusRange { first: 500, last: 502 };
        assert_eq!([499, 500, 502, 503].map(|status| range.contains(status)), [false, true, true, false]);
    }

    #[test]
    fn reads_statuses_of_grpc() {
        let read = |json| crate::config::parse::<GrpcStatus>(json);
        assert_eq!(read("\"unavailable\""), Ok(GrpcStatus::UNAVAILABLE));
        assert_eq!(read("14").map(GrpcStatus::name), Ok("UNAVAILABLE"));
        for (json, message) in [
            ("17", "invalid value: integer `17`, expected a gRPC status such as `UNAVAILABLE` or `14`"),
            (
                "\"GONE\"",
                "invalid value: string \"GONE\", expected a gRPC status such as `UNAVAILABLE` or `14`",
            ),
            ("null", "invalid type: null, expected a gRPC status such as `UNAVAILABLE` or `14`"),
        ] {
            assert_eq!(read(json).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn reads_the_grpc_status_of_a_response() {
        for (value, code) in [("0", 0), ("14", 14), ("16", 16), ("17", 2), ("014", 2), ("", 2), ("-1", 2)] {
            assert_eq!(GrpcStatus::from_header(value.as_bytes()).code(), code, "{value}");
        }
    }
}
