//! The policy's environment: signatures, keys, and the client's certificate.

use crate::keys::Store;
use tollgate::{foreign, property};
use tollgate_jose::host::{self, Abilities, ByHost};
use tollgate_jose::{Algorithm, Key, Verifier};
use tollgate_jwt_authn_policy::{Environment, Keys, Reason, RevocationList};

/// Calls a function of the host with its arguments.
type Call = fn(&[u8]) -> Option<Vec<u8>>;

pub(crate) struct World {
    pub(crate) store: Store,
    signatures: ByHost<Call>,
}

impl World {
    /// Creates the environment, and tests which signatures the host can verify.
    pub(crate) fn new(store: Store) -> Self {
        let signatures = ByHost::new(verify_signature as Call);
        let Abilities { rsa, ecdsa } = signatures.abilities();
        tollgate::log::debug!("signatures that the host can verify: RSA {rsa}, ECDSA {ecdsa}");
        Self { store, signatures }
    }
}

/// Calls the host. After an error, the filter verifies the signature itself.
fn verify_signature(arguments: &[u8]) -> Option<Vec<u8>> {
    foreign::call(host::FUNCTION, arguments).ok().flatten()
}

impl Verifier for World {
    fn verify(&mut self, key: &Key, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
        self.signatures.verify(key, algorithm, input, signature)
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

    /// Treats an unreadable certificate as absent, so that a token bound to it is rejected.
    fn client_certificate_sha256(&mut self) -> Option<[u8; 32]> {
        property::CONNECTION_SHA256_PEER_CERTIFICATE_DIGEST.get().ok().flatten().map(|digest| digest.0)
    }

    fn filter_state(&mut self, name: &str) -> Result<Option<Vec<u8>>, Reason> {
        property::FILTER_STATE.get_in(&[name]).map_err(|error| {
            tollgate::log::error!("cannot read the filter state `{name}`: {error}");
            Reason::HostError
        })
    }
}
