//! Format of the body of a rejection.

/// Format of the body of a rejection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
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

crate::read_names!(BodyFormat { "text" => Text, "json" => Json, "problem" => Problem, "empty" => Empty });
