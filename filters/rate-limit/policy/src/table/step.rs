//! One atomic step: all rates of a limit for one key.

use super::Place;
use super::page::{Entry, Page, find, ways};
use super::place::{marked, unmarked};
use crate::plan::NamedRate;
use crate::rate::{Quota, Rate, State, Take};
use tollgate_policy::UnixNanos;

/// What is asked of a page.
#[derive(Clone, Copy, Debug)]
pub struct Step<'p> {
    /// Whose.
    pub place: Place,
    /// All of these are to have room.
    pub rates: &'p [NamedRate],
    /// For this much.
    pub cost: u64,
    /// Now.
    pub now: UnixNanos,
    /// The longest wait for room, in nanoseconds.
    pub max_wait: u64,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All gave it, after so many nanoseconds.
    Taken {
        /// 0: at once.
        wait: u64,
        /// Whether an entry that was still owed something had to go for it, and what it had owed longest, in nanoseconds.
        evicted: Option<u64>,
    },
    /// At least one had no room.
    Limited {
        /// The one that takes longest, as an index of the rates.
        rate: usize,
        /// As in [`crate::rate::Take::Limited`].
        retry_after: Option<u64>,
    },
}

/// What one rate says: what is to be kept, and the wait; or when there is room.
type Answer = Result<(State, u64), Option<u64>>;

impl Step<'_> {
    /// Does it, if all rates have room; else leaves the page as it is.
    ///
    /// A page has to have room for an entry of each rate, or nothing passes: what cannot be kept cannot be limited.
    #[inline]
    pub fn take(&self, page: &mut Page<'_>) -> Outcome {
        match self.rates {
            [only] => self.take_one(&only.rate, page),
            _ => self.take_all(page),
        }
    }

    /// What most limits are: the entry is looked for once, and changed where it is.
    #[inline]
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

    /// Asks twice, where states that were asked for might be kept until all are known: room for them costs more than that. All
    /// are taken from when the last has room: what had room before has it then.
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

    /// Whether an old copy of the page, of which empty entries at the end may be missing, says already that there is no room, which
    /// spares reading the page. It holds for
    /// limits that never give anything back, and for nothing else: since the copy was made, others have only taken more. (The
    /// key may have been evicted since. To say no all the same is what an unbounded table would do.)
    #[inline]
    pub fn is_denied(&self, page: &[u8]) -> Option<Outcome> {
        match self.rates {
            [only] => {
                let asked = self.ask(&only.rate, find(page, self.tag(0, &only.rate)).unwrap_or_default());
                asked.err().map(|retry_after| Outcome::Limited { rate: 0, retry_after })
            }
            _ => self.ask_all(page).err(),
        }
    }

    /// Takes `cost` from all rates, whether there is room or not. Returns what an entry that had to go for it still owed, in
    /// nanoseconds.
    pub fn charge(&self, page: &mut Page<'_>, cost: u64) -> Option<u64> {
        self.keep_all(page, |rate, state| rate.charge(state, self.now, cost))
    }

    /// Gives all rates back what was taken at `taken_at`, or in their [`turns`](Self::turns) if there are any. `false` if
    /// nothing is kept of the key any more, so that the page is as it was.
    pub fn refund(&self, page: &mut Page<'_>, taken_at: UnixNanos, turns: &[UnixNanos], cost: u64) -> bool {
        let mut changed = false;
        for (index, (tag, rate)) in self.tagged().enumerate() {
            let taken_at = turns.get(index).copied().unwrap_or(taken_at);
            let refund = |state| (rate.refund(state, taken_at, self.now, cost), ());
            changed |= page.update(tag, refund).is_some();
        }
        changed
    }

    /// From when on each rate counts what it has just given to somebody who waits, as they have to be told if it is given back.
    #[inline(never)]
    pub fn turns(&self, page: &[u8]) -> Vec<UnixNanos> {
        self.tagged().map(|(tag, rate)| rate.turn(find(page, tag).unwrap_or_default(), self.now)).collect()
    }

    /// Where the rates stand, with their indices.
    pub fn quotas(&self, page: &[u8]) -> impl Iterator<Item = (usize, Quota)> {
        self.tagged().map(|(tag, rate)| rate.quota(find(page, tag).unwrap_or_default(), self.now)).enumerate()
    }

    /// The longest wait, if all have room.
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

    #[inline]
    fn ask(&self, rate: &Rate, state: State) -> Answer {
        match rate.take(state, self.now, self.cost) {
            Take::Taken(state) => Ok((state, 0)),
            Take::Limited { retry_after } if self.max_wait == 0 => Err(retry_after),
            Take::Limited { retry_after } => {
                rate.reserve(state, self.now, self.cost, self.max_wait).ok_or(retry_after)
            }
        }
    }

    #[inline]
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

    /// Keeps an entry that is not there yet, never in place of one of the same key. One that owes nothing says nothing.
    fn keep(&self, page: &mut Page<'_>, entry: Entry) -> Option<u64> {
        if entry.state.full_at <= self.now.0 {
            return None;
        }
        page.insert(entry, self.now, |tag| {
            let index = unmarked(tag).wrapping_sub(self.place.tag);
            usize::try_from(index).is_ok_and(|index| index < self.rates.len())
        })
    }

    #[inline]
    fn tagged(&self) -> impl Iterator<Item = (u64, &Rate)> {
        self.rates.iter().enumerate().map(|(index, named)| (self.tag(index, &named.rate), &named.rate))
    }

    #[inline]
    fn tag(&self, index: usize, rate: &Rate) -> u64 {
        marked(self.place.tag.wrapping_add(index as u64), rate.longest())
    }
}

/// Whether a time until there is room is longer than another; never is the longest.
fn longer(this: Option<u64>, that: Option<u64>) -> bool {
    this.unwrap_or(u64::MAX) > that.unwrap_or(u64::MAX)
}
