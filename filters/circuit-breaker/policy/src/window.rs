//! Sliding windows of outcomes, by number of requests or by time.

use crate::record::{count_window, time_window};
use tollgate_policy::UnixNanos;

/// Outcome of a request that is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the request failed.
    pub failed: bool,
    /// Whether the request took too long.
    pub slow: bool,
}

impl Outcome {
    pub(crate) fn bits(self) -> u8 {
        u8::from(self.failed) | u8::from(self.slow) << 1
    }

    pub(crate) fn from_bits(bits: u8) -> Self {
        Self { failed: bits & 1 != 0, slow: bits & 2 != 0 }
    }
}

/// Numbers of outcomes in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests with an outcome.
    pub requests: u32,
    /// Failed requests.
    pub failed: u32,
    /// Slow requests.
    pub slow: u32,
}

/// A sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// The last requests.
    Requests(u16),
    /// The last ten intervals of this length, in nanoseconds.
    Time(u64),
}

impl Window {
    /// Returns the size of the window in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::Requests(size) => count_window::bytes(size),
            Self::Time(_) => time_window::TIME_WINDOW_BYTES,
        }
    }

    /// Adds an outcome, and returns the totals.
    pub fn push(self, bytes: &mut [u8], now: UnixNanos, outcome: Outcome) -> Totals {
        match self {
            Self::Requests(size) => count_window::push(bytes, size, outcome),
            Self::Time(interval) => time_window::push(bytes, interval, now, outcome),
        }
    }

    /// Returns the totals. A window of time first removes what has left it.
    pub fn totals(self, bytes: &mut [u8], now: UnixNanos) -> Totals {
        match self {
            Self::Requests(_) => count_window::totals(bytes),
            Self::Time(interval) => time_window::totals(bytes, interval, now),
        }
    }
}
