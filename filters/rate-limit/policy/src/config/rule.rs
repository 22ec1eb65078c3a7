//! Rules, which select the limits for a request.

use tollgate_policy::{RequestMatch, read_object};

/// Selects the limits for some requests.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Rule {
    /// Requests that the rule matches. Default: all.
    #[cfg_attr(feature = "schema", schemars(rename = "match", default))]
    pub condition: RequestMatch,
    /// Names of the limits for these requests, in the order in which they are checked. With `[]` the requests
    /// are not limited.
    pub limits: Vec<String>,
}

read_object!(Rule = Self::default(); condition as "match", limits (required));
