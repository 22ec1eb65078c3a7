//! Fetched keys and the revocation list.

use crate::filter::{JwtAuthn, Worker};
use std::rc::Rc;
use tollgate::State;
use tollgate_jose::{KeySet, Skipped};
use tollgate_jwt_authn_policy::plan::From;
use tollgate_kit::fetch::{Documents, Event, Fetcher};
use tollgate_policy::UnixNanos;

/// A document in use.
pub(crate) enum Value {
    /// Keys, and those that were skipped.
    Keys(Rc<KeySet>, Vec<Skipped>),
    /// The revocation list, which the policy has.
    Revocations,
}

impl Fetcher for Worker {
    type Filter = JwtAuthn;
    type Source = From;
    type Value = Value;

    fn of(filter: &JwtAuthn) -> &State<Self> {
        &filter.0
    }

    fn documents(&mut self) -> &mut Documents<From, Value> {
        &mut self.world.documents
    }

    fn parse(&mut self, document: usize, text: &[u8], now: UnixNanos) -> Result<Value, String> {
        let Some(limits) = self.world.limits.get(document) else {
            let set = self.policy.revocations_mut().set_list(text, now);
            return set.map(|()| Value::Revocations).map_err(|error| error.to_string());
        };
        let (keys, skipped) = KeySet::from_jwks(text, *limits).map_err(|error| error.to_string())?;
        Ok(Value::Keys(Rc::new(keys), skipped))
    }

    fn changed(&mut self, document: usize, value: &Value) {
        let Value::Keys(_, skipped) = value else { return };
        let place = self.world.documents.place(document);
        for skipped in skipped {
            self.world.statistics.jwks_keys_skipped.increment();
            tollgate::log::warn!("{place}: skipping {skipped}");
        }
    }

    fn count(&mut self, document: usize, event: Event) {
        let of_keys = document < self.world.limits.len();
        self.world.statistics.happened(event, of_keys);
    }
}
