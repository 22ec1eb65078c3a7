//! Quotas as response headers.
//!
//! `RateLimit-Policy` and `RateLimit` are lists of structured fields
//! (draft-ietf-httpapi-ratelimit-headers-11, RFC 9651) with an item for each policy of the request. The
//! partition key `pk` is omitted: clients do not need it, and it would reveal how the filter tells them
//! apart, such as the address that the proxy sees.
//!
//! A response may already have these fields, from an upstream or from another filter. Then the items of this
//! filter are added, because an intermediary must not hide a quota that a client has to keep to (section
//! "Intermediaries" of the draft). A name that is in use gets a number. A field in the form of an older draft
//! stays as it is, because a field with both forms would be invalid.

use super::combine::names_of;
use super::{Answers, HeaderChanges, Standing, Unit, older, seconds};
use crate::plan::names::numbered;
use core::fmt::Write as _;
use std::borrow::Cow;
use tollgate_policy::Headers;

/// Highest integer of structured fields (RFC 9651 section 3.3.1).
const MAX_INTEGER: u64 = 999_999_999_999_999;

/// Writes all configured headers. `violated` are the indices of the standings without room.
pub(super) fn write(
    answers: &Answers,
    standings: &[Standing<'_>],
    violated: &[usize],
    response: Headers<'_>,
    changes: &mut HeaderChanges,
) {
    if answers.rate_limit_headers {
        rate_limit(standings, response, changes);
    }
    if answers.x_ratelimit_headers {
        older::x_ratelimit(standings, violated, response, changes);
    }
    if answers.kong_headers {
        older::kong(standings, violated, response, changes);
    }
}

fn rate_limit(standings: &[Standing<'_>], response: Headers<'_>, changes: &mut HeaderChanges) {
    let fields = ["ratelimit-policy", "ratelimit"].map(|name| (name, response.has(name)));
    let mut names: Vec<Cow<'_, str>> = standings.iter().map(|one| one.policy.into()).collect();
    if fields.iter().any(|(_, exists)| *exists) && !rename(&mut names, fields, response) {
        return;
    }
    let values = [policies(standings, &names), limits(standings, &names)];
    for ((name, exists), value) in fields.into_iter().zip(values) {
        let list = if exists { &mut changes.add } else { &mut changes.set };
        list.push((name.into(), value.into_bytes()));
    }
}

/// Maximum number of policies of others in a response. With more, the fields of
/// this filter are left out.
const MAX_POLICIES: usize = 64;

/// Renames policies whose names are in the fields of a response. Returns `false` if a field has another form.
#[cold]
fn rename(names: &mut [Cow<'_, str>], fields: [(&str, bool); 2], response: Headers<'_>) -> bool {
    let mut taken = Vec::new();
    for (field, _) in fields {
        for line in response.all(field.as_bytes()) {
            let Some(mut names) = names_of(line) else { return false };
            taken.append(&mut names);
            // The names are compared with each other.
            if taken.len() > MAX_POLICIES {
                return false;
            }
        }
    }
    for name in names {
        let unique = numbered(name.to_string(), &|name| taken.iter().any(|other| other == name));
        taken.push(unique.clone());
        *name = Cow::Owned(unique);
    }
    true
}

/// Returns `RateLimit-Policy`: `"burst";q=100;w=60, "daily";q=5000;w=86400`.
fn policies(standings: &[Standing<'_>], names: &[Cow<'_, str>]) -> String {
    let mut out = String::new();
    for (standing, name) in standings.iter().zip(names) {
        begin(&mut out, name);
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

/// Returns `RateLimit`: `"burst";r=50;t=30, "daily";r=4000;t=7200`.
fn limits(standings: &[Standing<'_>], names: &[Cow<'_, str>]) -> String {
    let mut out = String::new();
    for (standing, name) in standings.iter().zip(names) {
        begin(&mut out, name);
        let _ = write!(out, ";r={}", standing.in_units(standing.quota.remaining));
        if standing.unit != Unit::ConcurrentRequests {
            let _ = write!(out, ";t={}", standing.reset().min(MAX_INTEGER));
        }
    }
    out
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
    pub(super) fn window(&self) -> Option<u64> {
        let said = self.unit != Unit::ConcurrentRequests && self.quota.window >= 1_000_000_000;
        said.then(|| seconds(self.quota.window))
    }

    pub(super) fn reset(&self) -> u64 {
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
pub(super) fn string(out: &mut String, text: &str) {
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
