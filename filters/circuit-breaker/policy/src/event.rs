//! Events, which are counted for each breaker.

use tollgate_policy::Label;

/// An event of a breaker. Each event has a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Label)]
pub enum Event {
    /// A request succeeded.
    Success,
    /// A request failed.
    Failure,
    /// A request that succeeded or failed was slow.
    Slow,
    /// A result was neither a success nor a failure.
    Ignored,
    /// A result arrived after a state change.
    Late,
    /// A request was admitted as a probe.
    Probe,
    /// The breaker rejected a request.
    Rejected,
    /// The breaker would have rejected a request, which was allowed because of `shadow`.
    ShadowRejected,
    /// A request that the breaker rejected was sent to the fallback cluster.
    Fallback,
    /// The breaker opened.
    Opened,
    /// The breaker became half-open.
    HalfOpened,
    /// The breaker closed.
    Closed,
    /// A state was evicted for another key.
    Evicted,
    /// Shared memory could not be read or updated.
    Error,
}
