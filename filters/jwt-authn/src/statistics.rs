//! Statistics. Names are Envoy's where Envoy has the same statistic
//! (`source/extensions/filters/http/jwt_authn/stats.h`).

use tollgate::metrics::{Counter, Family};
use tollgate::{Flow, Metrics};
use tollgate_jwt_authn_policy::{CacheLookups, Pass, Reason};
use tollgate_kit::decisions::Outcomes;
use tollgate_kit::fetch::Event;

#[derive(Metrics)]
#[metrics(prefix = "jwt_authn")]
pub(crate) struct Statistics {
    allowed: Counter,
    #[metric(by(reason))]
    denied: Family<Reason>,
    #[metric(by(reason))]
    shadow_denied: Family<Reason>,
    failure_mode_allowed: Counter,
    cors_preflight_bypassed: Counter,
    pub(crate) resource_metadata_served: Counter,
    jwt_cache_hit: Counter,
    jwt_cache_miss: Counter,
    /// Successful fetches of keys, over all workers. The name is Envoy's.
    jwks_fetch_success: Counter,
    /// Fetches of keys that failed, with all their retries. The name is Envoy's.
    jwks_fetch_failed: Counter,
    /// Failed fetches of keys after which expired keys remained in use.
    jwks_stale_used: Counter,
    /// Fetches of keys that a token with an unknown `kid` triggered.
    pub(crate) jwks_refetch_unknown_kid: Counter,
    /// Keys of newly fetched sets that were skipped, because they cannot be used.
    pub(crate) jwks_keys_skipped: Counter,
    /// Successful fetches of the revocation list.
    revocation_fetch_success: Counter,
    /// Fetches of the revocation list that failed, with all their retries.
    revocation_fetch_failed: Counter,
    /// Times that a request started to wait for keys or the revocation list.
    waited: Counter,
    /// Requests that could not wait, because `max_waiting_requests` was reached.
    waiting_overflow: Counter,
}

impl Outcomes<Reason> for Statistics {
    fn counters(&self) -> (&Family<Reason>, &Family<Reason>, Counter) {
        (&self.denied, &self.shadow_denied, self.failure_mode_allowed)
    }
}

impl Statistics {
    pub(crate) fn passed(&self, pass: &Pass<'_>) -> Flow {
        match pass.allowed_by {
            None if pass.preflight => self.cors_preflight_bypassed.increment(),
            None => self.allowed.increment(),
            Some(_) => {}
        }
        self.allow(pass.allowed_by)
    }

    pub(crate) fn looked_up(&self, lookups: CacheLookups) {
        self.jwt_cache_hit.add(lookups.hits);
        self.jwt_cache_miss.add(lookups.misses);
    }

    /// Counts an event of keys, or of the revocation list.
    pub(crate) fn happened(&self, event: Event, of_keys: bool) {
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
