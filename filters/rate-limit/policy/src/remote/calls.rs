//! Pending calls.

use super::CallId;
use super::key::Key;
use super::memory::At;
use std::collections::BTreeMap;

/// Maximum number of pending calls.
pub(super) const MOST: usize = 4096;

/// Time after which a call without a timeout counts as lost, in nanoseconds.
const NO_TIMEOUT: u64 = 60_000_000_000;

/// Time after its timeout at which a call counts as lost, in nanoseconds.
const GRACE: u64 = 1_000_000_000;

/// A pending call.
#[derive(Debug)]
pub(super) struct Flight {
    /// Cache entry of all its descriptors together.
    pub at: Option<At>,
    /// Key of that cache entry.
    pub key: Key,
    /// Descriptors, with the hits of the call's own request.
    pub descriptors: Vec<(Key, u64)>,
    /// Hits of the call's own request: the maximum of all descriptors.
    pub own: u64,
    /// Total hits of the call: those of its own request, those allowed before, and a lease.
    pub asked: u64,
    /// Part of these hits that were allowed before, or will be until the answer.
    pub ahead: u64,
    /// Part of these hits that are assigned: to its own request, to hits allowed before, and to waiting
    /// requests.
    pub claimed: u64,
    /// Time at which the call was made.
    pub sent: u64,
    /// Copy of the message, if the call may have to be repeated for its own request alone.
    pub again: Option<tollgate_rate_limit_service::Request>,
}

impl Flight {
    /// Assigns hits to a request, if enough are unassigned.
    pub fn claim(&mut self, hits: u64) -> bool {
        let claimed = self.claimed.saturating_add(hits);
        let room = claimed <= self.asked;
        if room {
            self.claimed = claimed;
        }
        room
    }
}

/// Pending calls.
#[derive(Debug)]
pub(super) struct Calls {
    flights: BTreeMap<CallId, Flight>,
    next: u32,
    lost_after: u64,
}

impl Calls {
    pub fn new(timeout: u64) -> Self {
        let lost_after = if timeout == 0 { NO_TIMEOUT } else { timeout.saturating_add(GRACE) };
        Self { flights: BTreeMap::new(), next: 0, lost_after }
    }

    /// Returns the time at which a call that is made now would count as lost.
    pub fn answered_by(&self, now: u64) -> u64 {
        now.saturating_add(self.lost_after)
    }

    /// Returns a pending call that is not lost.
    pub fn get(&mut self, id: CallId, now: u64) -> Option<&mut Flight> {
        let lost_after = self.lost_after;
        self.flights.get_mut(&id).filter(|flight| !is_lost(flight, lost_after, now))
    }

    /// Adds a call.
    pub fn add(&mut self, flight: Flight) -> CallId {
        let id = CallId(self.next);
        self.next = self.next.wrapping_add(1);
        self.flights.insert(id, flight);
        id
    }

    /// Removes a call.
    pub fn remove(&mut self, id: CallId) -> Option<Flight> {
        self.flights.remove(&id)
    }

    /// Removes the oldest call, if it is lost.
    pub fn pop_lost(&mut self, now: u64) -> Option<(CallId, Flight)> {
        let oldest = self.flights.first_entry()?;
        is_lost(oldest.get(), self.lost_after, now).then(|| oldest.remove_entry())
    }

    pub fn is_full(&self) -> bool {
        self.flights.len() >= MOST
    }
}

fn is_lost(flight: &Flight, lost_after: u64, now: u64) -> bool {
    flight.sent.saturating_add(lost_after) < now
}
