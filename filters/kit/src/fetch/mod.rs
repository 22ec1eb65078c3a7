//! Documents that one worker fetches and all workers use.
//!
//! [`tollgate_policy::fetch`] decides when to fetch, whether a response is valid and how long it is used.
//! This module carries out its decisions with timers, callouts and shared data.
//!
//! - **Any VM may fetch**, including that of the main thread: on Envoy 1.40, its timers and callouts work
//!   like those of the workers, as soon as the clusters are ready.
//! - **While a configuration loads, the filter only reads the shared state.** Envoy also loads it in a canary
//!   VM. When that VM ends, its callouts are cancelled, and a lease that it took would be lost. Documents
//!   that other workers have fetched are available at once, so requests do not wait after a VM restarts or a
//!   listener is updated.
//! - **Each VM polls the shared state** about once a second (ten times a second while it lacks a document),
//!   when a time in the state is reached, and every 10 ms while streams wait for a document. A poll is one
//!   host call of a hundred bytes. The document is read only if the state changed.
//! - **Requests make no host call for a document**: [`Documents::get`] is a look-up.
//!   [`Documents::refetch`] costs one call, which checks whether another worker has a newer document.
//! - **Streams wait** for a signal of the document that they need ([`wait()`]), for at most the time that a
//!   fetch can take. A limit bounds the number of streams that wait.
//!
//! A document uses the [`Signal`] of its index, so other signals of the filter must be larger numbers. This
//! filter polls a list of names that are rejected:
//!
//! ```
//! use tollgate::{Config, ConfigError, Context, Error, Flow, HttpFilter, Reply, Request, Result, State};
//! use tollgate_kit::fetch::{self, Document, Documents, Event, Fetcher};
//! use tollgate_policy::fetch::Rules;
//! use tollgate_policy::{Duration, HttpUri, UnixNanos};
//!
//! #[derive(Config)]
//! struct Settings {
//!     /// Location of the list.
//!     list: HttpUri,
//! }
//!
//! struct Blocklist(State<Worker>);
//!
//! struct Worker {
//!     documents: Documents<HttpUri, Vec<String>>,
//! }
//!
//! #[tollgate::filter(http_callouts, timers)]
//! impl HttpFilter for Blocklist {
//!     type Config = Settings;
//!     type Stream = ();
//!
//!     fn new(config: Settings, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
//!         let mut documents = Documents::new("blocklist", 100);
//!         let rules = Rules::for_polling("names", &config.list, Duration::from_secs(10));
//!         documents.add(rules, config.list);
//!         let mut worker = Worker { documents };
//!         fetch::start(&mut worker, cx)?;
//!         Ok(Self(State::new(worker)))
//!     }
//!
//!     fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
//!         let sent: Vec<_> = request.headers.get_all("x-name")?.collect();
//!         self.0.enter(|worker| match worker.documents.get(0) {
//!             Document::Ready(names, _) if names.iter().any(|name| sent.contains(&name.as_bytes())) => {
//!                 Reply::refuse(403, "blocked").into()
//!             }
//!             Document::Ready(..) => Ok(Flow::Continue),
//!             Document::Pending | Document::Unavailable => Reply::refuse(503, "no_list").into(),
//!         })?
//!     }
//! }
//!
//! impl Fetcher for Worker {
//!     type Filter = Blocklist;
//!     type Source = HttpUri;
//!     type Value = Vec<String>;
//!
//!     fn of(filter: &Blocklist) -> &State<Self> {
//!         &filter.0
//!     }
//!
//!     fn documents(&mut self) -> &mut Documents<HttpUri, Vec<String>> {
//!         &mut self.documents
//!     }
//!
//!     fn parse(&mut self, _: usize, text: &[u8], _: UnixNanos) -> Result<Self::Value, String> {
//!         let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
//!         Ok(text.lines().map(str::to_owned).collect())
//!     }
//!
//!     fn count(&mut self, _: usize, event: Event) {
//!         tollgate::log::debug!("list: {event:?}");
//!     }
//! }
//! # fn main() {}
//! ```

mod attempt;
mod poll;
mod slot;
mod wait;

pub use poll::start;
pub use wait::wait;

use slot::Slot;
use std::cell::Cell;
use tollgate::filter::{HttpCallouts, Timers};
use tollgate::{Error, HttpFilter, Signal, State, clock, random};
use tollgate_policy::UnixNanos;
use tollgate_policy::fetch::{Asked, Rules, Source, next_poll};

type Result<T> = std::result::Result<T, Error>;

/// State of a filter that fetches documents.
pub trait Fetcher: Sized + 'static {
    /// The filter whose state it is.
    type Filter: HttpFilter + HttpCallouts + Timers;
    /// Locations of documents.
    type Source: Source + 'static;
    /// A parsed document.
    type Value: 'static;

    /// Returns the state of the filter.
    fn of(filter: &Self::Filter) -> &State<Self>;

    /// Returns the documents.
    fn documents(&mut self) -> &mut Documents<Self::Source, Self::Value>;

    /// Parses a document. After an error, which says what is invalid, the previous document stays in use.
    fn parse(
        &mut self,
        document: usize,
        text: &[u8],
        now: UnixNanos,
    ) -> std::result::Result<Self::Value, String>;

    /// Reports that this worker fetched a document that differs from the previous one. Over all workers, this
    /// is called once for each new document, unlike [`parse`](Self::parse).
    fn changed(&mut self, document: usize, value: &Self::Value) {
        let _ = (document, value);
    }

    /// Counts an event of a document.
    fn count(&mut self, document: usize, event: Event);
}

/// Event of a document, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// This worker fetched the document.
    Fetched,
    /// A fetch by this worker failed, with all its retries.
    Failed {
        /// Whether an expired document remains in use.
        stale: bool,
    },
    /// A request started to wait for the document.
    Waited,
    /// A request could not wait, because too many requests wait.
    WaitingOverflow,
}

/// Documents that one worker fetches and all workers use, as one worker has them.
pub struct Documents<S, V> {
    slots: Vec<Slot<S, V>>,
    plugin: &'static str,
    max_waiting: usize,
    /// Document that was last found pending.
    awaited: Cell<Option<usize>>,
    /// Whether the two polling timers are set.
    polling: bool,
    polling_for_waiting: bool,
}

/// State of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document<'d, V> {
    /// The document, and its generation, which changes with the document.
    Ready(&'d V, u32),
    /// The first fetch is in progress.
    Pending,
    /// No document is available.
    Unavailable,
}

impl<S, V> Documents<S, V> {
    /// Creates an empty set of documents. `plugin` is the prefix of all keys in shared data, and
    /// `max_waiting` the maximum number of streams of the filter that may wait on a worker.
    pub fn new(plugin: &'static str, max_waiting: usize) -> Self {
        let awaited = Cell::new(None);
        Self { slots: Vec::new(), plugin, max_waiting, awaited, polling: false, polling_for_waiting: false }
    }

    /// Adds a document, and returns its index. [`start`] begins to fetch it.
    pub fn add(&mut self, rules: Rules, source: S) -> usize {
        self.slots.push(Slot::new(self.plugin, rules, source));
        self.slots.len() - 1
    }

    /// Returns the location of a document; empty if there is no such document.
    pub fn place(&self, document: usize) -> &str
    where
        S: Source,
    {
        self.slots.get(document).map(|slot| slot.source.place()).unwrap_or_default()
    }

    /// Returns a document. If it is pending, [`wait()`] waits for it.
    pub fn get(&self, document: usize) -> Document<'_, V> {
        let found = self.slots.get(document).map_or(Document::Unavailable, Slot::document);
        if let Document::Pending = found {
            self.awaited.set(Some(document));
        }
        found
    }

    /// Returns a document if it is available, for requests that do not wait for it.
    pub fn ready(&self, document: usize) -> Option<&V> {
        match self.slots.get(document).map(Slot::document) {
            Some(Document::Ready(value, _)) => Some(value),
            _ => None,
        }
    }

    /// Requests another fetch, because a request needs a newer document. Unless the last such fetch was too
    /// recent, [`wait()`] waits for the new document.
    pub fn refetch(&self, document: usize) -> Result<Asked> {
        let Some(slot) = self.slots.get(document) else { return Ok(Asked::TooSoon) };
        let asked = slot.ask(clock::now()?)?;
        if asked != Asked::TooSoon {
            self.awaited.set(Some(document));
        }
        Ok(asked)
    }

    /// Returns the time until the next poll if no request waits.
    fn next_poll(&self, now: UnixNanos) -> std::time::Duration {
        let lacks = self.slots.iter().any(|slot| !matches!(slot.document(), Document::Ready(..)));
        let changes_at = self.slots.iter().filter_map(|slot| slot.changes_at(now)).min();
        next_poll(lacks, changes_at, now, draw()).into()
    }
}

fn signal(document: usize) -> Signal {
    Signal(u32::try_from(document).unwrap_or(u32::MAX))
}

/// Returns a random number, for jitter and to distinguish leases. If the host provides none, returns the
/// time. That gives no jitter, but still distinguishes leases unless they are taken in the same nanosecond.
fn draw() -> u64 {
    match random::bytes() {
        Ok(bytes) => u64::from_le_bytes(bytes),
        Err(_) => clock::now().map_or(1, |now| now.0),
    }
}

fn log(what: &str, error: Error) {
    tollgate::log::error!("{what}: {error}");
}
