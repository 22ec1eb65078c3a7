//! Keys of requests. Envoy's rate limit actions (`config.route.v3.RateLimit.Action`), and a few more, produce
//! their entries.
//!
//! The actions have two results. [`place`] hashes the values to find the place of the key; this happens for
//! each request, without allocating text. [`entries`] writes them as text for the rate limit service, and for
//! people. The hash covers the whole value, regardless of its length: a cut value could give two clients the
//! same key. The time for this is small compared with what the value already costs the proxy.

mod cost;
mod facts;

pub use facts::Facts;

use crate::Environment;
use crate::model::{Action, IfAbsent, Limit, Value};
use tollgate_counting::table::{KeyHasher, Place, Placer};

/// Entry of a descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Descriptor key, such as `remote_address`.
    pub key: &'a str,
    /// Value as text.
    pub value: std::borrow::Cow<'a, str>,
}

/// Key of a request for a limit.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Place of the key in the table.
    pub place: Place,
    /// Index of the override that applies to the key.
    pub overridden: Option<usize>,
}

/// Returns the key of a request for a limit; `None` if the limit does not apply to the request.
pub fn find<'a>(
    limit: &'a Limit,
    facts: &mut Facts<'a>,
    env: &mut dyn Environment,
    placer: &Placer,
) -> Option<Key> {
    if limit.overrides.list().is_empty() {
        let place = place(&limit.key, facts, env, placer.key(limit.fingerprint))?;
        return Some(Key { place, overridden: None });
    }
    let mut values = Vec::with_capacity(limit.key.len());
    for action in &limit.key {
        values.push(value(action, facts, env)?);
    }
    let overridden = limit.overrides.find(&values);
    let chosen = overridden.and_then(|index| limit.overrides.list().get(index));
    let mut hasher = placer.key(chosen.map_or(limit.fingerprint, |found| found.fingerprint));
    for (action, value) in limit.key.iter().zip(&values) {
        hash(action, value.as_ref(), &mut hasher);
    }
    Some(Key { place: hasher.place(), overridden })
}

/// Returns the place of the key that the actions produce for a request; `None` if they produce no key.
/// `hasher` already contains the fingerprint of the limit.
pub fn place<'a>(
    actions: &'a [Action],
    facts: &mut Facts<'a>,
    env: &mut dyn Environment,
    mut hasher: KeyHasher,
) -> Option<Place> {
    for action in actions {
        let value = value(action, facts, env)?;
        hash(action, value.as_ref(), &mut hasher);
    }
    Some(hasher.place())
}

/// Returns the descriptor that the actions produce for a request; `None` if they produce none.
pub fn entries<'a>(
    actions: &'a [Action],
    facts: &mut Facts<'a>,
    env: &mut dyn Environment,
) -> Option<Vec<Entry<'a>>> {
    let mut entries = Vec::with_capacity(actions.len());
    for action in actions {
        if let Some(value) = value(action, facts, env)? {
            entries.push(Entry { key: &action.descriptor_key, value: value.into_text() });
        }
    }
    Some(entries)
}

/// Returns the value of an action: `Some(None)` if its entry is left out, `None` if there is no key.
fn value<'a>(
    action: &'a Action,
    facts: &mut Facts<'a>,
    env: &mut dyn Environment,
) -> Option<Option<Value<'a>>> {
    match facts.value(&action.source, &action.if_absent, env) {
        None if action.if_absent != IfAbsent::Skip => None,
        value => Some(value),
    }
}

/// Adds a value to a hash. For an action that may be left out, adds whether it is present. Otherwise, a key
/// without the first entry could equal one without the second.
fn hash(action: &Action, value: Option<&Value<'_>>, hasher: &mut KeyHasher) {
    if action.if_absent == IfAbsent::Skip {
        hasher.value(&[u8::from(value.is_some())]);
    }
    if let Some(value) = value {
        value.hash(hasher);
    }
}

#[cfg(test)]
mod tests;
