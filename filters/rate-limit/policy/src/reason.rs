//! Reasons for rejections.

use std::borrow::Cow;

/// Reason why a request was rejected, or would have been. It appears in response code details, statistics and
/// bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A rate of a limit on this Envoy had no room.
    LocalLimit,
    /// Too many requests of the key were in flight.
    Concurrency,
    /// The rate limit service reported that the key is over its limit.
    ServiceLimit,
    /// The rate limit service was unavailable.
    ServiceUnavailable,
    /// Shared memory could not be read or updated.
    SharedState,
    /// A host call failed.
    HostError,
    /// The path cannot be read with certainty; see [`tollgate_policy::InvalidPath`].
    InvalidPath,
}

impl tollgate_policy::Label for Reason {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }

    fn index(self) -> usize {
        self as usize
    }
}

impl Reason {
    /// All reasons, in the order of their discriminants.
    pub const ALL: [Self; 7] = [
        Self::LocalLimit,
        Self::Concurrency,
        Self::ServiceLimit,
        Self::ServiceUnavailable,
        Self::SharedState,
        Self::HostError,
        Self::InvalidPath,
    ];

    /// Name in statistics and bodies.
    pub fn name(self) -> &'static str {
        match self {
            Self::LocalLimit => "local_rate_limited",
            Self::Concurrency => "concurrency_limited",
            Self::ServiceLimit => "request_rate_limited",
            Self::ServiceUnavailable => "rate_limiter_error",
            Self::SharedState => "shared_state_error",
            Self::HostError => "host_error",
            Self::InvalidPath => "invalid_path",
        }
    }
}

impl tollgate_policy::ResponseDetails for Reason {
    // Equals Envoy's details where Envoy has them: `local_rate_limited`, `request_rate_limited`,
    // `rate_limiter_error`.
    fn details(self) -> Cow<'static, str> {
        self.name().into()
    }
}
