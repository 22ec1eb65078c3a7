//! An atomic step: all rates of a limit for one key.

use super::Place;
use super::page::{Entry, Page, find, ways};
use super::place::{key_bits, with_max_lifetime};
use crate::rate::{Quota, Rate, State, Take};
use tollgate_types::UnixNanos;

/// Atomic step for one key of a limit.
#[derive(Clone, Copy, Debug)]
pub struct Step<'p> {
    /// Place of the key.
    pub place: Place,
    /// Rates, which must all have room.
    pub rates: &'p [Rate],
    /// Cost to take.
    pub cost: u64,
    /// Current time.
    pub now: UnixNanos,
    /// Maximum wait for room, in nanoseconds.
    pub max_wait: u64,
}

/// Result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All rates had room.
    Taken {
        /// Wait in nanoseconds; 0 if the request may continue at once.
        wait: u64,
        /// Debt of an entry that was evicted for it, in nanoseconds: the largest one, if there were several.
        evicted: Option<u64>,
    },
    /// At least one rate had no room.
    Limited {
        /// Index of the rate that takes longest to have room.
        rate: usize,
        /// As in [`crate::rate::Take::Limited`].
        retry_after: Option<u64>,
    },
}

/// Result of one rate: the next state and the wait, or the time until there is room.
type Answer = Result<(State, u64), Option<u64>>;

impl Step<'_> {
    /// Takes the cost, if all rates have room. Otherwise the page does not change.
    ///
    /// If the page is too small for an entry of each rate, there is no room: without an entry, a rate cannot
    /// limit.
    pub fn take(&self, page: &mut Page<'_>) -> Outcome {
        match self.rates {
            [only] => self.take_one(only, page),
            _ => self.take_all(page),
        }
    }

    /// Takes the cost from a single rate, the most frequent case. Looks up the entry once, and changes it in
    /// place.
    fn take_one(&self, rate: &Rate, page: &mut Page<'_>) -> Outcome {
        let tag = self.tag(0, rate);
        let limited = |retry_after| Outcome::Limited { rate: 0, retry_after };
        let known = page.update(tag, |state| match self.ask(rate, state) {
            Ok((state, wait)) => (state, Outcome::Taken { wait, evicted: None }),
            Err(retry_after) => (state, limited(retry_after)),
        });
        match known {
            Some(outcome) => outcome,
            None if ways(page.0) == 0 => limited(None),
            None => match self.ask(rate, State::default()) {
                Ok((state, wait)) => Outcome::Taken { wait, evicted: self.keep(page, Entry { tag, state }) },
                Err(retry_after) => limited(retry_after),
            },
        }
    }

    /// Takes the cost from several rates. Computes the states twice, which is cheaper than to store them
    /// until all are known. Takes from all rates at the time when the last one has room; then the others have
    /// room as well.
    fn take_all(&self, page: &mut Page<'_>) -> Outcome {
        let ways = ways(page.0);
        if self.rates.len() > ways {
            return Outcome::Limited { rate: ways, retry_after: None };
        }
        match self.ask_all(page.0) {
            Ok(wait) => {
                let then = UnixNanos(self.now.0.saturating_add(wait));
                let taken = |rate: &Rate, state| match rate.take(state, then, self.cost) {
                    Take::Taken(taken) => taken,
                    Take::Limited { .. } => state,
                };
                Outcome::Taken { wait, evicted: self.keep_all(page, taken) }
            }
            Err(limited) => limited,
        }
    }

    /// Returns the rejection if an old copy of the page already shows that there is no room, which saves
    /// reading the page. In the copy, empty entries at the end may be missing. Only valid for limits that
    /// never refund anything: since the copy was made, others can only have taken more. (If the key was
    /// evicted since, an unbounded table would reject it as well.)
    pub fn is_denied(&self, page: &[u8]) -> Option<Outcome> {
        match self.rates {
            [only] => {
                let asked = self.ask(only, find(page, self.tag(0, only)).unwrap_or_default());
                asked.err().map(|retry_after| Outcome::Limited { rate: 0, retry_after })
            }
            _ => self.ask_all(page).err(),
        }
    }

    /// Takes `cost` from all rates, even if there is no room. Returns the debt of an evicted entry, in
    /// nanoseconds.
    pub fn charge(&self, page: &mut Page<'_>, cost: u64) -> Option<u64> {
        self.keep_all(page, |rate, state| rate.charge(state, self.now, cost))
    }

    /// Refunds to all rates what was taken at `taken_at`, or at their [`turns`](Self::turns) if there are
    /// any. Returns `false` if the page has no entry of the key any more, so that it does not change.
    pub fn refund(&self, page: &mut Page<'_>, taken_at: UnixNanos, turns: &[UnixNanos], cost: u64) -> bool {
        let mut changed = false;
        for (index, (tag, rate)) in self.tagged().enumerate() {
            let taken_at = turns.get(index).copied().unwrap_or(taken_at);
            let refund = |state| (rate.refund(state, taken_at, self.now, cost), ());
            changed |= page.update(tag, refund).is_some();
        }
        changed
    }

    /// Returns for each rate the time from which the latest reservation counts, for [`refund`](Self::refund).
    #[inline(never)]
    pub fn turns(&self, page: &[u8]) -> Vec<UnixNanos> {
        self.tagged().map(|(tag, rate)| rate.turn(find(page, tag).unwrap_or_default(), self.now)).collect()
    }

    /// Returns the quotas of the rates, with their indices. If a rate has no room for another request of this
    /// cost, `reset` is the time until it has, so that the last allowed request and the first rejected one
    /// report the same time.
    pub fn quotas(&self, page: &[u8]) -> impl Iterator<Item = (usize, Quota)> {
        let quota = |(tag, rate): (u64, &Rate)| {
            let state = find(page, tag).unwrap_or_default();
            let quota = rate.quota(state, self.now);
            match rate.take(state, self.now, self.cost) {
                Take::Limited { retry_after: Some(reset) } => Quota { reset, ..quota },
                Take::Limited { retry_after: None } | Take::Taken(_) => quota,
            }
        };
        self.tagged().map(quota).enumerate()
    }

    /// Returns the longest wait, if all rates have room.
    fn ask_all(&self, page: &[u8]) -> Result<u64, Outcome> {
        let mut wait = 0;
        let mut limited: Option<(usize, Option<u64>)> = None;
        for (index, (tag, rate)) in self.tagged().enumerate() {
            match self.ask(rate, find(page, tag).unwrap_or_default()) {
                Ok((_, this_wait)) => wait = wait.max(this_wait),
                Err(retry_after) => {
                    if limited.is_none_or(|(_, longest)| longer(retry_after, longest)) {
                        limited = Some((index, retry_after));
                    }
                }
            }
        }
        match limited {
            None => Ok(wait),
            Some((rate, retry_after)) => Err(Outcome::Limited { rate, retry_after }),
        }
    }

    fn ask(&self, rate: &Rate, state: State) -> Answer {
        match rate.take(state, self.now, self.cost) {
            Take::Taken(state) => Ok((state, 0)),
            Take::Limited { retry_after } if self.max_wait == 0 => Err(retry_after),
            Take::Limited { retry_after } => {
                rate.reserve(state, self.now, self.cost, self.max_wait).ok_or(retry_after)
            }
        }
    }

    fn keep_all(&self, page: &mut Page<'_>, next: impl Fn(&Rate, State) -> State) -> Option<u64> {
        let mut evicted = None;
        for (tag, rate) in self.tagged() {
            if page.update(tag, |state| (next(rate, state), ())).is_none() {
                let state = next(rate, State::default());
                evicted = evicted.max(self.keep(page, Entry { tag, state }));
            }
        }
        evicted
    }

    /// Stores a new entry, but never evicts another one of the same key. An entry that owes nothing is not
    /// stored.
    fn keep(&self, page: &mut Page<'_>, entry: Entry) -> Option<u64> {
        if entry.state.full_at <= self.now.0 {
            return None;
        }
        page.insert(entry, self.now, |tag| {
            let index = key_bits(tag).wrapping_sub(self.place.tag);
            usize::try_from(index).is_ok_and(|index| index < self.rates.len())
        })
    }

    fn tagged(&self) -> impl Iterator<Item = (u64, &Rate)> {
        self.rates.iter().enumerate().map(|(index, rate)| (self.tag(index, rate), rate))
    }

    fn tag(&self, index: usize, rate: &Rate) -> u64 {
        with_max_lifetime(self.place.tag.wrapping_add(index as u64), rate.longest())
    }
}

/// Returns whether a time until there is room is longer than another. `None` (never) is the longest.
fn longer(this: Option<u64>, that: Option<u64>) -> bool {
    this.unwrap_or(u64::MAX) > that.unwrap_or(u64::MAX)
}
