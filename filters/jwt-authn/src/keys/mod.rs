//! Keys and lists that are fetched: one worker asks, all of them use the answer.
//!
//! When to fetch, what an answer is worth and how long it is used is [`remote`](tollgate_jwt_authn_policy::remote)'s; here
//! it is done, by timers, callouts and shared data.
//!
//! - **Any VM may be the one that asks**, that of the main thread too: on Envoy 1.40 it ticks and calls out as those of the
//!   workers do, from the moment that the clusters are ready.
//! - **Nothing happens while a configuration is read** but looking: it is read on a canary VM too, whose callouts are
//!   cancelled when it goes, so that a lease it took would be lost. What other workers have fetched is there at once,
//!   so that neither a VM that is started anew nor an update of the listener makes a request wait.
//! - **Each VM looks at the shared state** about once a second ([`LOOK`]; ten times while it lacks a document), when a time
//!   that stands in it comes, and every 10 ms ([`HURRY`]) while streams wait for a document. What it finds there is read only if it has changed: a look is one
//!   host call of a hundred bytes.
//! - **On a request's path** there is no host call: [`Store::keys`] is a lookup. A token with an unknown `kid` costs one, to
//!   see whether another worker has newer keys, and may wait for a fetch.
//! - **Streams wait** for a signal of the document that they need, no longer than a fetch can take ([`park`]) and no more of
//!   them than `max_waiting_requests`.

mod fetch;
mod shared;
mod slot;
mod statistics;

pub(crate) use fetch::{Owner, park, start};
pub(crate) use statistics::Statistics;

use shared::draw;
use slot::{Kind, Slot};
use std::cell::Cell;
use std::time::Duration;
use tollgate::{Error, Result, Signal, clock};
use tollgate_jose::Limits;
use tollgate_jwt_authn_policy::plan::{Plan, Source};
use tollgate_jwt_authn_policy::remote::{Asked, Availability, Rules};
use tollgate_jwt_authn_policy::{Keys, RevocationList};
use tollgate_policy::UnixNanos;

/// How often a VM looks at the shared state when nobody waits. That long the others may use keys that are no longer in a
/// set which one of them has fetched.
const LOOK: Duration = Duration::from_secs(1);
/// How often it does while there is a document that it has not got, so that the end of an outage is noticed at once.
const LOOK_WITHOUT: Duration = Duration::from_millis(100);
/// How often it does while somebody waits.
const HURRY: Duration = Duration::from_millis(10);

/// What a worker has of all documents.
pub(crate) struct Store {
    slots: Vec<Slot>,
    /// The slot of each source of the plan; `None` for keys of the configuration.
    of_source: Vec<Option<usize>>,
    revocations: Option<usize>,
    /// The slot that the policy was last told to wait for.
    awaited: Cell<Option<usize>>,
    max_waiting: usize,
    statistics: Statistics,
    /// Whether the timer for looking is set, and the one for looking in a hurry.
    looking: bool,
    hurrying: bool,
}

impl Store {
    /// What a plan needs, empty. [`start`] fills it.
    pub(crate) fn new(plan: &Plan) -> Result<Self> {
        let mut slots = Vec::new();
        let mut of_source = Vec::with_capacity(plan.sources.len());
        for source in &plan.sources {
            of_source.push(match source {
                Source::Local(_) => None,
                Source::Remote(remote) => {
                    let limits = Limits { bytes: remote.max_bytes, keys: remote.max_keys };
                    slots.push(Slot::new(Rules::of_keys(remote), Kind::Keys(limits)));
                    Some(slots.len() - 1)
                }
            });
        }
        let revocations = plan.revocation.as_ref().map(|source| {
            slots.push(Slot::new(Rules::of_revocation(source), Kind::Revocations));
            slots.len() - 1
        });
        Ok(Self {
            slots,
            of_source,
            revocations,
            awaited: Cell::new(None),
            max_waiting: plan.config.max_waiting_requests.0,
            statistics: Statistics::define(&plan.config.stat_prefix)?,
            looking: false,
            hurrying: false,
        })
    }

    /// The keys of a source of the plan that are fetched.
    pub(crate) fn keys(&self, source: usize) -> Keys {
        let Some((index, slot)) = self.of_source(source) else { return Keys::Unavailable };
        let keys = slot.keys();
        if let Keys::Pending = keys {
            self.awaited.set(Some(index));
        }
        keys
    }

    /// Whether the list of what is revoked is here.
    pub(crate) fn revocation_list(&self) -> RevocationList {
        let Some(index) = self.revocations else { return RevocationList::Unavailable };
        match self.slots.get(index).map(Slot::availability) {
            Some(Availability::Fresh | Availability::Stale) => RevocationList::Ready,
            Some(Availability::Pending) => {
                self.awaited.set(Some(index));
                RevocationList::Pending
            }
            Some(Availability::Unavailable) | None => RevocationList::Unavailable,
        }
    }

    /// A token names a key that the source has not. `true`: newer ones are on their way, wait.
    pub(crate) fn refetch_for_unknown_kid(&self, source: usize) -> bool {
        let Some((index, slot)) = self.of_source(source) else { return false };
        let asked = now().and_then(|now| slot.ask(now)).unwrap_or_else(|error| {
            tollgate::log::error!("keys are not fetched again: {error}");
            Asked::TooSoon
        });
        match asked {
            Asked::TooSoon => return false,
            Asked::Granted(_) => self.statistics.jwks_refetch_unknown_kid.increment(),
            Asked::UnderWay => {}
        }
        self.awaited.set(Some(index));
        true
    }

    fn of_source(&self, source: usize) -> Option<(usize, &Slot)> {
        let index = (*self.of_source.get(source)?)?;
        Some((index, self.slots.get(index)?))
    }

    /// When to look next if nobody begins to wait: when a slot may change by time alone, or another VM's change of it
    /// should be seen.
    fn next_look(&self, now: UnixNanos) -> Duration {
        // Drawn, so that the workers do not all look at once.
        let lacks = self.slots.iter().any(|slot| !slot.is_usable());
        let usual = if lacks { LOOK_WITHOUT } else { LOOK };
        let usual = usual.mul_f64(0.75 + 0.5 * (draw() >> 32) as f64 / f64::from(u32::MAX));
        let soonest = self.slots.iter().filter_map(|slot| slot.changes_at(now)).min();
        soonest.map_or(usual, |soonest| soonest.since(now).clamp(Duration::from_millis(1), usual))
    }
}

fn now() -> Result<UnixNanos> {
    Ok(UnixNanos(clock::now()?.0))
}

fn signal(slot: usize) -> Signal {
    Signal(u32::try_from(slot).unwrap_or(u32::MAX))
}

fn log(what: &str, error: Error) {
    tollgate::log::error!("{what}: {error}");
}
