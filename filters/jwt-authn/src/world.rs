//! What the policy asks of the world: signatures, keys, the client's certificate.

use crate::keys::Store;
use tollgate::property;
use tollgate_jose::{Algorithm, InWasm, Key, Verifier};
use tollgate_jwt_authn_policy::{Environment, Keys, RevocationList};

pub(crate) struct World {
    /// What is fetched.
    pub(crate) store: Store,
}

impl World {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Verifier for World {
    fn verify(&mut self, key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
        InWasm.verify(key, algorithm, input, signature)
    }
}

impl Environment for World {
    fn keys(&self, source: usize) -> Keys {
        self.store.keys(source)
    }

    fn refetch_for_unknown_kid(&mut self, source: usize) -> bool {
        self.store.refetch_for_unknown_kid(source)
    }

    fn revocation_list(&self) -> RevocationList {
        self.store.revocation_list()
    }

    fn client_certificate_sha256(&mut self) -> Option<[u8; 32]> {
        None
    }

    fn filter_state(&mut self, name: &str) -> Option<Vec<u8>> {
        property::filter_state(name).ok().flatten()
    }
}
