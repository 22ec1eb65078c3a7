//! State changes of a breaker, for logs, statistics and the admin path.

use crate::record::{Force, Header, State};
use crate::window::Totals;

/// State of a breaker as an operator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Requests pass.
    Closed,
    /// Requests are rejected.
    Open,
    /// Probes pass.
    HalfOpen,
    /// An operator closed the breaker.
    ForcedClosed,
    /// An operator opened the breaker.
    ForcedOpen,
}

impl Status {
    /// Returns the status of a record.
    pub fn new(header: &Header) -> Self {
        match (header.force, header.state) {
            (Force::Open, _) => Self::ForcedOpen,
            (Force::Closed, _) => Self::ForcedClosed,
            (Force::Auto, State::Closed) => Self::Closed,
            (Force::Auto, State::Open) => Self::Open,
            (Force::Auto, State::HalfOpen) => Self::HalfOpen,
        }
    }

    /// Returns whether requests are rejected.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::ForcedOpen)
    }

    /// Name in logs and on the admin path.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedClosed => "forced_closed",
            Self::ForcedOpen => "forced_open",
        }
    }
}

/// Cause of a state change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Failures in a row.
    ConsecutiveFailures,
    /// Failures in the window.
    FailureCount,
    /// Share of failures.
    FailureRate,
    /// Share of slow requests.
    SlowRate,
    /// Probes failed or were slow.
    Probes,
    /// Probes had no result in time.
    ProbeTimeout,
    /// The open time has passed.
    Time,
    /// Probes succeeded.
    Recovered,
    /// An operator.
    Operator,
    /// The record was evicted for another key.
    Evicted,
}

impl Cause {
    /// Description in logs.
    pub fn text(self) -> &'static str {
        match self {
            Self::ConsecutiveFailures => "failures in a row",
            Self::FailureCount => "number of failures",
            Self::FailureRate => "failure rate",
            Self::SlowRate => "rate of slow requests",
            Self::Probes => "probes failed",
            Self::ProbeTimeout => "probes had no result in time",
            Self::Time => "open time has passed",
            Self::Recovered => "probes succeeded",
            Self::Operator => "forced by an operator",
            Self::Evicted => "evicted for another key",
        }
    }
}

/// A state change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Status before.
    pub from: Status,
    /// Status after.
    pub to: Status,
    /// Cause.
    pub cause: Cause,
    /// Time for which the breaker is open, in nanoseconds.
    pub open_for: u64,
    /// Outcomes that caused the change.
    pub totals: Totals,
}

impl Change {
    /// Returns by how much the number of keys changes whose status has a property.
    pub fn difference(&self, has: impl Fn(Status) -> bool) -> i32 {
        i32::from(has(self.to)) - i32::from(has(self.from))
    }

    pub(crate) fn new(from: Status, to: Status, cause: Cause) -> Self {
        Self { from, to, cause, open_for: 0, totals: Totals::default() }
    }
}
