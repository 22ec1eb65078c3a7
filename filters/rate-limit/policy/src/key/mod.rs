//! Whom a request is counted for: descriptor entries, by Envoy's rate limit actions
//! (`config.route.v3.RateLimit.Action`) and a few more.
//!
//! The same actions come to two things. [`place`] tells values to the hash that says where a key is kept, on each request
//! and without writing anything down; [`entries`] writes them as text for the rate limit service, and for people. Hashing
//! looks at all of a value, whatever its length: it takes time in proportion, which whoever sent it already cost the proxy
//! many times over, and a value that was cut would make one key of two clients.

mod action;
mod cost;
mod facts;
mod overrides;
mod path;
mod text;
mod value;

pub use action::{Action, Entry, IfAbsent, Source, property};
pub use facts::Facts;
pub use overrides::Overrides;
pub use path::normal_path;
pub use text::MAX_LEN;

use crate::Environment;
use crate::plan::Limit;
use crate::table::{KeyHasher, Place, Placer};
use value::Value;

/// Whom a limit counts a request for.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Where what is kept of them is.
    pub place: Place,
    /// What holds for them in place of what the limit says, as an index of its overrides.
    pub overridden: Option<usize>,
}

/// Whom a limit counts a request for; `None` if it does not count it.
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

/// The place of the key that the actions make of a request, begun with what it is a key of; `None` if they make none.
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

/// The descriptor that the actions make of a request; `None` if they make none.
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

/// The value of an action, `Some(None)` if it is left out, `None` if there is no key.
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

/// Whether it is there is told of an action that may be left out: or one without the first would be one without the second.
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
