//! Quotas in older header fields, which contain the numbers of one limit: of the one without room that takes
//! longest to have room, or else of the one with the least remaining. They omit requests in flight, because
//! they have no unit.
//!
//! `X-RateLimit-*` are Envoy's (`DRAFT_VERSION_03`; `ratelimit_headers.cc`), with all policies after the
//! first number. `X-RateLimit-Limit-Minute` and so on are Kong's, with `RateLimit-*` of draft 03.
//!
//! If the response of an upstream, or of another filter, already has these fields with less remaining, they
//! stay: the more restrictive limit is the one that a client has to keep to.

use super::fields::string;
use super::{HeaderChanges, Standing, Unit};
use core::fmt::Write as _;
use tollgate_policy::Headers;

pub(super) const X_REMAINING: &str = "x-ratelimit-remaining";
pub(super) const REMAINING: &str = "ratelimit-remaining";

/// Writes the headers of Envoy.
pub(super) fn x_ratelimit(
    standings: &[Standing<'_>],
    violated: &[usize],
    response: Headers<'_>,
    changes: &mut HeaderChanges,
) {
    let Some(tightest) = tightest(standings, violated) else { return };
    if is_tighter(response, X_REMAINING, tightest) {
        return;
    }
    let mut limit = tightest.quota.limit.to_string();
    for standing in rates(standings) {
        if let Some(window) = standing.window() {
            let _ = write!(limit, ", {};w={window};name=", standing.quota.limit);
            string(&mut limit, standing.policy);
        }
    }
    set(changes, "x-ratelimit-limit", limit);
    set(changes, X_REMAINING, tightest.quota.remaining);
    set(changes, "x-ratelimit-reset", tightest.reset());
}

/// Writes the headers of Kong.
pub(super) fn kong(
    standings: &[Standing<'_>],
    violated: &[usize],
    response: Headers<'_>,
    changes: &mut HeaderChanges,
) {
    let Some(tightest) = tightest(standings, violated) else { return };
    if is_tighter(response, REMAINING, tightest) {
        return;
    }
    set(changes, "ratelimit-limit", tightest.quota.limit);
    set(changes, REMAINING, tightest.quota.remaining);
    set(changes, "ratelimit-reset", tightest.reset());
    for unit in ["second", "minute", "hour", "day", "month", "year"] {
        let of_unit = rates(standings).filter(|standing| unit_of(standing) == Some(unit));
        if let Some(standing) = of_unit.min_by_key(|standing| standing.quota.remaining) {
            set(changes, &format!("x-ratelimit-limit-{unit}"), standing.quota.limit);
            set(changes, &format!("x-ratelimit-remaining-{unit}"), standing.quota.remaining);
        }
    }
}

/// Returns the unit of time that the window of a rate is. Months and years of the calendar have different
/// lengths.
fn unit_of(standing: &Standing<'_>) -> Option<&'static str> {
    const DAY: u64 = 86_400;
    Some(match standing.window()? {
        1 => "second",
        60 => "minute",
        3600 => "hour",
        DAY => "day",
        window if (28 * DAY..=31 * DAY).contains(&window) => "month",
        window if (365 * DAY..=366 * DAY).contains(&window) => "year",
        _ => return None,
    })
}

fn rates<'s, 'n>(standings: &'s [Standing<'n>]) -> impl Iterator<Item = &'s Standing<'n>> {
    standings.iter().filter(|standing| standing.unit != Unit::ConcurrentRequests)
}

fn tightest<'s, 'n>(standings: &'s [Standing<'n>], violated: &[usize]) -> Option<&'s Standing<'n>> {
    let violated = violated.iter().filter_map(|index| standings.get(*index));
    let violated = violated.filter(|standing| standing.unit != Unit::ConcurrentRequests);
    // The first one with the least remaining, as in Envoy.
    let least = || rates(standings).min_by_key(|standing| standing.quota.remaining);
    violated.max_by_key(|standing| standing.quota.reset).or_else(least)
}

/// Returns whether a response has such a field with less remaining.
fn is_tighter(response: Headers<'_>, name: &str, tightest: &Standing<'_>) -> bool {
    let number = |value: &[u8]| core::str::from_utf8(value).ok()?.trim().parse::<u64>().ok();
    response.first(name).and_then(number).is_some_and(|theirs| theirs < tightest.quota.remaining)
}

fn set(changes: &mut HeaderChanges, name: &str, value: impl ToString) {
    changes.set.push((name.to_owned().into(), value.to_string().into_bytes()));
}
