//! Statistics of fetches.

use tollgate::Metrics;
use tollgate::metrics::Counter;
use tollgate_kit::fetch::Event;

#[derive(Clone, Copy, Metrics)]
#[metrics(prefix = "jwt_authn")]
pub(crate) struct Statistics {
    /// Successful fetches of keys, over all workers. The name is Envoy's.
    pub(super) jwks_fetch_success: Counter,
    /// Fetches of keys that failed, with all their retries. The name is Envoy's.
    pub(super) jwks_fetch_failed: Counter,
    /// Failed fetches of keys after which expired keys remained in use.
    pub(super) jwks_stale_used: Counter,
    /// Fetches of keys that a token with an unknown `kid` triggered.
    pub(super) jwks_refetch_unknown_kid: Counter,
    /// Keys of newly fetched sets that were skipped, because they cannot be used.
    pub(super) jwks_keys_skipped: Counter,
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
    /// Counts an event of keys, or of the revocation list.
    pub(super) fn count(&self, event: Event, of_keys: bool) {
        match event {
            Event::Fetched if of_keys => self.jwks_fetch_success.increment(),
            Event::Fetched => self.revocation_fetch_success.increment(),
            Event::Failed { stale } if of_keys => {
                self.jwks_fetch_failed.increment();
                self.jwks_stale_used.add(stale.into());
            }
            Event::Failed { .. } => self.revocation_fetch_failed.increment(),
            Event::Waited => self.waited.increment(),
            Event::WaitingOverflow => self.waiting_overflow.increment(),
        }
    }
}
