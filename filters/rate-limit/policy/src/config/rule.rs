//! Rules, which select the limits for a request.

use tollgate_policy::{Config, RequestMatch};

/// Selects the limits for some requests.
#[derive(Clone, Debug, Default, Config)]
pub struct Rule {
    /// Requests that the rule matches. Default: all.
    #[config(default, rename = "match")]
    pub condition: RequestMatch,
    /// Names of the limits for these requests, in the order in which they are checked. With `[]` the requests
    /// are not limited.
    pub limits: Vec<String>,
}
