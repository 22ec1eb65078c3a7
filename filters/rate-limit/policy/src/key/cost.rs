//! What a request costs.

use crate::answer::Unit;
use crate::plan::{Cost, OnResponse};
use tollgate_policy::{Headers, ResponseFacts};

impl Cost {
    /// What is known when the request's headers are here. Of a body whose length is not said it is what an empty one
    /// costs: the rest is charged as it comes, see [`of_body`](Self::of_body).
    ///
    /// A header that says 0 says 1: clients that name their own price would name that. Of several prices the highest
    /// counts, since nobody knows which one the upstream reads.
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

    /// What a request costs in all whose body has so many bytes, as far as it came.
    pub fn of_body(&self, bytes: u64) -> u64 {
        match self {
            Self::Body { per, max } => bytes.div_ceil((*per).max(1)).max(1).min(*max),
            Self::Number(_) | Self::Header { .. } => 0,
        }
    }

    /// What is counted.
    pub fn unit(&self) -> Unit {
        match self {
            Self::Body { per, .. } => Unit::ContentBytes(*per),
            Self::Number(_) | Self::Header { .. } => Unit::Requests,
        }
    }

    /// Whether the body's bytes are to be counted.
    pub fn counts_body(&self) -> bool {
        matches!(self, Self::Body { .. })
    }
}

impl OnResponse {
    /// What a request costs in all that had this response, of which `taken` was taken already.
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

    /// Whether the response is one of those that cost something.
    fn counts(&self, response: &ResponseFacts<'_>) -> bool {
        let in_range = |(first, last): &(u16, u16)| (*first..=*last).contains(&response.status);
        (self.statuses.is_empty() || self.statuses.iter().any(in_range))
            && self.headers.iter().all(|header| header.matches(response.headers))
    }
}

/// The highest number that the lines of a header have, each of which may be a list; what is none counts as `otherwise`.
/// `None` without such a header.
fn highest(headers: Headers<'_>, name: &[u8], otherwise: u64) -> Option<u64> {
    let all = headers.all(name).flat_map(|line| line.split(|byte| *byte == b','));
    all.map(|value| number(value.trim_ascii()).unwrap_or(otherwise)).max()
}

/// Decimal digits and nothing else. What is too high for 64 bits is the highest.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = text.iter().map(|byte| u64::from(byte - b'0'));
    Some(digits.fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(digit)))
}
