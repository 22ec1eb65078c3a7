//! Costs of requests.

use crate::answer::Unit;
use crate::model::{Cost, OnResponse};
use tollgate_policy::{Headers, ResponseFacts};

impl Cost {
    /// Returns the cost that is known from the request headers. A body of unknown length costs as much as an
    /// empty one; the rest is charged later, see [`of_body`](Self::of_body).
    ///
    /// A cost of 0 in a header counts as 1, because clients that set their own cost would choose 0. The
    /// highest of several values counts, because the filter does not know which one the upstream reads.
    pub fn of_request(&self, headers: Headers<'_>) -> u64 {
        match self {
            Self::Number(cost) => *cost,
            Self::Header { name, default, max } => {
                let said = highest(headers, name.as_ref(), *default);
                said.map_or(*default, |cost| cost.max(1)).min(*max)
            }
            Self::Body { .. } => self.of_body(highest(headers, b"content-length", 0).unwrap_or_default()),
        }
    }

    /// Returns the total cost of a request whose body has a number of bytes.
    pub fn of_body(&self, bytes: u64) -> u64 {
        match self {
            Self::Body { per, max } => bytes.div_ceil((*per).max(1)).max(1).min(*max),
            Self::Number(_) | Self::Header { .. } => 0,
        }
    }

    /// Returns the unit of the cost.
    pub fn unit(&self) -> Unit {
        match self {
            Self::Body { per, .. } => Unit::ContentBytes(*per),
            Self::Number(_) | Self::Header { .. } => Unit::Requests,
        }
    }

    /// Returns whether the cost depends on the size of the body.
    pub fn counts_body(&self) -> bool {
        matches!(self, Self::Body { .. })
    }
}

impl OnResponse {
    /// Returns the total cost of a request with this response, of which `taken` is already charged.
    pub fn cost(&self, response: &ResponseFacts<'_>, taken: u64) -> u64 {
        if !self.counts(response) {
            return 0;
        }
        let said = self.cost_header.as_ref().and_then(|(name, max)| {
            let all = response.headers.all(name.as_ref()).filter_map(number).max();
            all.map(|cost| cost.min(*max))
        });
        said.unwrap_or(taken)
    }

    /// Returns whether the response costs anything.
    fn counts(&self, response: &ResponseFacts<'_>) -> bool {
        let in_range = |(first, last): &(u16, u16)| (*first..=*last).contains(&response.status);
        (self.statuses.is_empty() || self.statuses.iter().any(in_range))
            && self.headers.iter().all(|header| header.matches(response.headers))
    }
}

/// Returns the highest number in the lines of a header, each of which may be a list. An element that is not a
/// number counts as `otherwise`. `None` without such a header.
fn highest(headers: Headers<'_>, name: &[u8], otherwise: u64) -> Option<u64> {
    let all = headers.all(name).flat_map(|line| line.split(|byte| *byte == b','));
    all.map(|value| number(value.trim_ascii()).unwrap_or(otherwise)).max()
}

/// Parses decimal digits. Numbers above 64 bits saturate.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = text.iter().map(|byte| u64::from(byte - b'0'));
    Some(digits.fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(digit)))
}
