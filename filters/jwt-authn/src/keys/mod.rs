//! Fetched keys and the revocation list.

mod statistics;

use crate::filter::{JwtAuthn, Worker};
use statistics::Statistics;
use std::rc::Rc;
use tollgate::{ConfigError, State};
use tollgate_jose::{KeySet, Limits, Skipped};
use tollgate_jwt_authn_policy::plan::{From, Plan, Source};
use tollgate_jwt_authn_policy::{Keys, RevocationList};
use tollgate_kit::fetch::{Document, Documents, Event, Fetcher};
use tollgate_policy::UnixNanos;
use tollgate_policy::fetch::Asked;

/// A document in use.
pub(crate) enum Value {
    /// Keys, and those that were skipped.
    Keys(Rc<KeySet>, Vec<Skipped>),
    /// The revocation list, which the policy has.
    Revocations,
}

/// All documents that a worker has: keys, and then the revocation list.
pub(crate) struct Store {
    documents: Documents<From, Value>,
    /// Document of each source of the plan; `None` for keys in the configuration.
    of_source: Vec<Option<usize>>,
    /// Limits of the keys of each document.
    limits: Vec<Limits>,
    statistics: Statistics,
}

impl Store {
    /// Creates the documents of a plan.
    pub(crate) fn new(plan: &Plan) -> Result<Self, ConfigError> {
        let mut documents = Documents::new("jwt_authn", plan.config.max_waiting_requests.0);
        let mut limits = Vec::new();
        let mut of_source = Vec::with_capacity(plan.sources.len());
        for source in &plan.sources {
            of_source.push(match source {
                Source::Local(_) => None,
                Source::Remote(remote) => {
                    limits.push(Limits { bytes: remote.max_bytes, keys: remote.max_keys });
                    Some(documents.add(remote.rules(), remote.from.clone()))
                }
            });
        }
        if let Some(revocation) = &plan.revocation {
            documents.add(revocation.rules(), From::Uri(revocation.uri.clone()));
        }
        let statistics = Statistics::define(plan.config.enforcement.stat_prefix.as_str())?;
        Ok(Self { documents, of_source, limits, statistics })
    }

    /// Returns the fetched keys of a source of the plan.
    pub(crate) fn keys(&self, source: usize) -> Keys {
        let Some(document) = self.of_source(source) else { return Keys::Unavailable };
        match self.documents.get(document) {
            Document::Ready(Value::Keys(keys, _), generation) => Keys::Ready(Rc::clone(keys), generation),
            Document::Pending => Keys::Pending,
            Document::Ready(Value::Revocations, _) | Document::Unavailable => Keys::Unavailable,
        }
    }

    /// Returns whether the revocation list is available.
    pub(crate) fn revocation_list(&self) -> RevocationList {
        match self.documents.get(self.limits.len()) {
            Document::Ready(..) => RevocationList::Ready,
            Document::Pending => RevocationList::Pending,
            Document::Unavailable => RevocationList::Unavailable,
        }
    }

    /// Requests a fetch for a token whose `kid` is unknown. Returns `true` if the request should wait for
    /// newer keys.
    pub(crate) fn refetch_for_unknown_kid(&self, source: usize) -> bool {
        let Some(document) = self.of_source(source) else { return false };
        match self.documents.refetch(document) {
            Ok(Asked::Granted(_)) => {
                self.statistics.jwks_refetch_unknown_kid.increment();
                true
            }
            Ok(Asked::UnderWay) => true,
            Ok(Asked::TooSoon) => false,
            Err(error) => {
                tollgate::log::error!("cannot fetch keys again for an unknown kid: {error}");
                false
            }
        }
    }

    fn of_source(&self, source: usize) -> Option<usize> {
        self.of_source.get(source).copied().flatten()
    }
}

impl Fetcher for Worker {
    type Filter = JwtAuthn;
    type Source = From;
    type Value = Value;

    fn of(filter: &JwtAuthn) -> &State<Self> {
        &filter.0
    }

    fn documents(&mut self) -> &mut Documents<From, Value> {
        &mut self.world.store.documents
    }

    fn parse(&mut self, document: usize, text: &[u8], now: UnixNanos) -> Result<Value, String> {
        let Some(limits) = self.world.store.limits.get(document) else {
            let set = self.policy.revocations_mut().set_list(text, now);
            return set.map(|()| Value::Revocations).map_err(|error| error.to_string());
        };
        let (keys, skipped) = KeySet::from_jwks(text, *limits).map_err(|error| error.to_string())?;
        Ok(Value::Keys(Rc::new(keys), skipped))
    }

    fn changed(&mut self, document: usize, value: &Value) {
        let Value::Keys(_, skipped) = value else { return };
        let store = &self.world.store;
        let place = store.documents.place(document);
        for skipped in skipped {
            store.statistics.jwks_keys_skipped.increment();
            tollgate::log::warn!("{place}: skipping {skipped}");
        }
    }

    fn count(&mut self, document: usize, event: Event) {
        let store = &self.world.store;
        store.statistics.count(event, document < store.limits.len());
    }
}
