//! Why a request was refused, or would have been.

/// Why a request was refused, or would have been. Machine-readable: response code details, statistics, filter state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A rate of a limit on this Envoy had no room.
    LocalLimit,
    /// Too many requests of the key are in flight.
    Concurrency,
    /// The rate limit service says that the key is over its limit.
    ServiceLimit,
    /// The rate limit service could not be asked.
    ServiceUnavailable,
    /// What workers share could not be read or changed.
    SharedState,
    /// The host failed.
    HostError,
}

impl Reason {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::LocalLimit,
        Self::Concurrency,
        Self::ServiceLimit,
        Self::ServiceUnavailable,
        Self::SharedState,
        Self::HostError,
    ];

    /// Its name in statistics and bodies.
    pub fn name(self) -> &'static str {
        match self {
            Self::LocalLimit => "local_rate_limited",
            Self::Concurrency => "concurrency_limited",
            Self::ServiceLimit => "request_rate_limited",
            Self::ServiceUnavailable => "rate_limiter_error",
            Self::SharedState => "shared_state_error",
            Self::HostError => "host_error",
        }
    }

    /// `%RESPONSE_CODE_DETAILS%`. Envoy's own where it has one (`local_rate_limited`, `request_rate_limited`,
    /// `rate_limiter_error`).
    pub fn details(self) -> &'static str {
        self.name()
    }
}
