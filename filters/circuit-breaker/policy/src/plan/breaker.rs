//! Checks a breaker.

use super::Response;
use crate::admission::Admission;
use crate::config::{self, KeyPart, Mode};
use crate::gradient::{Gradient, histogram};
use crate::key::{Part, property};
use crate::machine::{Numbers, OpenTime};
use crate::record::Layout;
use crate::record::time_window::INTERVALS;
use crate::result::{SERVICE_TIME, Verdicts};
use crate::window::Window;
use core::hash::{Hash, Hasher};
use std::hash::DefaultHasher;
use tollgate_policy::{ConfigError, Duration, FieldPath, HeaderName, HeaderValue, Percent, ResponseFacts};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// A breaker, resolved.
#[derive(Debug)]
pub struct Breaker {
    /// Name in statistics and logs.
    pub name: String,
    /// Parts of the key.
    pub(crate) key: Vec<Part>,
    pub(crate) mode: Mode,
    pub(crate) numbers: Numbers,
    pub(crate) layout: Layout,
    pub(crate) verdicts: Verdicts,
    /// Time from which a request is slow, in nanoseconds.
    pub(crate) slow: Option<u64>,
    pub(crate) gradient: Option<Gradient>,
    pub(crate) admission: Option<Admission>,
    pub(crate) fallback: Option<(HeaderName, HeaderValue)>,
    pub(crate) response: Option<Response>,
    pub(crate) shadow: bool,
    /// Hash of the name, the key, the numbers and the shadow mode, for places in shared memory. Filters with
    /// different configurations, such as those before and after an update, do not share a state.
    pub(crate) key_fingerprint: u64,
}

impl Breaker {
    /// Checks and resolves a breaker.
    pub(super) fn new(
        index: usize,
        name: String,
        breaker: config::Breaker,
        shadow: bool,
    ) -> Result<Self, ConfigError> {
        let place = FieldPath::new("breakers").field(&name);
        check_name(&name, &place)?;
        check_triggers(&breaker, &place)?;
        check_effects(&breaker, &place)?;
        let window = window(breaker.window.as_ref(), &place.field("window"))?;
        let (minimum_requests, failure_count) = counts(&breaker, window, &place)?;
        if let Some(count) = breaker.consecutive_failures {
            place.field("consecutive_failures").range(count.into(), 1..=1_000_000)?;
        }
        let half_open = breaker.half_open.clone().unwrap_or_default();
        let slow = breaker.slow_requests.as_ref();
        let slow_place = place.field("slow_requests").field("duration");
        let slow_time = slow.map(|slow| span(slow.duration, MS, HOUR, &slow_place)).transpose()?;
        let key = parts(breaker.key, &place.field("key"))?;
        let gradient =
            breaker.concurrency.map(|of| gradient(&of, &place.field("concurrency"))).transpose()?;
        let admission = breaker.admission_control;
        let admission =
            admission.map(|of| admission_control(&of, &place.field("admission_control"))).transpose()?;
        let per_million = |percent: Option<Percent>| percent.map(Percent::per_million);
        let mut numbers = Numbers {
            window,
            consecutive_failures: breaker.consecutive_failures,
            failure_count,
            failure_rate: per_million(breaker.failure_rate),
            slow_rate: per_million(slow.map(|slow| slow.rate)),
            minimum_requests,
            open: open(&breaker.open.unwrap_or_default(), &place.field("open"))?,
            probes: half_open.probes,
            half_open: span(
                half_open.max_duration,
                MS,
                DAY,
                &place.field("half_open").field("max_duration"),
            )?,
            fingerprint: 0,
            breaker: index as u16,
        };
        let layout =
            Layout { window: window.bytes(), admission: admission.is_some(), gradient: gradient.is_some() };
        numbers.fingerprint = fingerprint(&(numbers.identity(), layout, breaker.mode as u8)) as u32 | 1;
        Ok(Self {
            key_fingerprint: fingerprint(&(&name, &key, numbers.fingerprint, shadow || breaker.shadow)),
            name,
            key,
            mode: breaker.mode,
            numbers,
            layout,
            verdicts: Verdicts { failures: breaker.failures, ignored: breaker.ignored },
            slow: slow_time,
            gradient,
            admission,
            fallback: breaker.fallback.map(|fallback| (fallback.header.name().clone(), fallback.value)),
            response: breaker
                .response
                .map(|response| Response::new(response, &place.field("response")))
                .transpose()?,
            shadow: breaker.shadow,
        })
    }

    /// Returns whether a request that took this time in nanoseconds is slow.
    pub(crate) fn is_slow(&self, took: u64) -> bool {
        self.slow.is_some_and(|slow| took >= slow)
    }

    /// Returns the time of the upstream, for a request that took `took` nanoseconds. A client that sends its
    /// body slowly does not make a request slow.
    pub(crate) fn upstream_time(&self, took: u64, response: &ResponseFacts<'_>) -> u64 {
        let time = || str::from_utf8(response.headers.first(SERVICE_TIME)?).ok()?.parse::<u64>().ok();
        // Envoy rounds down.
        let bound = |ms: u64| took.min(ms.saturating_add(1).saturating_mul(MS));
        if self.is_slow(took) { time().map_or(took, bound) } else { took }
    }

    /// Returns whether outcomes open the breaker.
    pub(crate) fn has_triggers(&self) -> bool {
        self.mode == Mode::Automatic
    }
}

/// Checks the name of a breaker, which is part of the names of statistics.
fn check_name(name: &str, place: &FieldPath) -> Result<(), ConfigError> {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(valid) {
        return Ok(());
    }
    let name = name.escape_debug();
    Err(place.error(format_args!("invalid name `{name}`, expected 1 to 64 letters, digits and `_-`")))
}

fn check_triggers(breaker: &config::Breaker, place: &FieldPath) -> Result<(), ConfigError> {
    let given = breaker.failure_rate.is_some()
        || breaker.failure_count.is_some()
        || breaker.consecutive_failures.is_some()
        || breaker.slow_requests.is_some()
        || breaker.concurrency.is_some()
        || breaker.admission_control.is_some();
    if given || breaker.mode != Mode::Automatic {
        return Ok(());
    }
    Err(place.error(
        "expected at least one of `failure_rate`, `failure_count`, `consecutive_failures`, `slow_requests`, \
         `concurrency`, `admission_control`",
    ))
}

/// Rejects fields that would have no effect.
fn check_effects(breaker: &config::Breaker, place: &FieldPath) -> Result<(), ConfigError> {
    let has_rate = breaker.failure_rate.is_some() || breaker.slow_requests.is_some();
    let has_states = has_rate || breaker.failure_count.is_some() || breaker.consecutive_failures.is_some();
    let (rates, states) = (
        "needs `failure_rate` or `slow_requests`",
        "needs `failure_rate`, `failure_count`, `consecutive_failures` or `slow_requests`",
    );
    let is_automatic = breaker.mode == Mode::Automatic;
    let failures = &breaker.failures;
    for (is_useless, field, message) in [
        (is_automatic && !has_rate && breaker.minimum_requests.is_some(), "minimum_requests", rates),
        (is_automatic && !has_states && breaker.window.is_some(), "window", states),
        (is_automatic && !has_states && breaker.open.is_some(), "open", states),
        (is_automatic && !has_states && breaker.half_open.is_some(), "half_open", states),
        (
            breaker.fallback.is_some() && breaker.response.is_some(),
            "response",
            "cannot be combined with `fallback`",
        ),
    ] {
        if is_useless {
            return Err(place.field(field).error(message));
        }
    }
    if failures.incomplete_responses && !failures.resets && !failures.timeouts {
        let place = place.field("failures").field("incomplete_responses");
        return Err(place.error("needs `resets` or `timeouts`"));
    }
    Ok(())
}

fn window(window: Option<&config::Window>, place: &FieldPath) -> Result<Window, ConfigError> {
    match window.map_or((None, None), |window| (window.requests, window.duration)) {
        (Some(_), Some(_)) => Err(place.error("expected either `requests` or `duration`")),
        (_, Some(duration)) => {
            Ok(Window::Time(span(duration, 100 * MS, HOUR, &place.field("duration"))? / INTERVALS))
        }
        (requests, None) => Ok(Window::Requests(requests.unwrap_or(100))),
    }
}

/// Returns `minimum_requests` and `failure_count`. A count that the window cannot reach is an error, as the
/// breaker would never open.
fn counts(
    breaker: &config::Breaker,
    window: Window,
    place: &FieldPath,
) -> Result<(u32, Option<u32>), ConfigError> {
    let most = match window {
        Window::Requests(size) => size.into(),
        Window::Time(_) => 1_000_000,
    };
    let minimum = breaker.minimum_requests.unwrap_or(most.min(100));
    place.field("minimum_requests").range(minimum.into(), 1..=most.into())?;
    if let Some(count) = breaker.failure_count {
        place.field("failure_count").range(count.into(), 1..=most.into())?;
    }
    Ok((minimum, breaker.failure_count))
}

fn open(open: &config::Open, place: &FieldPath) -> Result<OpenTime, ConfigError> {
    let first = span(open.duration, MS, DAY, &place.field("duration"))?;
    let longest = match open.max_duration {
        None => first.max(600 * SECOND),
        Some(longest) => span(longest, first, DAY, &place.field("max_duration"))?,
    };
    let growth = number(open.growth, 1.0, 10.0, &place.field("growth"))?;
    Ok(OpenTime { first, growth, longest, jitter: open.jitter.per_million() })
}

fn parts(parts: Vec<KeyPart>, place: &FieldPath) -> Result<Vec<Part>, ConfigError> {
    place.range(parts.len() as u64, 0..=8)?;
    let mut resolved = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        let place = place.at(index);
        resolved.push(match part {
            KeyPart::Cluster(_) => Part::Property(property::CLUSTER.into()),
            KeyPart::Route(_) => Part::Property(property::ROUTE.into()),
            KeyPart::Principal(_) => Part::Property(property::PRINCIPAL.into()),
            KeyPart::Host(_) => Part::Host,
            KeyPart::Method(_) => Part::Method,
            KeyPart::Header(named) => {
                let name = named.name.parse();
                Part::Header(name.map_err(|error| place.field("header").field("name").error(error))?)
            }
            KeyPart::FilterState(named) => {
                let place = place.field("filter_state").field("name");
                place.named(&named.name, "the name")?;
                if named.name.contains('\0') {
                    return Err(place.error("the name contains a NUL"));
                }
                Part::Property(["filter_state\0", &named.name].concat())
            }
        });
    }
    Ok(resolved)
}

fn gradient(of: &config::Concurrency, place: &FieldPath) -> Result<Gradient, ConfigError> {
    let rtt = place.field("min_rtt");
    let min = &of.min_rtt;
    rtt.field("min_concurrency").range(min.min_concurrency.into(), 1..=of.max_concurrency_limit.into())?;
    let percentile = of.sample_aggregate_percentile.per_million();
    if percentile == 0 {
        return Err(place.field("sample_aggregate_percentile").error("must be more than `0`"));
    }
    let fixed =
        min.fixed_value.map(|fixed| span(fixed, histogram::LOWEST_NANOS, HOUR, &rtt.field("fixed_value")));
    Ok(Gradient {
        percentile,
        max_limit: of.max_concurrency_limit,
        min_limit: min.min_concurrency,
        interval: span(
            of.concurrency_update_interval,
            10 * MS,
            60 * SECOND,
            &place.field("concurrency_update_interval"),
        )?,
        min_rtt_interval: span(min.interval, SECOND, DAY, &rtt.field("interval"))?,
        min_rtt_requests: min.request_count,
        jitter: min.jitter.per_million(),
        buffer: fraction(min.buffer),
        fixed_min_rtt: fixed.transpose()?.map(|nanos| (nanos / 1000) as u32),
    })
}

fn admission_control(of: &config::AdmissionControl, place: &FieldPath) -> Result<Admission, ConfigError> {
    let window = span(of.sampling_window, SECOND, HOUR, &place.field("sampling_window"))?;
    let threshold = fraction(of.sr_threshold);
    if threshold < 0.01 {
        return Err(place.field("sr_threshold").error("must be at least `1`"));
    }
    Ok(Admission {
        interval: window / INTERVALS,
        success_rate_threshold: threshold,
        aggression: number(of.aggression, 1.0, 100.0, &place.field("aggression"))?,
        requests_per_second: of.rps_threshold,
        max_rejection_probability: fraction(of.max_rejection_probability),
    })
}

fn fraction(percent: Percent) -> f64 {
    f64::from(percent.per_million()) / 1e6
}

fn number(value: f64, low: f64, high: f64, place: &FieldPath) -> Result<f64, ConfigError> {
    if (low..=high).contains(&value) {
        return Ok(value);
    }
    Err(place.error(format_args!("`{value}` is not a number from {low} to {high}")))
}

/// Checks that a duration is within bounds. Returns nanoseconds.
fn span(value: Duration, low: u64, high: u64, place: &FieldPath) -> Result<u64, ConfigError> {
    if (low..=high).contains(&value.as_nanos()) {
        return Ok(value.as_nanos());
    }
    let (low, high) = (Duration::from_nanos(low), Duration::from_nanos(high));
    Err(place.error(format_args!("invalid duration `{value}`, expected `{low}` to `{high}`")))
}

/// Returns a hash that is the same in all workers and after each start.
fn fingerprint(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
