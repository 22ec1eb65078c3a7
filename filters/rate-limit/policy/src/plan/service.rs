//! Checks the section `rate_limit_service`.

use super::check::{self, Span};
use super::{FailureMode, RateLimitService};
use crate::config;
use crate::remote::{Cache, Service};
use tollgate_policy::{ConfigError, FieldPath, Percent};

/// Resolves the section `rate_limit_service`.
pub(super) fn resolve(service: config::RateLimitService) -> Result<RateLimitService, ConfigError> {
    let place = FieldPath::new("rate_limit_service");
    let (failure_mode, deny_percent) = failure_mode(&service, &place)?;
    let timeout = check::span(service.timeout, Span::Wait, &place.field("timeout"))?;
    let cache = cache(&service.cache, &place.field("cache"))?;
    let (cluster, place) = match (service.cluster, service.grpc_service) {
        (Some(cluster), None) => (cluster, place.field("cluster")),
        (None, Some(grpc)) => (
            grpc.envoy_grpc.cluster_name,
            place.field("grpc_service").field("envoy_grpc").field("cluster_name"),
        ),
        (None, None) => return Err(place.error("expected `cluster` or `grpc_service`")),
        (Some(_), Some(_)) => {
            let message = "cannot be combined with `grpc_service`";
            return Err(place.field("cluster").error(message));
        }
    };
    check::text(&cluster, &place)?;
    Ok(RateLimitService { cluster, failure_mode, deny_percent, asked: Service { timeout, cache } })
}

fn failure_mode(
    service: &config::RateLimitService,
    place: &FieldPath,
) -> Result<(FailureMode, Percent), ConfigError> {
    let percent = service.failure_mode_deny_percent;
    let mode = match (service.failure_mode, service.failure_mode_deny) {
        (Some(_), Some(_)) => {
            let message = "cannot be combined with `failure_mode`";
            return Err(place.field("failure_mode_deny").error(message));
        }
        (Some(mode), None) => mode,
        (None, Some(true)) => FailureMode::Deny,
        (None, Some(false)) => FailureMode::Allow,
        // As in Envoy, where it replaces `failure_mode_deny`.
        (None, None) if percent.is_some() => FailureMode::Deny,
        (None, None) => FailureMode::Allow,
    };
    if percent.is_some() && mode != FailureMode::Deny {
        let message = "needs `failure_mode: deny`";
        return Err(place.field("failure_mode_deny_percent").error(message));
    }
    Ok((mode, percent.unwrap_or(Percent::ALL)))
}

fn cache(cache: &config::Cache, place: &FieldPath) -> Result<Cache, ConfigError> {
    place.field("lease_hits").range(cache.lease_hits.into(), 1..=1_000_000)?;
    place.field("overshoot_hits").range(cache.overshoot_hits, 0..=1_000_000)?;
    // Every worker has its own entries, each with a key and its state.
    place.field("max_entries").range(cache.max_entries as u64, 1..=1_000_000)?;
    Ok(Cache {
        over_limit: cache.over_limit,
        lease_hits: cache.lease_hits,
        lease_max_age: check::span(cache.lease_max_age, Span::Memory, &place.field("lease_max_age"))?,
        overshoot_hits: cache.overshoot_hits,
        max_entries: cache.max_entries,
    })
}
