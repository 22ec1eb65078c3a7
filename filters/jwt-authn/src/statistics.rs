//! Statistics of requests. Names are Envoy's where Envoy has the same statistic
//! (`source/extensions/filters/http/jwt_authn/stats.h`).

use tollgate::Metrics;
use tollgate::metrics::{Counter, Family};
use tollgate_jwt_authn_policy::{CacheLookups, Pass, Reason};
use tollgate_policy::AllowedBy;

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
    resource_metadata_served: Counter,
    jwt_cache_hit: Counter,
    jwt_cache_miss: Counter,
}

impl Statistics {
    pub(crate) fn passed(&self, pass: &Pass<'_>) {
        match pass.allowed_by {
            None if pass.preflight => self.cors_preflight_bypassed.increment(),
            None => self.allowed.increment(),
            Some(AllowedBy::Shadow(reason)) => self.shadow_denied.increment(reason),
            Some(AllowedBy::FailureMode(_)) => self.failure_mode_allowed.increment(),
        }
    }

    pub(crate) fn metadata_served(&self) {
        self.resource_metadata_served.increment();
    }

    pub(crate) fn refused(&self, reason: Reason) {
        self.denied.increment(reason);
    }

    pub(crate) fn looked_up(&self, lookups: CacheLookups) {
        self.jwt_cache_hit.add(lookups.hits);
        self.jwt_cache_miss.add(lookups.misses);
    }
}
