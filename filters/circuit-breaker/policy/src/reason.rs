//! Reasons for rejections.

use std::borrow::Cow;
use tollgate_policy::Label;

/// Reason why a request was rejected, or would have been. It appears in response code details, statistics and
/// bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum Reason {
    /// The breaker is open.
    Open,
    /// The breaker is half-open, and all probes are in use.
    HalfOpen,
    /// The breaker is forced open, by its mode or by an operator.
    ForcedOpen,
    /// The adaptive concurrency limit is reached.
    ConcurrencyLimited,
    /// Client throttling rejected the request.
    Throttled,
    /// Shared memory could not be read or updated.
    SharedState,
    /// A host call failed.
    HostError,
    /// The path cannot be read with certainty; see [`tollgate_policy::InvalidPath`].
    InvalidPath,
    /// The client sent a header that selects a fallback cluster, and a breaker has the cluster or the route
    /// in its key.
    ForgedHeader,
    /// The request was for the admin path. Not counted.
    Admin,
}

impl tollgate_policy::ResponseDetails for Reason {
    // Equals Envoy's details where Envoy has them: `reached_concurrency_limit`,
    // `denied_by_admission_control`.
    fn details(self) -> Cow<'static, str> {
        let details = match self {
            Self::Open => "circuit_breaker_open",
            Self::HalfOpen => "circuit_breaker_half_open",
            Self::ForcedOpen => "circuit_breaker_forced_open",
            Self::ConcurrencyLimited => "reached_concurrency_limit",
            Self::Throttled => "denied_by_admission_control",
            Self::SharedState => "circuit_breaker_shared_state",
            Self::HostError => "circuit_breaker_host_error",
            Self::InvalidPath => "circuit_breaker_invalid_path",
            Self::ForgedHeader => "circuit_breaker_forged_header",
            Self::Admin => "circuit_breaker_admin",
        };
        details.into()
    }
}

impl Reason {
    /// Whether the request is invalid.
    pub(crate) fn is_invalid(self) -> bool {
        matches!(self, Self::InvalidPath | Self::ForgedHeader)
    }

    /// Whether a request was rejected because the filter cannot decide.
    pub(crate) fn is_error(self) -> bool {
        matches!(self, Self::SharedState | Self::HostError)
    }
}
