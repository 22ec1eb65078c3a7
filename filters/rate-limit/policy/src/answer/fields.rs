//! Quotas as response headers.
//!
//! `RateLimit-Policy` and `RateLimit` are lists of structured fields
//! (draft-ietf-httpapi-ratelimit-headers-11, RFC 9651) with an item for each policy of the request. The
//! partition key `pk` is omitted: clients do not need it, and it would reveal how the filter tells them
//! apart, such as the address that the proxy sees.
//!
//! `X-RateLimit-*` are Envoy's (`DRAFT_VERSION_03`; `ratelimit_headers.cc`): the numbers of one limit, and
//! all policies after the first number. They omit requests in flight, because these headers have no unit.

use super::{Answers, HeaderField, Standing, Unit, seconds};
use core::fmt::Write as _;

/// Highest integer of structured fields (RFC 9651 section 3.3.1).
const MAX_INTEGER: u64 = 999_999_999_999_999;

/// The standing without room.
#[derive(Clone, Copy)]
pub(super) struct Violated {
    pub(super) index: usize,
    /// Time until it has room, in seconds.
    pub(super) retry_after: Option<u64>,
}

/// Writes all configured headers.
pub(super) fn write(
    answers: &Answers,
    standings: &[Standing<'_>],
    violated: Option<Violated>,
    headers: &mut Vec<HeaderField>,
) {
    if answers.rate_limit_headers {
        headers.push(("ratelimit-policy".into(), policies(standings).into_bytes()));
        headers.push(("ratelimit".into(), limits(standings, violated).into_bytes()));
    }
    if answers.x_ratelimit_headers {
        x_ratelimit(standings, violated, headers);
    }
}

/// Returns `RateLimit-Policy`: `"burst";q=100;w=60, "daily";q=5000;w=86400`.
fn policies(standings: &[Standing<'_>]) -> String {
    let mut out = String::new();
    for standing in standings {
        begin(&mut out, standing.policy);
        let _ = write!(out, ";q={}", standing.in_units(standing.quota.limit));
        match standing.unit {
            Unit::Requests => {}
            Unit::ContentBytes(_) => out.push_str(";qu=\"content-bytes\""),
            Unit::ConcurrentRequests => out.push_str(";qu=\"concurrent-requests\""),
        }
        if let Some(window) = standing.window() {
            let _ = write!(out, ";w={window}");
        }
    }
    out
}

/// Returns `RateLimit`: `"burst";r=50;t=30, "daily";r=4000;t=7200`. For the standing without room, `t` equals
/// `Retry-After`.
fn limits(standings: &[Standing<'_>], violated: Option<Violated>) -> String {
    let mut out = String::new();
    for (index, standing) in standings.iter().enumerate() {
        begin(&mut out, standing.policy);
        let _ = write!(out, ";r={}", standing.in_units(standing.quota.remaining));
        let retry_after = violated.filter(|one| one.index == index).and_then(|one| one.retry_after);
        let reset = match standing.unit {
            Unit::ConcurrentRequests => retry_after,
            Unit::Requests | Unit::ContentBytes(_) => retry_after.or(Some(standing.reset())),
        };
        if let Some(reset) = reset {
            let _ = write!(out, ";t={}", reset.min(MAX_INTEGER));
        }
    }
    out
}

fn x_ratelimit(standings: &[Standing<'_>], violated: Option<Violated>, headers: &mut Vec<HeaderField>) {
    let rates = || standings.iter().filter(|standing| standing.unit != Unit::ConcurrentRequests);
    let violated = violated.and_then(|one| Some((standings.get(one.index)?, one.retry_after)));
    let violated = violated.filter(|(standing, _)| standing.unit != Unit::ConcurrentRequests);
    // The first one with the least remaining, as in Envoy.
    let tightest = || rates().min_by_key(|standing| standing.quota.remaining).map(|one| (one, None));
    let Some((tightest, retry_after)) = violated.or_else(tightest) else { return };
    let mut limit = tightest.quota.limit.to_string();
    for standing in rates() {
        if let Some(window) = standing.window() {
            let _ = write!(limit, ", {};w={window};name=", standing.quota.limit);
            string(&mut limit, standing.policy);
        }
    }
    let reset = retry_after.unwrap_or_else(|| tightest.reset());
    headers.push(("x-ratelimit-limit".into(), limit.into_bytes()));
    headers.push(("x-ratelimit-remaining".into(), tightest.quota.remaining.to_string().into_bytes()));
    headers.push(("x-ratelimit-reset".into(), reset.to_string().into_bytes()));
}

impl Standing<'_> {
    fn in_units(&self, amount: u64) -> u64 {
        let size = match self.unit {
            Unit::ContentBytes(size) => size,
            Unit::Requests | Unit::ConcurrentRequests => 1,
        };
        amount.saturating_mul(size).min(MAX_INTEGER)
    }

    /// Returns the window in seconds. Omits windows shorter than a second: ten per 100 ms, written as ten per
    /// second, would be a tenth of the real limit.
    fn window(&self) -> Option<u64> {
        let said = self.unit != Unit::ConcurrentRequests && self.quota.window >= 1_000_000_000;
        said.then(|| seconds(self.quota.window))
    }

    fn reset(&self) -> u64 {
        seconds(self.quota.reset)
    }
}

/// Begins the next item of a list.
fn begin(out: &mut String, name: &str) {
    if !out.is_empty() {
        out.push_str(", ");
    }
    string(out, name);
}

/// Writes a string of RFC 9651 section 4.1.6. It must be ASCII, so other characters are percent-encoded.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            ' '..='~' => out.push(char),
            _ => {
                for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(out, "%{byte:02X}");
                }
            }
        }
    }
    out.push('"');
}
