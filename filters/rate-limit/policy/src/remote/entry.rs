//! Cache entry of a key.

use super::answer::Said;
use super::circuit::pending;
use super::key::Key;
use super::{Cache, CallId};
use std::rc::Rc;

/// Maximum lifetime of cached data, in nanoseconds. When a limit is raised at the service, it takes effect
/// within this time.
pub(super) const LONGEST: u64 = 60_000_000_000;

/// Lifetime of a cached rejection without a reset time, in nanoseconds. A flooded key costs at most 20 calls
/// per second, and is rejected for at most this long after it has room again.
pub(super) const UNKNOWN_RESET: u64 = 50_000_000;

/// Cache entry of a key.
#[derive(Debug, Default)]
pub(super) struct Entry {
    lease: Lease,
    refusal: Option<Refusal>,
    demand: Demand,
    debt: Debt,
    /// Latest answer, for the headers of the limit.
    pub said: Option<Rc<Said>>,
    /// Maximum number of requests for which a call takes hits; 0 if there is no such bound yet.
    bound: u32,
    /// Latest call that took more than the hits of its own request.
    pub call: Option<CallId>,
}

/// Counted hits that are not yet used.
#[derive(Debug, Default)]
struct Lease {
    left: u64,
    until: u64,
    /// Whether the service granted the hits as a quota. When it is used up, requests are rejected.
    quota: bool,
}

/// Rejection by the service.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// Time until which it is cached.
    pub until: u64,
    /// Number of hits from which requests are rejected.
    pub hits: u64,
    /// Whether it is about this descriptor alone, and not about all descriptors of a request together.
    pub alone: bool,
    /// Time at which there is room, if the service reports it.
    pub reset_at: Option<u64>,
    /// List of descriptors that the answer is for, and the index of this descriptor in it.
    pub list: Key,
    pub index: usize,
    pub said: Option<Rc<Said>>,
}

/// Recent requests.
#[derive(Debug, Default)]
struct Demand {
    since: u64,
    now: u32,
    before: u32,
}

/// Hits that were allowed before they were counted.
#[derive(Debug, Default)]
struct Debt {
    hits: u64,
    /// Part of these hits that pending calls count.
    asked: u64,
    /// End of the window to which the hits belong.
    reset: Option<u64>,
    /// Time until which the entry must not be evicted.
    keep_until: u64,
}

impl Entry {
    /// Takes hits from the lease, if it has enough. Returns the rest.
    pub fn take(&mut self, hits: u64, now: u64) -> Option<u64> {
        let left = self.leased(now)?.checked_sub(hits)?;
        self.lease.left = left;
        Some(left)
    }

    fn leased(&self, now: u64) -> Option<u64> {
        pending(self.lease.until, now, LONGEST).then_some(self.lease.left)
    }

    /// Adds hits to the lease. The earlier expiry applies to all of its hits.
    pub fn lease(&mut self, hits: u64, until: u64, now: u64) {
        let left = self.leased(now).filter(|left| *left > 0 && !self.lease.quota);
        let until = if left.is_some() { until.min(self.lease.until) } else { until };
        self.lease = Lease { left: left.unwrap_or(0).saturating_add(hits), until, quota: false };
    }

    /// Replaces the lease by a quota of the service.
    pub fn quota(&mut self, hits: u64, until: u64) {
        self.lease = Lease { left: hits, until, quota: true };
    }

    /// Returns the end of the lease if it is a valid quota. If its hits do not suffice, the service expects
    /// no further calls.
    pub fn exhausted_until(&self, now: u64) -> Option<u64> {
        (self.lease.quota && pending(self.lease.until, now, LONGEST)).then_some(self.lease.until)
    }

    /// Returns the hits of the lease, for a request that only checks whether there is room.
    pub fn has_leased(&self, now: u64) -> Option<u64> {
        self.leased(now).filter(|left| *left > 0)
    }

    /// Caches a rejection.
    pub fn refuse(&mut self, refusal: Refusal, now: u64) {
        let before = self.refusal.as_ref().filter(|before| pending(before.until, now, LONGEST));
        let hits = before.map_or(refusal.hits, |before| before.hits.min(refusal.hits));
        self.refusal = Some(Refusal { hits, ..refusal });
    }

    /// Returns the cached rejection of this number of hits; a request with 0 hits needs room for 1. With
    /// `alone`, only a rejection of this descriptor alone counts.
    pub fn refused(&self, hits: u64, alone: bool, now: u64) -> Option<&Refusal> {
        let refusal = self.refusal.as_ref()?;
        let holds =
            hits.max(1) >= refusal.hits && (refusal.alone || !alone) && pending(refusal.until, now, LONGEST);
        holds.then_some(refusal)
    }

    /// Counts a request. Returns the number of requests during the last `age`, including this one, estimated
    /// as by a sliding window.
    pub fn count(&mut self, now: u64, age: u64) -> u32 {
        let demand = &mut self.demand;
        let age = age.max(1);
        let passed = now.checked_sub(demand.since).unwrap_or(u64::MAX);
        if passed >= age.saturating_mul(2) {
            *demand = Demand { since: now, now: 0, before: 0 };
        } else if passed >= age {
            *demand = Demand { since: demand.since.saturating_add(age), now: 0, before: demand.now };
        }
        demand.now = demand.now.saturating_add(1);
        let left = age.saturating_sub(now.saturating_sub(demand.since));
        let before = u64::from(demand.before).saturating_mul(left) / age;
        demand.now.saturating_add(u32::try_from(before).unwrap_or(u32::MAX))
    }

    /// Removes a counted request that will query again.
    pub fn uncount(&mut self) {
        self.demand.now = self.demand.now.saturating_sub(1);
    }

    /// Returns the number of requests, of `hits` each, for which a call may take hits.
    pub fn size(&self, hits: u64, wanted: u32, cache: &Cache, now: u64) -> u64 {
        if self.lease.quota {
            return 1;
        }
        let bound = if self.bound == 0 { cache.lease_hits } else { self.bound };
        let size = u64::from(wanted.min(cache.lease_hits).min(bound));
        let share = self.said.as_ref().and_then(|said| said.remaining(now));
        // An eighth, because other workers take hits as well.
        size.min(share.map_or(u64::MAX, |remaining| remaining / 8 / hits.max(1))).max(1)
    }

    /// Adjusts the bound after a call that took more than its own hits: lowers it after a rejection, and
    /// raises it otherwise.
    pub fn bound(&mut self, refused: bool, most: u32) {
        self.bound = match (refused, self.bound) {
            (true, _) => 1,
            (false, 0) => 0,
            (false, bound) => bound.saturating_mul(2).min(most),
        };
    }

    /// Allows hits before they are counted, up to `most`. A pending call counts them.
    pub fn overshoot(&mut self, hits: u64, most: u64, now: u64) -> bool {
        let reset = self.said.as_ref().and_then(|said| said.reset_at()).filter(|reset| *reset > now);
        let debt = &mut self.debt;
        // Hits of a past window do not count any more.
        if debt.asked == 0 && debt.reset.is_some_and(|reset| reset <= now) {
            *debt = Debt::default();
        }
        let Some(hits_now) = debt.hits.checked_add(hits).filter(|sum| *sum <= most) else { return false };
        if debt.hits == 0 {
            debt.reset = reset;
        }
        debt.hits = hits_now;
        debt.asked = debt.asked.saturating_add(hits);
        debt.keep_until = now.saturating_add(LONGEST);
        true
    }

    /// Returns the allowed hits that no call counts yet, and assigns them to a new call.
    pub fn settle(&mut self) -> u64 {
        let open = self.debt.hits.saturating_sub(self.debt.asked);
        self.debt.asked = self.debt.asked.saturating_add(open);
        open
    }

    /// Updates the debt after a call for `hits` allowed hits.
    pub fn settled(&mut self, hits: u64, counted: bool) {
        self.debt.asked = self.debt.asked.saturating_sub(hits);
        if counted {
            self.debt.hits = self.debt.hits.saturating_sub(hits);
        }
    }

    /// Returns whether there are uncounted hits. Evicting them would allow as many again.
    pub fn owes(&self, now: u64) -> bool {
        self.debt.hits > 0 && pending(self.debt.keep_until, now, LONGEST)
    }

    /// Returns whether the entry contains nothing that the next answer would not restore.
    pub fn is_idle(&self, now: u64) -> bool {
        self.leased(now).is_none_or(|left| left == 0)
            && self.refusal.as_ref().is_none_or(|refusal| !pending(refusal.until, now, LONGEST))
            && self.call.is_none()
    }
}
