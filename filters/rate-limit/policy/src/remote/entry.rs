//! What is remembered of one key.

use super::answer::Said;
use super::circuit::pending;
use super::{Cache, CallId};
use std::rc::Rc;

/// The longest that anything is remembered, in nanoseconds: whoever raises a limit at the service waits no longer for it.
pub(super) const LONGEST: u64 = 60_000_000_000;

/// How long a refusal is remembered of which the service does not say when it ends, in nanoseconds: a key that is flooded
/// costs 20 calls in a second, and is refused for at most that long when it need not be.
pub(super) const UNKNOWN_RESET: u64 = 50_000_000;

/// What is remembered of one key.
#[derive(Debug, Default)]
pub(super) struct Entry {
    lease: Lease,
    refusal: Option<Refusal>,
    demand: Demand,
    debt: Debt,
    /// What the last answer said, for the limit's headers.
    pub said: Option<Rc<Said>>,
    /// For how many requests a call may ask at most, less one: 0 is no bound yet.
    bound: u32,
    /// The newest call that asked for more than its own request's hits.
    pub call: Option<CallId>,
}

/// Hits that were counted, and not used yet.
#[derive(Debug, Default)]
struct Lease {
    left: u64,
    until: u64,
    /// Given by the service as a quota: when it is used up there is no more.
    quota: bool,
}

/// The service said that there is no room.
#[derive(Debug)]
struct Refusal {
    until: u64,
    /// For so many hits and more.
    hits: u64,
    /// Said of this descriptor alone, not of all of a request's together.
    alone: bool,
    said: Option<Rc<Said>>,
}

/// Requests of late.
#[derive(Debug, Default)]
struct Demand {
    since: u64,
    now: u32,
    before: u32,
}

/// Hits that went on before they were counted.
#[derive(Debug, Default)]
struct Debt {
    hits: u64,
    /// Of those, what calls under way ask for.
    asked: u64,
    /// When it is of a window that is over.
    reset: Option<u64>,
    /// Until when it is not to be forgotten.
    keep_until: u64,
}

impl Entry {
    /// Uses the lease, if it has so much. What is left of it then.
    pub fn take(&mut self, hits: u64, now: u64) -> Option<u64> {
        let left = self.leased(now)?.checked_sub(hits)?;
        self.lease.left = left;
        Some(left)
    }

    fn leased(&self, now: u64) -> Option<u64> {
        pending(self.lease.until, now, LONGEST).then_some(self.lease.left)
    }

    /// Adds to the lease. What of it was there may be older, and then all of it is as old.
    pub fn lease(&mut self, hits: u64, until: u64, now: u64) {
        let left = self.leased(now).filter(|left| *left > 0 && !self.lease.quota);
        let until = if left.is_some() { until.min(self.lease.until) } else { until };
        self.lease = Lease { left: left.unwrap_or(0).saturating_add(hits), until, quota: false };
    }

    /// Takes what the service gives, in place of what it gave before.
    pub fn quota(&mut self, hits: u64, until: u64) {
        self.lease = Lease { left: hits, until, quota: true };
    }

    /// What the service gave is used up: it wants no further questions.
    pub fn is_exhausted(&self, now: u64) -> bool {
        self.lease.quota && pending(self.lease.until, now, LONGEST)
    }

    /// There is no room for so many hits and more.
    pub fn refuse(&mut self, hits: u64, until: u64, alone: bool, said: Option<Rc<Said>>, now: u64) {
        let before = self.refusal.as_ref().filter(|before| pending(before.until, now, LONGEST));
        let hits = before.map_or(hits, |before| before.hits.min(hits));
        self.refusal = Some(Refusal { until, hits, alone, said });
    }

    /// Whether so many hits are refused, and what was said of it. `alone`: by a verdict on this descriptor alone.
    pub fn refused(&self, hits: u64, alone: bool, now: u64) -> Option<Option<&Said>> {
        let refusal = self.refusal.as_ref()?;
        let holds = hits >= refusal.hits && (refusal.alone || !alone) && pending(refusal.until, now, LONGEST);
        holds.then_some(refusal.said.as_deref())
    }

    /// A request asks. How many did in the time that leases are good, this one included: of the time before as much as
    /// reaches into it, as if they had come evenly.
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

    /// It will ask again.
    pub fn uncount(&mut self) {
        self.demand.now = self.demand.now.saturating_sub(1);
    }

    /// For how many requests of so many hits a call may ask.
    pub fn size(&self, hits: u64, wanted: u32, cache: &Cache, now: u64) -> u64 {
        if self.lease.quota {
            return 1;
        }
        let bound = if self.bound == 0 { cache.lease_hits } else { self.bound };
        let size = u64::from(wanted.min(cache.lease_hits).min(bound));
        let share = self.said.as_ref().and_then(|said| said.remaining(now));
        // An eighth, since others ask too.
        size.min(share.map_or(u64::MAX, |remaining| remaining / 8 / hits.max(1))).max(1)
    }

    /// A call that asked for more than its own was refused, or was not.
    pub fn bound(&mut self, refused: bool, most: u32) {
        self.bound = match (refused, self.bound) {
            (true, _) => 1,
            (false, 0) => 0,
            (false, bound) => bound.saturating_mul(2).min(most),
        };
    }

    /// Lets hits go on before they are counted, if no more than `most` are; a call under way asks for them.
    pub fn overshoot(&mut self, hits: u64, most: u64, now: u64) -> bool {
        let reset = self.said.as_ref().and_then(|said| said.reset_at()).filter(|reset| *reset > now);
        let debt = &mut self.debt;
        // Those of a window that is over are nobody's any more.
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

    /// Has a call ask for all that went on and was not asked for yet.
    pub fn settle(&mut self) -> u64 {
        let open = self.debt.hits.saturating_sub(self.debt.asked);
        self.debt.asked = self.debt.asked.saturating_add(open);
        open
    }

    /// What became of a call that asked for so many hits that had gone on.
    pub fn settled(&mut self, hits: u64, counted: bool) {
        self.debt.asked = self.debt.asked.saturating_sub(hits);
        if counted {
            self.debt.hits = self.debt.hits.saturating_sub(hits);
        }
    }

    /// Hits went on that were not counted: forgotten, as many again would.
    pub fn owes(&self, now: u64) -> bool {
        self.debt.hits > 0 && pending(self.debt.keep_until, now, LONGEST)
    }

    /// Whether it says nothing that the next answer does not.
    pub fn is_idle(&self, now: u64) -> bool {
        self.leased(now).is_none_or(|left| left == 0)
            && self.refusal.as_ref().is_none_or(|refusal| !pending(refusal.until, now, LONGEST))
            && self.call.is_none()
    }
}
