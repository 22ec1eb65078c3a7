//! Sets of keys (RFC 7517 section 5), from a JWKS or PEM.

use crate::key::from_pem;
use crate::{Algorithm, Json, Key, KeyError, KeySetError};
use core::fmt;

/// Limits of a key set.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Maximum length of the text in bytes.
    pub bytes: usize,
    /// Maximum number of keys, usable or not. It limits the cost of a token without `kid`, which may need all
    /// of them.
    pub keys: usize,
}

/// A key of a set that was skipped (RFC 7517 section 5: unknown keys are ignored).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Index in `keys`.
    pub index: usize,
    /// `kid`, if it has one.
    pub id: Option<Box<str>>,
    /// Reason.
    pub error: KeyError,
}

/// Describes the key and the reason: ``key 2 `a`: `AKP` is not supported``. Shortens a long `kid`, and
/// escapes its control characters.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 64;
        write!(f, "key {}", self.index)?;
        if let Some(id) = &self.id {
            let more = if id.chars().nth(SHOWN).is_some() { ".." } else { "" };
            let shown: String = id.chars().take(SHOWN).collect();
            write!(f, " `{}{more}`", shown.escape_debug())?;
        }
        write!(f, ": {}", self.error)
    }
}

/// A key of a text that was read, or the reason why it cannot be used.
type Read = (Option<Box<str>>, Result<Vec<Key>, KeyError>);

fn one(jwk: Option<&Json>) -> Read {
    let Some(jwk) = jwk else { return (None, Ok(Vec::new())) };
    let id = jwk.get("kid").and_then(Json::as_str).filter(|id| !id.is_empty());
    (id.map(Into::into), Key::from_jwk(jwk).map(|key| vec![key]))
}

fn certificates(id: &str, pem: &str) -> Read {
    let id: Option<Box<str>> = Some(id).filter(|id| !id.is_empty()).map(Into::into);
    let keys = from_pem(pem).map(|mut keys| {
        keys.iter_mut().for_each(|key| key.id.clone_from(&id));
        keys
    });
    (id, keys)
}

/// The keys of a provider.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    /// Keys, in the order of the text.
    keys: Vec<Key>,
    /// Indices in `keys`, sorted by `kid`; keys without `kid` come first. Keys with the same `kid` are in the
    /// order of the text.
    by_id: Vec<usize>,
}

impl KeySet {
    /// Parses a JWKS, a single JWK, or an object of PEM certificates by `kid`, which Google publishes and
    /// Envoy accepts too. Skips unusable keys and returns them separately. If no key is usable, or if a
    /// member occurs twice in the set or in a key, the whole text is rejected.
    pub fn from_jwks(text: &[u8], limits: Limits) -> Result<(Self, Vec<Skipped>), KeySetError> {
        if text.len() > limits.bytes {
            return Err(KeySetError::TooLarge(limits.bytes));
        }
        let document = Json::parse(text).ok_or(KeySetError::NotAKeySet)?;
        match (document.get("keys"), document.as_object()) {
            (Some(Json::Array(keys)), _) => {
                Self::from_each(keys.len(), limits, &|index| one(keys.get(index)))
            }
            (Some(_), _) | (None, None) => Err(KeySetError::NotAKeySet),
            (None, Some(_)) if document.get("kty").is_some() => {
                Self::from_each(1, limits, &|_| one(Some(&document)))
            }
            (None, Some(members))
                if !members.is_empty() && members.iter().all(|(_, v)| v.as_str().is_some()) =>
            {
                Self::from_each(members.len(), limits, &|index| {
                    let Some((id, pem)) = members.get(index) else { return (None, Ok(Vec::new())) };
                    certificates(id, pem.as_str().unwrap_or_default())
                })
            }
            (None, Some(_)) => Err(KeySetError::NotAKeySet),
        }
    }

    /// Parses one or more public keys or certificates in PEM. They have no `kid`, and match any.
    pub fn from_pem(text: &str) -> Result<Self, KeySetError> {
        from_pem(text).map(Self::new).map_err(|error| KeySetError::NoUsableKey(Some(error)))
    }

    #[inline(never)]
    fn from_each(
        count: usize,
        limits: Limits,
        read: &dyn Fn(usize) -> Read,
    ) -> Result<(Self, Vec<Skipped>), KeySetError> {
        if count > limits.keys {
            return Err(KeySetError::TooManyKeys(limits.keys));
        }
        let mut keys = Vec::new();
        let mut skipped = Vec::new();
        for index in 0..count {
            match read(index) {
                (_, Ok(read)) => keys.extend(read),
                (id, Err(error)) => skipped.push(Skipped { index, id, error }),
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::NoUsableKey(skipped.into_iter().next().map(|skipped| skipped.error)));
        }
        Ok((Self::new(keys), skipped))
    }

    fn new(keys: Vec<Key>) -> Self {
        let id_at = |index: &usize| keys.get(*index).and_then(Key::id);
        let mut by_id: Vec<usize> = Vec::new();
        // `sort_by_key` would add 6 KB of Wasm. There are at most a thousand keys.
        for index in 0..keys.len() {
            let place = by_id.partition_point(|before| id_at(before) <= id_at(&index));
            by_id.insert(place, index);
        }
        Self { keys, by_id }
    }

    /// Returns the keys that may verify a token: those that permit the algorithm. With a `kid`, first the
    /// keys with this `kid`, then those without one, as in Envoy. Without a `kid`, all keys in their order.
    pub fn candidates<'k>(
        &'k self,
        key_id: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'k Key> + use<'k> {
        let named = key_id.map(|id| [self.of_id(Some(id)), self.of_id(None)]);
        let all = if named.is_none() { self.keys.as_slice() } else { &[] };
        let named = named.into_iter().flatten().flatten().filter_map(|index| self.keys.get(*index));
        named.chain(all).filter(move |key| key.permits(algorithm))
    }

    /// Returns the indices of the keys with a `kid`.
    fn of_id(&self, id: Option<&str>) -> &[usize] {
        let id_at = |index: &usize| self.keys.get(*index).and_then(Key::id);
        let start = self.by_id.partition_point(|index| id_at(index) < id);
        let rest = self.by_id.get(start..).unwrap_or_default();
        let end = rest.partition_point(|index| id_at(index) == id);
        rest.get(..end).unwrap_or_default()
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}
