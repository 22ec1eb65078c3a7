//! Checks a limit.

use super::check::{self, Span};
use super::fingerprint::Fingerprint;
use super::{FailureMode, cost, key, rate};
use crate::config::{self, Concurrency};
use crate::model::{Action, Cost, Limit, LimitService, NamedRates, Override, Overrides, ValueMatch};
use core::hash::Hasher as _;
use tollgate_policy::{ConfigError, FieldPath, Named, Places};

/// Resolves a limit. `failure_mode` is that of the service, if one is configured.
pub(super) fn resolve(
    domain: &str,
    name: String,
    limit: config::Limit,
    failure_mode: Option<FailureMode>,
) -> Result<Limit, ConfigError> {
    let place = FieldPath::new("limits").field(&name);
    check::name(&name, &place)?;
    let nothing = limit.rates.is_empty() && limit.concurrency.is_none() && limit.overrides.is_empty();
    if nothing && limit.service.is_none() {
        return Err(place.error("expected at least one of `rates`, `concurrency` and `service`"));
    }
    let key = key::resolve(limit.key, &place.field("key"))?;
    let mut of_key = Fingerprint::new(domain, &name, &key);
    if let Some(delay) = &limit.delay {
        // With a delay, an entry can owe more than without: it contains the reservations of waiting requests.
        of_key.numbers(&[delay.max_wait.as_nanos()]);
    }
    let mut own = numbers(limit.rates, limit.concurrency, &name, of_key.clone(), &place)?;
    let mut overrides = Vec::new();
    for (index, other) in limit.overrides.into_iter().enumerate() {
        let place = place.field("overrides").at(index);
        let when = when(other.when, &key, &place.field("when"))?;
        let unlimited = other.unlimited;
        match (unlimited, other.rates.is_empty() && other.concurrency.is_none()) {
            (false, true) => return Err(place.error("expected `rates`, `concurrency` or `unlimited: true`")),
            (true, false) => {
                let message = "cannot be combined with `rates` or `concurrency`";
                return Err(place.field("unlimited").error(message));
            }
            _ => {}
        }
        let (no_rates, no_concurrency) = (other.rates.is_empty(), other.concurrency.is_none());
        let mut other = numbers(other.rates, other.concurrency, &name, of_key.clone(), &place)?;
        if no_rates && !unlimited {
            other.rates.clone_from(&own.rates);
            other.fingerprint = own.fingerprint;
        }
        if no_concurrency && !unlimited {
            other.max_in_flight = own.max_in_flight;
        }
        let Numbers { rates, max_in_flight, fingerprint } = other;
        overrides.push(Override { when, rates, max_in_flight, unlimited, fingerprint });
    }
    let counts = counts(&own, &overrides);
    let in_flight =
        own.max_in_flight.is_some() || overrides.iter().any(|other| other.max_in_flight.is_some());
    let service = limit.service.map(|service| {
        if key.is_empty() {
            let message = "needs a `key` in the limit: the service counts by key";
            return Err(place.field("service").error(message));
        }
        // A response can have the quotas of both.
        let policy_name = if counts || in_flight { name.clone() + "-service" } else { name.clone() };
        ask_service(service, policy_name, failure_mode, of_key, &place.field("service"))
    });
    let mut service = service.transpose()?;
    if limit.cost.is_some() && !counts && !service.as_ref().is_some_and(|service| service.hits_addend) {
        let message = "needs `rates`, or a `service` with `hits_addend`";
        return Err(place.field("cost").error(message));
    }
    if let Some(on_response) = &limit.on_response
        && !counts
    {
        let place = place.field("on_response");
        if !service.as_ref().is_some_and(|service| service.hits_addend) {
            return Err(place.error("needs `rates`, or a `service` with `hits_addend`"));
        }
        if on_response.cost_header.is_none() {
            return Err(place.error("expected `cost_header`: without `rates`, no cost can be refunded"));
        }
    }
    let max_wait = match limit.delay {
        None => 0,
        Some(_) if !counts && !in_flight => {
            let message = "needs `rates` or `concurrency`";
            return Err(place.field("delay").error(message));
        }
        Some(delay) => check::span(delay.max_wait, Span::Wait, &place.field("delay").field("max_wait"))?,
    };
    let fallback = service.iter_mut().map(|service| &mut service.fallback);
    let own_rates = [&mut own.rates].into_iter().chain(overrides.iter_mut().map(|other| &mut other.rates));
    for rate in own_rates.chain(fallback).flat_map(|rates| &mut rates.list) {
        *rate = rate.with_max_wait(max_wait);
    }
    let on_response = limit.on_response.map(|on| cost::on_response(on, &place.field("on_response")));
    Ok(Limit {
        cost: limit.cost.map_or(Ok(Cost::Number(1)), |cost| cost::resolve(cost, &place.field("cost")))?,
        on_response: on_response.transpose()?,
        shadow: limit.shadow,
        rates: own.rates,
        max_in_flight: own.max_in_flight,
        in_flight_name: if counts { name.clone() + "-concurrency" } else { name.clone() },
        fingerprint: own.fingerprint,
        overrides: Overrides::new(overrides),
        name,
        key,
        max_wait,
        service,
    })
}

/// Numbers that a limit and its overrides both have.
struct Numbers {
    rates: NamedRates,
    max_in_flight: Option<u32>,
    fingerprint: u64,
}

/// Returns whether a limit has rates, for any key.
fn counts(own: &Numbers, overrides: &[Override]) -> bool {
    !own.rates.list.is_empty() || overrides.iter().any(|other| !other.rates.list.is_empty())
}

fn numbers(
    rates: Vec<config::Rate>,
    concurrency: Option<Concurrency>,
    limit: &str,
    mut fingerprint: Fingerprint,
    place: &FieldPath,
) -> Result<Numbers, ConfigError> {
    let rates = rate::resolve(rates, limit, &mut fingerprint, &place.field("rates"))?;
    let max_in_flight = concurrency.map(|concurrency| concurrency.max_requests);
    if let Some(max) = max_in_flight {
        place.field("concurrency").field("max_requests").range(max.into(), 1..=1_000_000)?;
    }
    Ok(Numbers { rates, max_in_flight, fingerprint: fingerprint.finish() })
}

/// Resolves the conditions of an override to entries of the key.
fn when(
    when: Named<config::ValueMatch>,
    key: &[Action],
    place: &FieldPath,
) -> Result<Vec<(usize, ValueMatch)>, ConfigError> {
    let mut names = Places::default();
    for (index, action) in key.iter().enumerate() {
        names.add(action.descriptor_key.as_bytes(), index);
    }
    let mut resolved = Vec::new();
    for (name, value) in when {
        let index = match names.get(name.as_bytes()) {
            [index] => *index,
            [] => {
                let message = format_args!("the `key` of the limit has no `{name}`, {}", names.known());
                return Err(place.field(&name).error(message));
            }
            several => {
                let message = format_args!(
                    "`{}` entries of the `key` have this name; give each its own `descriptor_key`",
                    several.len()
                );
                return Err(place.field(&name).error(message));
            }
        };
        resolved.push((
            index,
            match value {
                config::ValueMatch::Text(text) => ValueMatch::Text(text),
                config::ValueMatch::Network(network) => ValueMatch::Network(network.cidr),
            },
        ));
    }
    if resolved.is_empty() {
        return Err(
            place.error("expected at least one descriptor key: an empty `when` would match every key")
        );
    }
    Ok(resolved)
}

fn ask_service(
    service: config::LimitService,
    policy_name: String,
    failure_mode: Option<FailureMode>,
    mut fingerprint: Fingerprint,
    place: &FieldPath,
) -> Result<LimitService, ConfigError> {
    let config::LimitService { hits_addend, fallback_rates } = service;
    let local = match failure_mode {
        None => return Err(place.error("needs `rate_limit_service`")),
        Some(mode) => mode == FailureMode::Local,
    };
    let place = place.field("fallback_rates");
    if local && fallback_rates.is_empty() {
        return Err(
            place.error("expected at least one rate, as `rate_limit_service.failure_mode` is `local`")
        );
    }
    if !local && !fallback_rates.is_empty() {
        let message = "needs `rate_limit_service.failure_mode: local`";
        return Err(place.error(message));
    }
    // They may equal the rates of the limit, but are counted separately.
    fingerprint.numbers(&[u64::MAX]);
    let fallback = rate::resolve(fallback_rates, &policy_name, &mut fingerprint, &place)?;
    Ok(LimitService { hits_addend, policy_name, fallback, fingerprint: fingerprint.finish() })
}
