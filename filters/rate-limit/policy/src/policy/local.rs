//! Checks of limits on this Envoy: rates and requests in flight.

use super::denied::{Denied, Room, Violated};
use super::ticket::{Rates, Standing, Taken};
use super::{Halt, Round};
use crate::key::{self, Facts, Key};
use crate::{Event, Reason};
use tollgate_counting::Failure;
use tollgate_counting::in_flight::{self, Acquire};
use tollgate_counting::rate::Quota;
use tollgate_counting::table::{Outcome, Page, Place, Step};
use tollgate_policy::AllowedBy;

impl<'a> Round<'a, '_> {
    /// Checks a limit for a request. The limit does not apply if the request has no complete key.
    #[inline]
    pub(super) fn count(&mut self, index: usize, facts: &mut Facts<'a>) -> Result<(), Halt> {
        let policy = self.policy;
        self.waited = false;
        let Some(limit) = policy.plan.limits.get(index) else {
            return Ok(self.fail(index, Reason::HostError, policy.plan.enforcement.on_error)?);
        };
        let key = key::find(limit, facts, self.env, &policy.placer);
        if facts.take_invalid_path() {
            if !self.only_counts(index) {
                return Err(Halt::InvalidPath);
            }
            self.ticket.allow(AllowedBy::Shadow(Reason::InvalidPath));
        }
        if facts.take_failed() {
            return Ok(self.fail(index, Reason::HostError, policy.plan.enforcement.on_error)?);
        }
        let Some(Key { place, overridden }) = key else {
            self.env.count(index, Event::NoKey);
            return Ok(());
        };
        let other = overridden.and_then(|index| Some((index, limit.overrides.list().get(index)?)));
        let rates = other.map_or(Rates::Own, |(index, _)| Rates::Override(index));
        let max_in_flight = other.map_or(limit.max_in_flight, |(_, other)| other.max_in_flight);
        let entered = match max_in_flight {
            Some(most) => self.enter(index, place, most)?,
            None => false,
        };
        let cost = limit.cost.of_request(facts.request().headers);
        if !policy.rates(index, rates).is_empty() {
            self.take(index, rates, place, cost)?;
        } else if entered || other.is_some_and(|(_, other)| other.unlimited) {
            self.env.count(index, if self.waited { Event::Delayed } else { Event::Ok });
        }
        if let Some(service) = &limit.service
            && !other.is_some_and(|(_, other)| other.unlimited)
        {
            self.will_ask(index, limit, service, cost, facts)?;
        }
        Ok(())
    }

    /// Looks at the limits after the one that rejects, and takes nothing from them: a client that returns
    /// before all limits have room would be rejected again. A limit that cannot be read is skipped.
    #[cold]
    #[inline(never)]
    pub(super) fn look_ahead(&mut self, rest: &[usize], facts: &mut Facts<'a>, denied: &mut Denied) {
        let policy = self.policy;
        if !matches!(denied.reason, Reason::LocalLimit | Reason::Concurrency) {
            return;
        }
        for index in rest.iter().copied() {
            let Some(limit) = policy.plan.limits.get(index) else { continue };
            let Some(Key { place, overridden }) = key::find(limit, facts, self.env, &policy.placer) else {
                continue;
            };
            let rates = overridden.map_or(Rates::Own, Rates::Override);
            let list = policy.rates(index, rates);
            if list.is_empty() || facts.take_failed() {
                continue;
            }
            let cost = limit.cost.of_request(facts.request().headers);
            let step = Step { place, rates: list, cost, now: self.now, max_wait: self.may_wait_for(index) };
            let before = self.ticket.standings.len();
            let (standings, mut outcome) = (&mut self.ticket.standings, None);
            let read = self.env.host().shared().page(place.page, &mut |bytes| {
                standings.truncate(before);
                standings.extend(Standing::of_rates(&step, bytes, index, rates));
                outcome = step.is_denied(bytes);
                false
            });
            if let (Ok(()), Some(Outcome::Limited { rate, retry_after })) = (read, outcome)
                && !self.only_counts(index)
            {
                let room = Room::of_rate(retry_after);
                denied.violated.push(Violated { limit: index, rates, rate, room });
            }
        }
    }

    /// Takes the cost of a request from the rates of a limit.
    #[inline]
    pub(super) fn take(&mut self, index: usize, rates: Rates, place: Place, cost: u64) -> Result<(), Denied> {
        let policy = self.policy;
        let max_wait = self.may_wait_for(index);
        let step = Step { place, rates: policy.rates(index, rates), cost, now: self.now, max_wait };
        let standings = policy.plan.answers.shows_standings();
        let standing = |place: &mut Vec<Standing>, page: &[u8]| {
            place.extend(Standing::of_rates(&step, page, index, rates));
        };
        if policy.never_refunds.get(index) == Some(&true)
            && let Some(page) = self.env.host().shared().seen(place.page)
            && let Some(outcome) = step.is_denied(page)
        {
            standing(&mut self.ticket.standings, page);
            return self.settled(index, rates, outcome);
        }
        let before = self.ticket.standings.len();
        let found = &mut self.ticket.standings;
        let mut outcome = Outcome::Limited { rate: 0, retry_after: None };
        let mut turns = Vec::new();
        let stored = self.env.host().shared().page(place.page, &mut |bytes| {
            outcome = step.take(&mut Page(bytes));
            let taken = matches!(outcome, Outcome::Taken { .. });
            if standings || !taken {
                found.truncate(before);
                standing(found, bytes);
            }
            if policy.remembers && matches!(outcome, Outcome::Taken { wait: 1.., .. }) {
                turns = step.turns(bytes);
            }
            taken
        });
        if let Err(failure) = stored {
            return self.failed(index, failure);
        }
        if matches!(outcome, Outcome::Taken { .. }) && policy.remembers {
            self.ticket.taken.push(Taken { limit: index, rates, place, cost, at: self.now, turns });
        }
        self.settled(index, rates, outcome)
    }

    #[inline]
    fn settled(&mut self, index: usize, rates: Rates, outcome: Outcome) -> Result<(), Denied> {
        match outcome {
            Outcome::Taken { wait, evicted } => {
                if evicted.is_some() {
                    self.env.count(index, Event::Eviction);
                }
                if wait > 0 {
                    self.ticket.waits(index, wait, self.now);
                }
                let delayed = wait > 0 || self.waited;
                self.env.count(index, if delayed { Event::Delayed } else { Event::Ok });
                Ok(())
            }
            Outcome::Limited { rate, retry_after } => {
                let room = Room::of_rate(retry_after);
                self.deny(Reason::LocalLimit, Violated { limit: index, rates, rate, room })
            }
        }
    }

    /// Returns how long a request may still wait for a limit, in nanoseconds.
    #[inline]
    pub(super) fn may_wait_for(&self, index: usize) -> u64 {
        match self.policy.plan.limits.get(index) {
            Some(limit) if limit.max_wait > 0 && self.may_wait && !self.only_counts(index) => {
                let since = self.stood.map_or(self.now, |stood| stood.since);
                limit.max_wait.saturating_sub(self.now.0.saturating_sub(since.0))
            }
            _ => 0,
        }
    }

    /// Takes a concurrency slot of the key. Returns `false` if all are taken, but the request is allowed
    /// anyway.
    fn enter(&mut self, index: usize, place: Place, most: u32) -> Result<bool, Halt> {
        let vm = self.env.host().shared().vm();
        let now = self.now;
        let shown = self.policy.plan.answers.shows_standings();
        let (mut entered, mut in_flight) = (false, most);
        let stored = match self.is_behind_others(index, place.tag) {
            true => Ok(()),
            false => self.env.host().shared().in_flight(place.page, &mut |record, members| {
                entered = in_flight::acquire(record, place.tag, vm, most, members, now) == Acquire::Acquired;
                if entered && shown {
                    in_flight = in_flight::count(record, place.tag, vm, members, now);
                }
                entered
            }),
        };
        self.waited = self.stood.is_some_and(|stood| stood.tag == place.tag);
        let left = self.may_wait_for(index);
        if stored.is_ok() && !entered && left > 0 {
            return Err(Halt::Queued { tag: place.tag, left });
        }
        if stored.is_ok() && (shown || !entered) {
            let remaining = u64::from(most.saturating_sub(in_flight));
            let quota = Quota { limit: most.into(), window: 0, remaining, reset: 0 };
            self.ticket.standings.push(Standing { limit: index, rates: Rates::InFlight, rate: 0, quota });
        }
        match stored {
            Err(failure) => self.failed(index, failure)?,
            Ok(()) if entered => {
                self.ticket.in_flight.push((index, place));
                return Ok(true);
            }
            Ok(()) => {
                let (rates, room) = (Rates::InFlight, Room::Unknown);
                self.deny(Reason::Concurrency, Violated { limit: index, rates, rate: 0, room })?;
            }
        }
        Ok(false)
    }

    /// Handles shared memory that could not be read or updated.
    fn failed(&mut self, index: usize, _: Failure) -> Result<(), Denied> {
        self.fail(index, Reason::SharedState, self.policy.plan.enforcement.on_error)
    }
}
