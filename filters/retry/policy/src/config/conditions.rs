//! The conditions under which the router retries.

use core::fmt;
use std::str::FromStr;

/// Envoy's values of `x-envoy-retry-on` (`docs/root/configuration/http/http_filters/router_filter.rst`).
const HTTP: [&str; 11] = [
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "envoy-ratelimited",
    "retriable-4xx",
    "refused-stream",
    STATUS_CODES,
    HEADERS,
    "http3-post-connect-failure",
];

/// Envoy's values of `x-envoy-retry-grpc-on`.
const GRPC: [&str; 5] = ["cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"];

pub(crate) const STATUS_CODES: &str = "retriable-status-codes";
pub(crate) const HEADERS: &str = "retriable-headers";

/// Conditions under which the router retries, separated by commas: Envoy's values for HTTP and gRPC, and
/// status codes as in Istio's `retryOn`. `5xx,reset` or `gateway-error,503,unavailable`.
#[derive(Clone, Debug, Default, PartialEq, Eq, tollgate_policy::Config)]
#[config(text(
    expected = "conditions such as `5xx,connect-failure,unavailable` or `503,reset`",
    pattern = "^[0-9a-z-]+( *, *[0-9a-z-]+)*$"
))]
pub struct Conditions {
    /// Conditions for HTTP, in the order of Envoy's documentation.
    pub http: Vec<&'static str>,
    /// Conditions for gRPC.
    pub grpc: Vec<&'static str>,
    /// Status codes.
    pub status_codes: Vec<u16>,
}

impl Conditions {
    /// Istio's default, and nothing that an upstream may have processed.
    pub(crate) fn istio() -> Self {
        Self {
            http: vec!["connect-failure", "refused-stream"],
            grpc: vec!["cancelled", "unavailable"],
            status_codes: Vec::new(),
        }
    }

    /// Returns whether a condition for HTTP is among these.
    pub fn has(&self, condition: &str) -> bool {
        self.http.contains(&condition)
    }
}

/// Returns the values of a list that are also in one of the lists of a client.
pub(crate) fn common(known: &str, asked: &[&[u8]]) -> String {
    let is_asked = |name: &&str| {
        let mut parts = asked.iter().flat_map(|list| list.split(|byte| *byte == b','));
        parts.any(|part| part.trim_ascii() == name.as_bytes())
    };
    known.split(',').filter(is_asked).collect::<Vec<_>>().join(",")
}

impl FromStr for Conditions {
    type Err = InvalidConditions;

    fn from_str(text: &str) -> Result<Self, InvalidConditions> {
        let mut conditions = Self::default();
        for part in text.split(',').map(str::trim) {
            if let Some(name) = HTTP.iter().find(|name| **name == part) {
                add(&mut conditions.http, *name);
            } else if let Some(name) = GRPC.iter().find(|name| **name == part) {
                add(&mut conditions.grpc, *name);
            } else if let Some(status) = status(part) {
                add(&mut conditions.status_codes, status);
                add(&mut conditions.http, STATUS_CODES);
            } else {
                return Err(InvalidConditions(part.into()));
            }
        }
        Ok(conditions)
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}

fn status(text: &str) -> Option<u16> {
    let status = text.parse().ok()?;
    (text.len() == 3 && (100..=599).contains(&status)).then_some(status)
}

/// A condition that Envoy does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidConditions(String);

impl fmt::Display for InvalidConditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown condition `{}`, expected a status code or one of ", self.0.escape_debug())?;
        for (index, name) in HTTP.iter().chain(&GRPC).enumerate() {
            write!(f, "{}`{name}`", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidConditions {}
