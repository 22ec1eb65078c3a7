//! Which requests are counted.

use tollgate_policy::{RequestMatch, read_object};

/// Requests, and the limits that count them.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Rule {
    /// Which requests. Default: all.
    #[cfg_attr(feature = "schema", schemars(rename = "match", default))]
    pub condition: RequestMatch,
    /// Names of `limits`, in the order in which they are asked. None, `[]`: these requests are not limited.
    pub limits: Vec<String>,
}

read_object!(Rule = Self::default(); condition as "match", limits (required));
