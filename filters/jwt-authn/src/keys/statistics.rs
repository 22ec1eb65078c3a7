//! What is counted of fetching.

use tollgate::Result;
use tollgate::metrics::Counter;

#[derive(Clone, Copy)]
pub(crate) struct Statistics {
    /// Fetches of keys that succeeded, over all workers. Envoy's name.
    pub(super) jwks_fetch_success: Counter,
    /// Fetches of keys that failed with all their retries. Envoy's name.
    pub(super) jwks_fetch_failed: Counter,
    /// Of those, the ones after which keys went on being used that were past their time.
    pub(super) jwks_stale_used: Counter,
    /// Fetches that a token with an unknown `kid` has caused.
    pub(super) jwks_refetch_unknown_kid: Counter,
    /// Fetches of the list of what is revoked.
    pub(super) revocation_fetch_success: Counter,
    /// The same, failed with all retries.
    pub(super) revocation_fetch_failed: Counter,
    /// How often a request began to wait for keys or for the list.
    pub(super) waited: Counter,
    /// Requests that would have had to wait when as many as may were waiting already.
    pub(super) waiting_overflow: Counter,
}

impl Statistics {
    pub(super) fn define(prefix: &str) -> Result<Self> {
        let dot = if prefix.is_empty() { "" } else { "." };
        let counter = |name: &str| Counter::define(&format!("jwt_authn.{prefix}{dot}{name}"));
        Ok(Self {
            jwks_fetch_success: counter("jwks_fetch_success")?,
            jwks_fetch_failed: counter("jwks_fetch_failed")?,
            jwks_stale_used: counter("jwks_stale_used")?,
            jwks_refetch_unknown_kid: counter("jwks_refetch_unknown_kid")?,
            revocation_fetch_success: counter("revocation_fetch_success")?,
            revocation_fetch_failed: counter("revocation_fetch_failed")?,
            waited: counter("waited")?,
            waiting_overflow: counter("waiting_overflow")?,
        })
    }
}
