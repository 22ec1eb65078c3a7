//! What the policy asks of the world: signatures, keys, the client's certificate.

use tollgate::property;
use tollgate_jose::{Algorithm, InWasm, Key, Verifier};
use tollgate_jwt_authn_policy::{Environment, Keys};

pub(crate) struct World {}

impl World {
    pub(crate) fn new() -> Self {
        Self {}
    }
}

impl Verifier for World {
    fn verify(&mut self, key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
        InWasm.verify(key, algorithm, input, signature)
    }
}

impl Environment for World {
    fn keys(&self, _: usize) -> Keys {
        Keys::Unavailable
    }

    fn refetch_for_unknown_kid(&mut self, _: usize) -> bool {
        false
    }

    fn client_certificate_sha256(&mut self) -> Option<[u8; 32]> {
        None
    }

    fn filter_state(&mut self, name: &str) -> Option<Vec<u8>> {
        property::filter_state(name).ok().flatten()
    }
}
