//! Statistics of requests. Names are Envoy's where Envoy has the same statistic
//! (`source/extensions/filters/http/jwt_authn/stats.h`).

use tollgate::Metrics;
use tollgate::metrics::{Counter, Family};
use tollgate_jwt_authn_policy::{CacheLookups, Pass, Reason};

#[derive(Metrics)]
#[metrics(prefix = "jwt_authn")]
pub(crate) struct Statistics {
    allowed: Counter,
    denied: Counter,
    cors_preflight_bypassed: Counter,
    shadow_denied: Counter,
    failure_mode_allowed: Counter,
    jwt_cache_hit: Counter,
    jwt_cache_miss: Counter,
    #[metric(name = "denied", by(reason))]
    reasons: Family<Reason>,
}

impl Statistics {
    pub(crate) fn passed(&self, pass: &Pass<'_>) {
        match pass.would_reject {
            None if pass.preflight => self.cors_preflight_bypassed.increment(),
            None => self.allowed.increment(),
            Some(reason) => {
                let total = if reason.status() == 0 { self.failure_mode_allowed } else { self.shadow_denied };
                total.increment();
                self.reasons.increment(reason);
            }
        }
    }

    pub(crate) fn refused(&self, reason: Reason) {
        self.denied.increment();
        self.reasons.increment(reason);
    }

    pub(crate) fn looked_up(&self, lookups: CacheLookups) {
        self.jwt_cache_hit.add(lookups.hits);
        self.jwt_cache_miss.add(lookups.misses);
    }
}
