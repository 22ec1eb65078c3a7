//! What a decision asks of the world outside of the request.

use std::rc::Rc;
use tollgate_jose::{KeySet, Verifier};

/// Implemented by the shell, and by tests.
pub trait Environment: Verifier {
    /// The keys of a source that are fetched, by its index in the plan. Keys of the configuration are not asked for.
    fn keys(&self, source: usize) -> Keys;

    /// A token names a `kid` that the source's keys have not. `true`: they are being fetched again, wait.
    fn refetch_for_unknown_kid(&mut self, source: usize) -> bool;

    /// Whether the list of what is revoked is here. Asked only if one is fetched, and for a token that is valid but for
    /// it; the list itself is given to [`crate::Policy::revocations_mut`].
    fn revocation_list(&self) -> RevocationList {
        RevocationList::Unavailable
    }

    /// The SHA-256 of the client's certificate; `None` without one. Asked only if a token is bound to one.
    fn client_certificate_sha256(&mut self) -> Option<[u8; 32]>;

    /// A filter state of an earlier filter. Asked only if there are `filter_state_rules`.
    fn filter_state(&mut self, name: &str) -> Option<Vec<u8>>;
}

/// The keys of a source.
#[derive(Clone, Debug)]
pub enum Keys {
    /// They are here. The generation changes whenever the keys do. Shared, since they are used while the environment
    /// verifies.
    Ready(Rc<KeySet>, u32),
    /// The first fetch is under way.
    Pending,
    /// They cannot be had.
    Unavailable,
}

/// The list of what is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationList {
    /// It was fetched, and is not too old.
    Ready,
    /// The first fetch is under way.
    Pending,
    /// It cannot be had.
    Unavailable,
}
