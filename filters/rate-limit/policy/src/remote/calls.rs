//! Which calls are under way.

use super::CallId;
use super::key::Key;
use super::memory::At;
use std::collections::BTreeMap;

/// How many calls may be under way.
pub(super) const MOST: usize = 4096;

/// A call without a timeout that nobody told about for so long, in nanoseconds, was lost.
const NO_TIMEOUT: u64 = 60_000_000_000;

/// How long after its timeout a call that nobody told about was lost, in nanoseconds.
const GRACE: u64 = 1_000_000_000;

/// A call that is under way.
#[derive(Debug)]
pub(super) struct Flight {
    /// What is remembered of all its descriptors together.
    pub at: Option<At>,
    /// What that is known by.
    pub key: Key,
    /// Each descriptor and its own request's hits.
    pub descriptors: Vec<(Key, u64)>,
    /// The same of all of them together: the most of any.
    pub own: u64,
    /// How many it asks for: its own request's, those that went on before, and a lease.
    pub asked: u64,
    /// Of those, how many went on before or will have by then.
    pub ahead: u64,
    /// Of those, how many are spoken for: its own, those that go on before, and of requests that wait.
    pub claimed: u64,
    /// When it was made.
    pub sent: u64,
    /// The message once more, if it may have to ask again for its own request alone.
    pub again: Option<tollgate_rate_limit_service::Request>,
}

impl Flight {
    /// Speaks for so many hits, if there are.
    pub fn claim(&mut self, hits: u64) -> bool {
        let claimed = self.claimed.saturating_add(hits);
        let room = claimed <= self.asked;
        if room {
            self.claimed = claimed;
        }
        room
    }
}

/// Calls that are under way.
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

    /// When a call that is made now was lost.
    pub fn answered_by(&self, now: u64) -> u64 {
        now.saturating_add(self.lost_after)
    }

    /// One that is under way, and was not lost.
    pub fn get(&mut self, id: CallId, now: u64) -> Option<&mut Flight> {
        let lost_after = self.lost_after;
        self.flights.get_mut(&id).filter(|flight| !is_lost(flight, lost_after, now))
    }

    /// One more.
    pub fn add(&mut self, flight: Flight) -> CallId {
        let id = CallId(self.next);
        self.next = self.next.wrapping_add(1);
        self.flights.insert(id, flight);
        id
    }

    /// One that is under way no longer.
    pub fn remove(&mut self, id: CallId) -> Option<Flight> {
        self.flights.remove(&id)
    }

    /// The oldest, if it was lost.
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
