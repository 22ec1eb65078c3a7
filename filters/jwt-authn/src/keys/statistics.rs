//! Statistics of fetches.

use super::Result;
use tollgate::metrics::Counter;

#[derive(Clone, Copy)]
pub(crate) struct Statistics {
    /// Successful fetches of keys, over all workers. The name is Envoy's.
    pub(super) jwks_fetch_success: Counter,
    /// Fetches of keys that failed, with all their retries. The name is Envoy's.
    pub(super) jwks_fetch_failed: Counter,
    /// Failed fetches of keys after which expired keys remained in use.
    pub(super) jwks_stale_used: Counter,
    /// Fetches of keys that a token with an unknown `kid` triggered.
    pub(super) jwks_refetch_unknown_kid: Counter,
    /// Successful fetches of the revocation list.
    pub(super) revocation_fetch_success: Counter,
    /// Fetches of the revocation list that failed, with all their retries.
    pub(super) revocation_fetch_failed: Counter,
    /// Times that a request started to wait for keys or the revocation list.
    pub(super) waited: Counter,
    /// Requests that could not wait, because `max_waiting_requests` was reached.
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
