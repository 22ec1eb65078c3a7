//! The policy's environment: fetched keys and the revocation list, signatures, and the client's certificate.

use crate::fetch::Value;
use crate::statistics::Statistics;
use std::rc::Rc;
use tollgate::{ConfigError, foreign, property};
use tollgate_jose::host::{self, Abilities, ByHost};
use tollgate_jose::{Algorithm, Key, Limits, Verifier};
use tollgate_jwt_authn_policy::plan::{From, Plan, Source};
use tollgate_jwt_authn_policy::{Environment, Keys, Reason, RevocationList};
use tollgate_kit::fetch::{Document, Documents};
use tollgate_policy::fetch::Asked;

/// Calls a function of the host with its arguments.
type Call = fn(&[u8]) -> Option<Vec<u8>>;

pub(crate) struct World {
    /// Fetched documents: keys, and then the revocation list.
    pub(crate) documents: Documents<From, Value>,
    /// Document of each source of the plan; `None` for keys in the configuration.
    of_source: Vec<Option<usize>>,
    /// Limits of the keys of each document.
    pub(crate) limits: Vec<Limits>,
    signatures: ByHost<Call>,
    pub(crate) statistics: Statistics,
}

impl World {
    /// Creates the environment of a plan, and tests which signatures the host can verify.
    pub(crate) fn new(plan: &Plan) -> Result<Self, ConfigError> {
        let signatures = ByHost::new(verify_signature as Call);
        let Abilities { rsa, ecdsa } = signatures.abilities();
        tollgate::log::debug!("signatures that the host can verify: RSA {rsa}, ECDSA {ecdsa}");
        let mut documents = Documents::new("jwt_authn", plan.config.max_waiting_requests.0);
        let mut limits = Vec::new();
        let add = |source: &Source| match source {
            Source::Local(_) => None,
            Source::Remote(remote) => {
                limits.push(Limits { bytes: remote.max_bytes, keys: remote.max_keys });
                Some(documents.add(remote.rules(), remote.from.clone()))
            }
        };
        let of_source = plan.sources.iter().map(add).collect();
        if let Some(revocation) = &plan.revocation {
            documents.add(revocation.rules(), From::Uri(revocation.uri.clone()));
        }
        let statistics = Statistics::define(plan.config.enforcement.stat_prefix.as_str())?;
        Ok(Self { documents, of_source, limits, signatures, statistics })
    }

    fn of_source(&self, source: usize) -> Option<usize> {
        self.of_source.get(source).copied().flatten()
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
        let Some(document) = self.of_source(source) else { return Keys::Unavailable };
        match self.documents.get(document) {
            Document::Ready(Value::Keys(keys, _), generation) => Keys::Ready(Rc::clone(keys), generation),
            Document::Pending => Keys::Pending,
            Document::Ready(Value::Revocations, _) | Document::Unavailable => Keys::Unavailable,
        }
    }

    fn refetch_for_unknown_kid(&mut self, source: usize) -> bool {
        let Some(document) = self.of_source(source) else { return false };
        let asked = self.documents.refetch(document).unwrap_or_else(|error| {
            tollgate::log::error!("cannot fetch keys again for an unknown kid: {error}");
            Asked::TooSoon
        });
        self.statistics.jwks_refetch_unknown_kid.add(matches!(asked, Asked::Granted(_)).into());
        asked != Asked::TooSoon
    }

    fn revocation_list(&self) -> RevocationList {
        match self.documents.get(self.limits.len()) {
            Document::Ready(..) => RevocationList::Ready,
            Document::Pending => RevocationList::Pending,
            Document::Unavailable => RevocationList::Unavailable,
        }
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
