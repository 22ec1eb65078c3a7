//! Fetched keys and revocation lists: one worker fetches them, all workers use them.
//!
//! [`remote`](tollgate_jwt_authn_policy::remote) decides when to fetch, whether a response is valid and how
//! long it is used. This module carries out its decisions with timers, callouts and shared data.
//!
//! - **Any VM may fetch**, including that of the main thread: on Envoy 1.40, its timers and callouts work
//!   like those of the workers, as soon as the clusters are ready.
//! - **While a configuration loads, the filter only reads the shared state.** Envoy also loads it in a canary
//!   VM. When that VM ends, its callouts are cancelled, and a lease that it took would be lost. Documents
//!   that other workers have fetched are available at once, so requests do not wait after a VM restarts or a
//!   listener is updated.
//! - **Each VM polls the shared state** about once a second ([`POLL_INTERVAL`]; ten times a second while it
//!   lacks a document), when a time in the state is reached, and every 10 ms ([`POLL_WHILE_WAITING`]) while
//!   streams wait for a document. A poll is one host call of a hundred bytes. The document is read only if
//!   the state changed.
//! - **Requests make no host call for keys**: [`Store::keys`] is a lookup. A token with an unknown `kid`
//!   costs one call, which checks whether another worker has newer keys, and may wait for a fetch.
//! - **Streams wait** for a signal of the document that they need ([`park`]), for at most the time that a
//!   fetch can take. At most `max_waiting_requests` streams wait.

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
use tollgate::{ConfigError, Error, Signal, clock};
use tollgate_jose::Limits;
use tollgate_jwt_authn_policy::plan::{Plan, Source};
use tollgate_jwt_authn_policy::remote::{Asked, Availability, Rules};
use tollgate_jwt_authn_policy::{Keys, RevocationList};
use tollgate_policy::UnixNanos;

type Result<T> = std::result::Result<T, Error>;

/// Interval at which a VM polls the shared state when no request waits. For this time, a VM may still use
/// keys that are no longer in the set that another VM fetched.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Interval while a VM lacks a document, so that it notices the end of an outage quickly.
const POLL_WITHOUT_DOCUMENT: Duration = Duration::from_millis(100);
/// Interval while requests wait.
const POLL_WHILE_WAITING: Duration = Duration::from_millis(10);

/// All documents that a worker has.
pub(crate) struct Store {
    slots: Vec<Slot>,
    /// Slot of each source of the plan; `None` for keys in the configuration.
    of_source: Vec<Option<usize>>,
    revocations: Option<usize>,
    /// Slot of the document that the policy last found pending.
    awaited: Cell<Option<usize>>,
    max_waiting: usize,
    statistics: Statistics,
    /// Whether the two polling timers are set.
    polling: bool,
    polling_for_waiting: bool,
}

impl Store {
    /// Creates the slots for a plan, without documents. [`start`] fills them.
    pub(crate) fn new(plan: &Plan) -> std::result::Result<Self, ConfigError> {
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
            polling: false,
            polling_for_waiting: false,
        })
    }

    /// Returns the fetched keys of a source of the plan.
    pub(crate) fn keys(&self, source: usize) -> Keys {
        let Some((index, slot)) = self.of_source(source) else { return Keys::Unavailable };
        let keys = slot.keys();
        if let Keys::Pending = keys {
            self.awaited.set(Some(index));
        }
        keys
    }

    /// Returns whether the revocation list is available.
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

    /// Requests a fetch for a token whose `kid` is unknown. Returns `true` if the request should wait for
    /// newer keys.
    pub(crate) fn refetch_for_unknown_kid(&self, source: usize) -> bool {
        let Some((index, slot)) = self.of_source(source) else { return false };
        let asked = now().and_then(|now| slot.ask(now)).unwrap_or_else(|error| {
            tollgate::log::error!("cannot fetch keys again for an unknown kid: {error}");
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

    /// Returns the time until the next poll if no request waits: until a slot may change over time, or until
    /// a change by another VM should be noticed.
    fn next_poll(&self, now: UnixNanos) -> Duration {
        // With jitter, so that the workers do not all poll at the same time.
        let lacks = self.slots.iter().any(|slot| !slot.is_usable());
        let usual = if lacks { POLL_WITHOUT_DOCUMENT } else { POLL_INTERVAL };
        let usual = usual.mul_f64(0.75 + 0.5 * (draw() >> 32) as f64 / f64::from(u32::MAX));
        let soonest = self.slots.iter().filter_map(|slot| slot.changes_at(now)).min();
        soonest.map_or(usual, |soonest| soonest.since(now).clamp(Duration::from_millis(1), usual))
    }
}

fn now() -> Result<UnixNanos> {
    clock::now()
}

fn signal(slot: usize) -> Signal {
    Signal(u32::try_from(slot).unwrap_or(u32::MAX))
}

fn log(what: &str, error: Error) {
    tollgate::log::error!("{what}: {error}");
}
