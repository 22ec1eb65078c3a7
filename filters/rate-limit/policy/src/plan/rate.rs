//! Checks rates.

use super::check::{self, MOST, Span};
use super::fingerprint::Fingerprint;
use crate::config::{self, Calendar, Gcra, TokenBucket};
use crate::model::NamedRates;
use tollgate_counting::rate::{FixedWindow, Meter, Rate, SlidingWindow};
use tollgate_policy::{ConfigError, Duration, FieldPath};

/// Maximum number of rates. All entries of a key are in one page, which needs room for other keys as well.
const MAX_RATES: usize = 8;

/// Resolves the rates of a limit and their names, and adds their numbers to the fingerprint. `base` is the
/// name of a single rate without a name of its own.
pub(super) fn resolve(
    rates: Vec<config::Rate>,
    base: &str,
    fingerprint: &mut Fingerprint,
    place: &FieldPath,
) -> Result<NamedRates, ConfigError> {
    let count = rates.len();
    if count > MAX_RATES {
        return Err(place.error(format_args!("`{count}` rates, expected at most {MAX_RATES}")));
    }
    let mut named = NamedRates::default();
    for (index, rate) in rates.into_iter().enumerate() {
        let place = place.at(index);
        let (algorithm, numbers) = self::rate(&rate, &place)?;
        let place = place.field("name");
        let name = match rate.name {
            Some(name) => {
                check::name(&name, &place)?;
                name
            }
            None if count == 1 => base.to_owned(),
            None => format!("{base}-{}", index + 1),
        };
        if named.names.contains(&name) {
            return Err(place.error(format_args!("duplicate rate name `{name}`")));
        }
        fingerprint.numbers(&numbers);
        named.list.push(algorithm);
        named.names.push(name);
    }
    Ok(named)
}

/// Resolves the algorithm of a rate, and returns the numbers that determine the meaning of its entries.
fn rate(rate: &config::Rate, place: &FieldPath) -> Result<(Rate, [u64; 4]), ConfigError> {
    let config::Rate { token_bucket, gcra, fixed_window, sliding_window, .. } = rate;
    match (token_bucket, gcra, fixed_window, sliding_window) {
        (Some(token_bucket), None, None, None) => bucket(token_bucket, &place.field("token_bucket")),
        (None, Some(gcra), None, None) => cell_rate(gcra, &place.field("gcra")),
        (None, None, Some(window), None) => {
            let place = place.field("fixed_window");
            place.field("requests").range(window.requests, 0..=MOST)?;
            let (fixed, length) = match (window.window, window.calendar) {
                (Some(length), None) => {
                    let nanos = check::span(length, Span::Rate, &place.field("window"))?;
                    (FixedWindow::new(window.requests, nanos), [nanos, 0])
                }
                (None, Some(period)) => {
                    let months = months(period);
                    (FixedWindow::of_months(window.requests, months), [0, months.into()])
                }
                (None, None) => return Err(place.error("expected `window` or `calendar`")),
                (Some(_), Some(_)) => {
                    return Err(place.field("window").error("cannot be combined with `calendar`"));
                }
            };
            let fixed = fixed.map(Rate::FixedWindow).ok_or_else(|| too_long(&place))?;
            let [nanos, months] = length;
            Ok((fixed, [1, window.requests, nanos, months]))
        }
        (None, None, None, Some(window)) => {
            let place = place.field("sliding_window");
            let nanos = check::span(window.window, Span::Rate, &place.field("window"))?;
            let sliding = SlidingWindow::new(window.requests, nanos).map(Rate::SlidingWindow);
            Ok((sliding.ok_or_else(|| too_long(&place))?, [2, window.requests.into(), nanos, 0]))
        }
        _ => {
            let given =
                [token_bucket.is_some(), gcra.is_some(), fixed_window.is_some(), sliding_window.is_some()];
            let count = given.iter().filter(|given| **given).count();
            Err(place.error(format_args!(
                "`{count}` algorithms, expected exactly one of `token_bucket`, `gcra`, `fixed_window`, `sliding_window`"
            )))
        }
    }
}

fn bucket(bucket: &TokenBucket, place: &FieldPath) -> Result<(Rate, [u64; 4]), ConfigError> {
    place.field("max_tokens").range(bucket.max_tokens, 0..=MOST)?;
    place.field("tokens_per_fill").range(bucket.tokens_per_fill, 1..=MOST)?;
    check::span(bucket.fill_interval, Span::Fill, &place.field("fill_interval"))?;
    meter(bucket.max_tokens, bucket.tokens_per_fill, bucket.fill_interval, place)
}

fn cell_rate(gcra: &Gcra, place: &FieldPath) -> Result<(Rate, [u64; 4]), ConfigError> {
    place.field("requests").range(gcra.requests, 1..=MOST)?;
    place.field("burst").range(gcra.burst, 1..=MOST)?;
    check::span(gcra.per, Span::Rate, &place.field("per"))?;
    meter(gcra.burst, gcra.requests, gcra.per, place)
}

fn meter(
    burst: u64,
    tokens: u64,
    interval: Duration,
    place: &FieldPath,
) -> Result<(Rate, [u64; 4]), ConfigError> {
    let meter = Meter::new(burst, tokens, interval.as_nanos()).map(Rate::Meter);
    let meter = meter.ok_or_else(|| {
        place.error(format_args!(
            "a bucket of `{burst}` that gains `{tokens}` per `{interval}` must fill within 100 years"
        ))
    })?;
    Ok((meter, [0, burst, tokens, interval.as_nanos()]))
}

fn months(period: Calendar) -> u32 {
    match period {
        Calendar::Month => 1,
        Calendar::Quarter => 3,
        Calendar::Year => 12,
    }
}

fn too_long(place: &FieldPath) -> ConfigError {
    place.error("`window` must be at most 100 years")
}
