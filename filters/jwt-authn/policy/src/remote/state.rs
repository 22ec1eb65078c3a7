//! What all workers know of a document, and how it may change. Every change is a function from the state that is to the
//! one that shall be, so that it can be carried out by compare-and-swap and tested without workers.

use super::{RECOVERY, Rules, between, later, part};
use tollgate_policy::{Duration, UnixNanos};

/// What all workers know of a document. Nothing but zeros: it was never fetched, and a fetch is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Changes with the document; 0 for none.
    pub generation: u32,
    /// The lease under which the document was written.
    pub body: u64,
    /// Counts fetches that came to an end, good or bad. Who waits for a fetch waits for this to change.
    pub ended: u32,
    pub(super) fetched_at: UnixNanos,
    pub(super) fresh_until: UnixNanos,
    pub(super) stale_until: UnixNanos,
    pub(super) next_try: UnixNanos,
    /// When something that was not in the document last made it be fetched.
    pub(super) asked_at: UnixNanos,
    /// Tries of this fetch that have failed.
    pub(super) tries: u32,
    /// Fetches that have failed since the last that did not.
    pub(super) failures: u32,
    pub(super) holder: u64,
    pub(super) leased_until: UnixNanos,
}

/// Whether there is a document to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// There is.
    Fresh,
    /// There is one that is past its time, since no newer could be fetched.
    Stale,
    /// The first fetch is under way.
    Pending,
    /// There is none, and the last fetch has failed.
    Unavailable,
}

/// What comes of asking for another fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One is under way or due; wait for it.
    UnderWay,
    /// This is to be written; then one is due.
    Granted(State),
    /// Not now.
    TooSoon,
}

impl State {
    /// Whether there is a document to use.
    pub fn availability(&self, now: UnixNanos) -> Availability {
        match () {
            () if self.generation > 0 && now < self.fresh_until => Availability::Fresh,
            () if self.generation > 0 && now < self.stale_until => Availability::Stale,
            () if self.failures == 0 => Availability::Pending,
            () => Availability::Unavailable,
        }
    }

    /// When something may change by time alone: a fetch is due, a lease ends, or the document is of no use any more.
    pub fn changes_at(&self, now: UnixNanos) -> Option<UnixNanos> {
        [self.next_try, self.leased_until, self.stale_until].into_iter().filter(|time| *time > now).min()
    }

    /// Whether a try has failed and the fetch has not: another is to come.
    pub fn is_being_retried(&self) -> bool {
        self.tries > 0
    }

    /// Whether this lease is the one that counts.
    pub fn is_held_by(&self, holder: u64) -> bool {
        holder != 0 && self.holder == holder
    }

    /// The document that the state names is not there: a holder that came late, when its lease was another's already, has
    /// written its own over it. `None` if a fetch would not be the first to hear of it.
    pub fn lost(&self, rules: &Rules, now: UnixNanos) -> Option<Self> {
        let known =
            self.is_leased(rules, now) || self.tries > 0 || self.failures > 0 || self.is_due(rules, now);
        (!known).then(|| Self { next_try: now, ..self.believable(rules, now) })
    }

    /// Whether a fetch should begin, and none is under way.
    pub fn is_due(&self, rules: &Rules, now: UnixNanos) -> bool {
        let put_off = now < self.next_try && self.next_try <= later(now, rules.longest());
        !put_off && !self.is_leased(rules, now)
    }

    fn is_leased(&self, rules: &Rules, now: UnixNanos) -> bool {
        self.holder != 0 && now < self.leased_until && self.leased_until <= later(now, rules.lease())
    }

    /// Gives the next try to `holder`, a random number but 0; `None` if none is due.
    pub fn lease(&self, rules: &Rules, holder: u64, now: UnixNanos) -> Option<Self> {
        if holder == 0 || !self.is_due(rules, now) {
            return None;
        }
        Some(Self { holder, leased_until: later(now, rules.lease()), ..self.believable(rules, now) })
    }

    /// Something is not in the document that may be in a newer one.
    pub fn ask(&self, rules: &Rules, now: UnixNanos) -> Asked {
        let Some(interval) = rules.refetch_at_most_every else { return Asked::TooSoon };
        if self.is_leased(rules, now) || self.tries > 0 || self.is_due(rules, now) {
            return Asked::UnderWay;
        }
        if self.asked_at <= now && now < later(self.asked_at, interval) {
            return Asked::TooSoon;
        }
        Asked::Granted(Self { asked_at: now, next_try: now, ..self.believable(rules, now) })
    }

    /// The holder has the document, `new` (then its body is written already) or the same as before, and may use it for
    /// `life`. `None` if the lease is another's by now.
    pub fn fetched(
        &self,
        rules: &Rules,
        holder: u64,
        new: bool,
        life: Duration,
        now: UnixNanos,
        draw: u64,
    ) -> Option<Self> {
        if !self.is_held_by(holder) {
            return None;
        }
        let fresh_until = later(now, life);
        Some(Self {
            generation: if new { self.generation.wrapping_add(1).max(1) } else { self.generation },
            body: if new { holder } else { self.body },
            ended: self.ended.wrapping_add(1),
            fetched_at: now,
            fresh_until,
            stale_until: later(fresh_until, rules.stale),
            next_try: later(now, between(part(life, 80), part(life, 95), draw)),
            tries: 0,
            failures: 0,
            holder: 0,
            leased_until: UnixNanos(0),
            ..self.believable(rules, now)
        })
    }

    /// The holder's try has failed. `None` if the lease is another's by now.
    pub fn failed(&self, rules: &Rules, holder: u64, now: UnixNanos, draw: u64) -> Option<Self> {
        if !self.is_held_by(holder) {
            return None;
        }
        let mut next = Self { holder: 0, leased_until: UnixNanos(0), ..self.believable(rules, now) };
        if next.tries < rules.retries {
            let most = doubled(rules.base_interval, next.tries).min(rules.max_interval);
            next.tries += 1;
            next.next_try = later(now, between(Duration::default(), most, draw));
            return Some(next);
        }
        let most = match self.availability(now) {
            Availability::Fresh | Availability::Stale => rules.life,
            Availability::Pending | Availability::Unavailable => rules.life.min(RECOVERY),
        };
        let wait = doubled(rules.failed_refetch, next.failures).min(most.max(rules.failed_refetch));
        next.tries = 0;
        next.failures = next.failures.saturating_add(1);
        next.ended = next.ended.wrapping_add(1);
        next.next_try = later(now, between(part(wait, 80), wait, draw));
        if now < next.stale_until {
            // However far that is: not later than when the old document is of no use any more.
            next.next_try = next.next_try.min(next.stale_until);
        }
        Some(next)
    }

    /// Without times that are further ahead than they are ever set: the clock was set back meanwhile.
    fn believable(&self, rules: &Rules, now: UnixNanos) -> Self {
        let fresh = self.fresh_until.min(later(now, rules.life));
        Self {
            fetched_at: self.fetched_at.min(now),
            fresh_until: fresh,
            stale_until: self.stale_until.min(later(later(now, rules.life), rules.stale)),
            next_try: self.next_try.min(later(now, rules.longest())),
            asked_at: self.asked_at.min(now),
            ..*self
        }
    }
}

/// `2^times` of a duration.
fn doubled(duration: Duration, times: u32) -> Duration {
    Duration::from_nanos(duration.as_nanos().saturating_mul(1u64.checked_shl(times).unwrap_or(u64::MAX)))
}
