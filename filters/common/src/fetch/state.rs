//! Shared state of a document. Each change is a function from the current state to the next one, so that it
//! can be carried out with compare and swap, and tested without workers.

use super::{RECOVERY, Rules, between, later, part};
use crate::{Duration, UnixNanos};

/// Shared state of a document. All zeros mean that it was never fetched and that a fetch is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Changes with the document; 0 without a document.
    pub generation: u32,
    /// Lease of the fetch that wrote the document.
    pub body: u64,
    /// Number of fetches that ended, successful or not. A request that waits for a fetch waits until this
    /// changes.
    pub ended: u32,
    pub(super) fetched_at: UnixNanos,
    pub(super) fresh_until: UnixNanos,
    pub(super) stale_until: UnixNanos,
    pub(super) next_try: UnixNanos,
    /// Time of the last fetch that a request triggered.
    pub(super) asked_at: UnixNanos,
    /// Number of failed attempts of the current fetch.
    pub(super) attempts: u32,
    /// Number of failed fetches since the last successful one.
    pub(super) failures: u32,
    pub(super) holder: u64,
    pub(super) leased_until: UnixNanos,
}

/// Availability of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// A document is available.
    Fresh,
    /// An expired document is available, because fetching a new one failed.
    Stale,
    /// The first fetch is in progress.
    Pending,
    /// No document is available, and the last fetch failed.
    Unavailable,
}

/// Result of requesting another fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A fetch is in progress or due.
    UnderWay,
    /// After this state is written, a fetch is due.
    Granted(State),
    /// The last such fetch was too recent, or such fetches are disabled.
    TooSoon,
}

impl State {
    /// Returns the availability of the document.
    pub fn availability(&self, now: UnixNanos) -> Availability {
        match () {
            () if self.generation > 0 && now < self.fresh_until => Availability::Fresh,
            () if self.generation > 0 && now < self.stale_until => Availability::Stale,
            () if self.failures == 0 => Availability::Pending,
            () => Availability::Unavailable,
        }
    }

    /// Returns the next time at which the state changes without a fetch: a fetch is due, a lease expires, or
    /// the document becomes too old.
    pub fn changes_at(&self, now: UnixNanos) -> Option<UnixNanos> {
        [self.next_try, self.leased_until, self.stale_until].into_iter().filter(|time| *time > now).min()
    }

    /// Whether an attempt failed and a retry will follow.
    pub fn is_being_retried(&self) -> bool {
        self.attempts > 0
    }

    /// Whether this is the current lease.
    pub fn is_held_by(&self, holder: u64) -> bool {
        holder != 0 && self.holder == holder
    }

    /// Requests a fetch because the document of this state is gone: a worker whose lease had expired has
    /// overwritten it. Returns `None` if a fetch is already due or in progress, or if one has failed.
    pub fn lost(&self, rules: &Rules, now: UnixNanos) -> Option<Self> {
        let known =
            self.is_leased(rules, now) || self.attempts > 0 || self.failures > 0 || self.is_due(rules, now);
        (!known).then(|| Self { next_try: now, ..self.believable(rules, now) })
    }

    /// Whether a fetch is due and none is in progress.
    pub fn is_due(&self, rules: &Rules, now: UnixNanos) -> bool {
        let put_off = now < self.next_try && self.next_try <= later(now, rules.longest());
        !put_off && !self.is_leased(rules, now)
    }

    fn is_leased(&self, rules: &Rules, now: UnixNanos) -> bool {
        self.holder != 0 && now < self.leased_until && self.leased_until <= later(now, rules.lease())
    }

    /// Leases the next attempt to `holder`, a random number other than 0. Returns `None` if no attempt is
    /// due.
    pub fn lease(&self, rules: &Rules, holder: u64, now: UnixNanos) -> Option<Self> {
        if holder == 0 || !self.is_due(rules, now) {
            return None;
        }
        Some(Self { holder, leased_until: later(now, rules.lease()), ..self.believable(rules, now) })
    }

    /// Requests a fetch, because a request needs a newer document.
    pub fn ask(&self, rules: &Rules, now: UnixNanos) -> Asked {
        let Some(interval) = rules.refetch_at_most_every else { return Asked::TooSoon };
        if self.is_leased(rules, now) || self.attempts > 0 || self.is_due(rules, now) {
            return Asked::UnderWay;
        }
        if self.asked_at <= now && now < later(self.asked_at, interval) {
            return Asked::TooSoon;
        }
        Asked::Granted(Self { asked_at: now, next_try: now, ..self.believable(rules, now) })
    }

    /// Records a successful fetch. The document has the lifetime `life`, and is `new` (its body has been
    /// written) or the same as before. Returns `None` if the lease was lost.
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
            attempts: 0,
            failures: 0,
            holder: 0,
            leased_until: UnixNanos(0),
            ..self.believable(rules, now)
        })
    }

    /// Records a failed attempt. Returns `None` if the lease was lost.
    pub fn failed(&self, rules: &Rules, holder: u64, now: UnixNanos, draw: u64) -> Option<Self> {
        if !self.is_held_by(holder) {
            return None;
        }
        let mut next = Self { holder: 0, leased_until: UnixNanos(0), ..self.believable(rules, now) };
        if next.attempts < rules.retries {
            let most = doubled(rules.base_interval, next.attempts).min(rules.max_interval);
            next.attempts += 1;
            next.next_try = later(now, between(Duration::default(), most, draw));
            return Some(next);
        }
        let most = match self.availability(now) {
            Availability::Fresh | Availability::Stale => rules.life,
            Availability::Pending | Availability::Unavailable => rules.life.min(RECOVERY),
        };
        let wait = doubled(rules.failed_refetch, next.failures).min(most.max(rules.failed_refetch));
        next.attempts = 0;
        next.failures = next.failures.saturating_add(1);
        next.ended = next.ended.wrapping_add(1);
        next.next_try = later(now, between(part(wait, 80), wait, draw));
        if now < next.stale_until {
            // At the latest when the old document becomes too old.
            next.next_try = next.next_try.min(next.stale_until);
        }
        Some(next)
    }

    /// Limits all times to the latest that could have been written, in case the clock was set back.
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

/// Returns a duration times `2^times`.
fn doubled(duration: Duration, times: u32) -> Duration {
    Duration::from_nanos(duration.as_nanos().saturating_mul(1u64.checked_shl(times).unwrap_or(u64::MAX)))
}
