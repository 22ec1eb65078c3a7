//! Options of single policies, and filter state.

use super::{AuditOn, Response};

/// Options of one policy.
#[derive(Clone, Debug, Default, tollgate_policy::Config)]
#[config(default)]
pub struct PolicyOptions {
    /// Shadow mode of this policy: it only counts for the shadow verdict. Default: `false`.
    pub shadow: bool,
    /// Response to a request that this policy rejects. Default: the response of the filter.
    pub response: Option<Response>,
    /// Requests to log. Default: as in `audit.on`.
    pub audit: Option<AuditOn>,
}

/// Filter state that the filter sets. Access logs read it as `%FILTER_STATE(wasm.<name>:PLAIN)%`.
#[derive(Clone, Debug, tollgate_policy::Config)]
#[config(default)]
pub struct FilterState {
    /// `rbac.decision`: the decision, and the policy, rule and role that decided. Default: `true`.
    pub decision: bool,
    /// `rbac.shadow`: the decision of the shadow verdict. Set only with shadow policies or in shadow mode.
    /// Default: `true`.
    pub shadow: bool,
}

impl Default for FilterState {
    fn default() -> Self {
        Self { decision: true, shadow: true }
    }
}
