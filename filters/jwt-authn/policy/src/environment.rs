//! Inputs of a decision that are not part of the request.

use crate::Reason;
use std::rc::Rc;
use tollgate_jose::{KeySet, Verifier};

/// Inputs of a decision that are not part of the request. The shell and the tests implement it.
pub trait Environment: Verifier {
    /// Returns the fetched keys of a source, by its index in the plan. Not called for keys in the
    /// configuration.
    fn keys(&self, source: usize) -> Keys;

    /// Requests another fetch, because a token has a `kid` that the source's keys do not have. Returns `true`
    /// if the request should wait for the fetch.
    fn refetch_for_unknown_kid(&mut self, source: usize) -> bool;

    /// Returns whether the revocation list is available. Called only if a list is configured, for a token
    /// that passed all other checks. [`crate::Policy::revocations_mut`] receives the list itself.
    fn revocation_list(&self) -> RevocationList {
        RevocationList::Unavailable
    }

    /// Returns the SHA-256 of the client's certificate; `None` without a certificate. Called only for tokens
    /// that are bound to one.
    fn client_certificate_sha256(&mut self) -> Option<[u8; 32]>;

    /// Returns a filter state of an earlier filter; [`Reason::HostError`] if it cannot be read. Called only
    /// with `filter_state_rules`.
    fn filter_state(&mut self, name: &str) -> Result<Option<Vec<u8>>, Reason>;
}

/// State of a source's keys.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Available keys, and their generation, which changes with the keys. The keys are shared, because they
    /// are used while the environment verifies.
    Ready(Rc<KeySet>, u32),
    /// The first fetch is in progress.
    Pending,
    /// The keys are unavailable.
    Unavailable,
}

/// State of the revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationList {
    /// The list is available and not too old.
    Ready,
    /// The first fetch is in progress.
    Pending,
    /// The list is unavailable.
    Unavailable,
}
