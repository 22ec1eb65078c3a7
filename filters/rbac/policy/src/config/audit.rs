//! The audit log.

use tollgate_policy::{HeaderName, Percent};

/// Audit log: one line of JSON per request in the log of the proxy, at level `info`.
#[derive(Clone, Debug, tollgate_policy::Config)]
#[config(default)]
pub struct Audit {
    /// Requests to log. Default: `none`.
    pub on: AuditOn,
    /// Percentage of these requests that are logged. Default: 100.
    pub sampling: Percent,
    /// Maximum number of lines per second and worker. Further lines are counted as
    /// `audit_lines_dropped`. Default: 100.
    #[config(range = 1..=100_000)]
    pub max_lines_per_second: u32,
    /// Request headers to log. Default: none.
    pub headers: Vec<HeaderName>,
    /// Whether to log the principal and the subject of the token. Default: `true`.
    pub identities: bool,
    /// Whether to log the path, without the query. Default: `true`.
    pub path: bool,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            on: AuditOn::default(),
            sampling: Percent::ALL,
            max_lines_per_second: 100,
            headers: Vec::new(),
            identities: true,
            path: true,
        }
    }
}

/// Requests to log, as in Envoy's `AuditCondition`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, tollgate_policy::Config)]
pub enum AuditOn {
    /// No requests.
    #[default]
    None,
    /// Rejected requests, and those that the shadow verdict would reject.
    OnDeny,
    /// Allowed requests.
    OnAllow,
    /// All requests.
    OnDenyAndAllow,
}

impl AuditOn {
    /// Returns whether a request with this decision is logged.
    pub fn includes(self, denied: bool) -> bool {
        match self {
            Self::None => false,
            Self::OnDeny => denied,
            Self::OnAllow => !denied,
            Self::OnDenyAndAllow => true,
        }
    }
}
