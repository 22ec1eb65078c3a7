//! Format of the body of a rejection.

use crate::Config;

/// Format of the body of a rejection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum BodyFormat {
    /// Plain text, the same as Envoy's where Envoy has one.
    #[default]
    Text,
    /// A JSON object.
    Json,
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// No body.
    Empty,
}
