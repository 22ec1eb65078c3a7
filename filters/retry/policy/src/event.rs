//! Events that the filter counts, and the reasons of retries and rejections.

use std::borrow::Cow;
use tollgate_policy::{Label, ResponseDetails};

/// An event that the filter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum Event {
    /// The router may retry the request.
    Steered,
    /// The request was sent once, because it is not known to be safe.
    NotSafe,
    /// The body of the request is too large. It was sent once if `content-length` announced that; otherwise
    /// it is not replayed.
    BodyTooLarge,
    /// A request or a replay was limited to fewer retries by the budget, or to none.
    BudgetExhausted,
    /// The request was sent once, because the budget could not be read or updated.
    BudgetUnavailable,
    /// Retry headers of the client were removed or replaced.
    ClientHeadersRemoved,
    /// The request was sent once, because its path is invalid or its readings select different rules.
    AmbiguousPath,
    /// The request had an invalid deadline, which was ignored.
    DeadlineInvalid,
    /// The request was rejected, because its deadline had passed.
    DeadlineExceeded,
    /// A replay was not started, because it could not finish before the deadline.
    DeadlineTooShort,
    /// A response asked to wait longer than the deadline or `max_retry_after` allow.
    RetryAfterTooLong,
    /// A response after a retry was not one that is retried.
    SucceededAfterRetry,
    /// The retries of the filter ran out.
    ReplayExhausted,
    /// A request was not kept for replay, or a response before the next attempt, because the worker keeps too
    /// many.
    MemoryExhausted,
    /// A response was too large to be replaced or to replace another, and passed through.
    ResponseTooLarge,
    /// The trailers of a response did not arrive in time, and its message passed through.
    HeldTooLong,
    /// The host offers no way to replace the response.
    Undeliverable,
    /// The fallback cluster received the request.
    FallbackUsed,
    /// The client received the configured response.
    FallbackResponseUsed,
    /// The response of a second attempt was first.
    HedgeWon,
    /// A host call failed.
    HostError,
}

/// Reason of a retry, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum RetryReason {
    /// The router retried the request, for one of its conditions.
    Router,
    /// The status of the response.
    Status,
    /// A header of the response.
    Header,
    /// The gRPC status of the response.
    GrpcStatus,
    /// The body of the response.
    Body,
    /// A callout timed out.
    Timeout,
    /// A callout was reset.
    Reset,
    /// A callout did not reach the upstream.
    Unavailable,
    /// No response had arrived.
    Hedge,
}

/// Reason of a response that the filter sends, or that replaces that of the upstream: response code details,
/// or the filter state `wasm.retry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The deadline had passed when the request arrived.
    DeadlineExceeded,
    /// The response of a callout.
    Replayed,
    /// The response of a second attempt.
    Hedged,
    /// The configured response.
    Fallback,
}

impl Reason {
    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeadlineExceeded => "retry_deadline_exceeded",
            Self::Replayed => "retry_replayed",
            Self::Hedged => "retry_hedged",
            Self::Fallback => "retry_fallback_response",
        }
    }
}

impl ResponseDetails for Reason {
    fn details(self) -> Cow<'static, str> {
        self.name().into()
    }
}
