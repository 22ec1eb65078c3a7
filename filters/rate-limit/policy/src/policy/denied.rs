//! Rejections.

use super::ticket::{Rates, Standing};
use crate::Reason;

/// Rejection of a request.
#[derive(Debug)]
pub(super) struct Denied {
    pub reason: Reason,
    /// Limits without room. The first one rejects the request.
    pub violated: Vec<Violated>,
    /// Body from the rate limit service.
    pub raw_body: Vec<u8>,
}

/// A rate, a number of requests in flight, or a limit of the service without room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Violated {
    pub limit: usize,
    pub rates: Rates,
    /// Index of the rate that takes longest to have room.
    pub rate: usize,
    pub room: Room,
}

/// Time at which a limit has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// After a time in nanoseconds, if no other request comes.
    In(u64),
    /// Never: the cost is higher than the limit.
    Never,
    /// At a time that is not known: when another request ends, or when the service has room.
    Unknown,
}

impl Denied {
    pub fn new(reason: Reason, violated: Violated) -> Self {
        Self { reason, violated: vec![violated], raw_body: Vec::new() }
    }

    /// Returns the time until all limits have room, in nanoseconds, as far as it is known.
    pub fn retry_after(&self) -> Option<u64> {
        let rooms = || self.violated.iter().map(|one| one.room);
        if rooms().any(|room| room == Room::Never) {
            return None;
        }
        let known = rooms().filter_map(|room| if let Room::In(nanos) = room { Some(nanos) } else { None });
        known.max()
    }
}

impl Violated {
    /// Returns whether a quota is that of this limit.
    pub fn is(&self, standing: &Standing) -> bool {
        (self.limit, self.rates, self.rate) == (standing.limit, standing.rates, standing.rate)
    }
}

impl Room {
    /// Returns the time for what a rate reports: `None` is never.
    pub fn of_rate(retry_after: Option<u64>) -> Self {
        retry_after.map_or(Self::Never, Self::In)
    }
}
