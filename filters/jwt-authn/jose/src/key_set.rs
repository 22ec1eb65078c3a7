//! A set of keys (RFC 7517 section 5), from a JWKS or from PEM.

use crate::{Algorithm, Key, KeyError, KeySetError};

/// What a key set may weigh.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the text.
    pub bytes: usize,
    /// Of keys, usable or not.
    pub keys: usize,
}

/// A key of the set that is not used, and why (RFC 7517 section 5: what is not understood is ignored).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its place in `keys`.
    pub index: usize,
    /// Why.
    pub error: KeyError,
}

/// The keys of a provider.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

impl KeySet {
    /// Reads a JWKS. Keys that cannot be used are left out and told; that none is left is an error.
    pub fn from_jwks(_text: &[u8], _limits: Limits) -> Result<(Self, Vec<Skipped>), KeySetError> {
        Err(KeySetError::NotAKeySet)
    }

    /// Reads public keys and certificates in PEM, one or several; they have no `kid`.
    pub fn from_pem(_text: &str) -> Result<Self, KeySetError> {
        Err(KeySetError::NotAKeySet)
    }

    /// The keys that may verify a token: those of that `kid` if it names one, else all without regard to `kid`; of them
    /// those that permit the algorithm.
    pub fn candidates<'k>(
        &'k self,
        key_id: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'k Key> {
        let key_id: Option<Box<str>> = key_id.map(Into::into);
        self.keys.iter().filter(move |key| {
            key.permits(algorithm) && key_id.as_deref().is_none_or(|id| key.id() == Some(id))
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}
