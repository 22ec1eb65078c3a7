//! Statistics of requests. Names are Envoy's where Envoy has the same statistic
//! (`source/extensions/filters/http/jwt_authn/stats.h`).

use tollgate::Error;
use tollgate::metrics::Counter;
use tollgate_jwt_authn_policy::{CacheLookups, Pass, Reason};

pub(crate) struct Statistics {
    allowed: Counter,
    denied: Counter,
    cors_preflight_bypassed: Counter,
    shadow_denied: Counter,
    failure_mode_allowed: Counter,
    jwt_cache_hit: Counter,
    jwt_cache_miss: Counter,
    reasons: [Counter; Reason::ALL.len()],
}

impl Statistics {
    /// Defines the counters. `prefix` follows the name of the filter in each name.
    pub(crate) fn define(prefix: &str) -> Result<Self, Error> {
        let dot = if prefix.is_empty() { "" } else { "." };
        let counter = |name: &str| Counter::define(&format!("jwt_authn.{prefix}{dot}{name}"));
        let denied = counter("denied")?;
        let mut reasons = [denied; Reason::ALL.len()];
        for (counter_of, reason) in reasons.iter_mut().zip(Reason::ALL) {
            *counter_of = counter(&format!("denied.{}", reason.name()))?;
        }
        Ok(Self {
            allowed: counter("allowed")?,
            denied,
            cors_preflight_bypassed: counter("cors_preflight_bypassed")?,
            shadow_denied: counter("shadow_denied")?,
            failure_mode_allowed: counter("failure_mode_allowed")?,
            jwt_cache_hit: counter("jwt_cache_hit")?,
            jwt_cache_miss: counter("jwt_cache_miss")?,
            reasons,
        })
    }

    pub(crate) fn passed(&self, pass: &Pass<'_>) {
        match pass.would_reject {
            None if pass.preflight => self.cors_preflight_bypassed.increment(),
            None => self.allowed.increment(),
            Some(reason) => {
                let total = if reason.status() == 0 { self.failure_mode_allowed } else { self.shadow_denied };
                total.increment();
                self.count(reason);
            }
        }
    }

    pub(crate) fn refused(&self, reason: Reason) {
        self.denied.increment();
        self.count(reason);
    }

    pub(crate) fn looked_up(&self, lookups: CacheLookups) {
        self.jwt_cache_hit.add(lookups.hits);
        self.jwt_cache_miss.add(lookups.misses);
    }

    fn count(&self, reason: Reason) {
        if let Some(counter) = self.reasons.get(reason as usize) {
            counter.increment();
        }
    }
}
