//! Verifies signatures with the host where it can, and here otherwise.

use super::answer::refused;
use super::{Abilities, accepted, arguments, probe};
use crate::{Algorithm, Family, Key, Verifier, verify};

/// A [`Verifier`] that calls the host's function. `C` takes the arguments and returns the result, or `None`
/// if the call failed for any reason.
///
/// The host's results "valid" and "invalid" are trusted, because [`Self::new`] tests both. After any other
/// result, the signature is verified here.
#[derive(Debug)]
pub struct ByHost<C> {
    call: C,
    abilities: Abilities,
    counts: Counts,
}

/// Number of verifications, by verifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By the host.
    pub by_host: u64,
    /// Here, because the host does not support the algorithm or the signature is malformed.
    pub here: u64,
    /// Here, because the host's call failed or returned no clear result.
    pub fell_back: u64,
}

impl<C: FnMut(&[u8]) -> Option<Vec<u8>>> ByHost<C> {
    /// Tests the abilities of the host, with four calls.
    pub fn new(mut call: C) -> Self {
        let abilities = probe(&mut call);
        Self { call, abilities, counts: Counts::default() }
    }

    /// Returns the abilities of the host.
    pub fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// Returns the number of verifications, by verifier.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Verifies with the host; `None` if it is not called, or returns no clear result.
    fn ask(&mut self, key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> Option<bool> {
        let able = match algorithm.family() {
            Family::RsaPkcs1 => self.abilities.rsa,
            Family::Ecdsa(_) => self.abilities.ecdsa,
            Family::RsaPss | Family::Ed25519 | Family::Hmac => false,
        };
        let Some(args) = able.then(|| arguments(key, algorithm, input, signature)).flatten() else {
            self.counts.here += 1;
            return None;
        };
        let answer = (self.call)(&args).unwrap_or_default();
        let said = accepted(&answer);
        if said || refused(&answer) {
            self.counts.by_host += 1;
            return Some(said);
        }
        self.counts.fell_back += 1;
        None
    }
}

impl<C: FnMut(&[u8]) -> Option<Vec<u8>>> Verifier for ByHost<C> {
    fn verify(&mut self, key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
        let said = self.ask(key, algorithm, input, signature);
        said.unwrap_or_else(|| verify(key, algorithm, input, signature))
    }
}
