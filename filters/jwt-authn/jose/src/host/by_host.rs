//! Verifies by the host what it can do, and here what it cannot.

use super::answer::refused;
use super::{Abilities, accepted, arguments, probe};
use crate::{Algorithm, Family, Key, Verifier, verify};

/// A [`Verifier`] on a way to call the host's function: it takes the arguments and gives the answer, or `None` if the
/// call failed for whatever reason.
///
/// What the host accepts and what it refuses is believed, for both were tried when this was made; whatever else it says
/// is not an answer, and the signature is verified here.
#[derive(Debug)]
pub struct ByHost<C> {
    call: C,
    abilities: Abilities,
    counts: Counts,
}

/// Who verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The host.
    pub by_host: u64,
    /// This code, because the host does not do the algorithm, or there was nothing to ask it.
    pub here: u64,
    /// This code, because the host had been asked and did not say.
    pub fell_back: u64,
}

impl<C: FnMut(&[u8]) -> Option<Vec<u8>>> ByHost<C> {
    /// Finds out what the host can do, by calling it four times.
    pub fn new(mut call: C) -> Self {
        let abilities = probe(&mut call);
        Self { call, abilities, counts: Counts::default() }
    }

    /// What the host can do.
    pub fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// Who has verified how often.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What the host says; `None` if it is not asked, or does not say.
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
