//! The body of a refusal.

/// The body of a refusal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum BodyFormat {
    /// A text, Envoy's where it has one.
    #[default]
    Text,
    /// A JSON object.
    Json,
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// Nothing.
    Empty,
}

crate::read_names!(BodyFormat { "text" => Text, "json" => Json, "problem" => Problem, "empty" => Empty });
