//! Reading of answers.

use super::entry::LONGEST;
use super::{CallFailure, Quotas};
use tollgate_counting::rate::Quota;
use tollgate_policy::{EditableName, is_valid_value};
use tollgate_rate_limit_service::{Code, Header, Quota as Grant, Response, Status};

/// Maximum size of the headers and the body of a cached rejection, in bytes. A longer one is not cached at
/// all, because the response to a client must not depend on earlier requests.
const MOST_REMEMBERED: usize = 2048;

const SECOND: u64 = 1_000_000_000;

/// Answer of the service.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub over_limit: bool,
    /// Descriptors that are over their limits, if the service reports them, in their order.
    pub refused: Vec<Refused>,
    /// Earliest reset of the reported limits, in nanoseconds since the epoch.
    pub reset_at: Option<u64>,
    /// Hits that may be used without another call, and the end of their validity.
    pub grant: Option<(u64, u64)>,
    pub request_headers: Vec<tollgate_policy::HeaderField>,
    /// Part of the answer to cache.
    pub said: Said,
}

/// Descriptor that is over its limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    pub index: usize,
    /// Whether there is no room at all, and not only for this request.
    pub all: bool,
    /// Time at which there is room, if the service reports it.
    pub reset_at: Option<u64>,
    /// Time until which to cache the rejection, if the service reports it.
    pub until: Option<u64>,
}

/// Part of an answer to cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Limit of each descriptor, if it has one. Empty if the service reports none.
    standings: Vec<Option<Standing>>,
    pub response_headers: Vec<tollgate_policy::HeaderField>,
    pub raw_body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    limit: u64,
    window: u64,
    remaining: u64,
    reset_at: u64,
}

impl Said {
    /// Returns the current quotas of the descriptors, if `left` of their hits are leased.
    pub fn quotas(&self, now: u64, left: u64) -> Quotas {
        (0..self.standings.len()).map(|index| self.quota(index, now, left)).collect()
    }

    /// Returns the current quota of one descriptor.
    pub fn quota(&self, index: usize, now: u64, left: u64) -> Option<Quota> {
        let standing = self.standings.get(index)?.as_ref()?;
        Some(Quota {
            limit: standing.limit,
            window: standing.window,
            remaining: standing.remaining.saturating_add(left).min(standing.limit),
            reset: standing.reset_at.saturating_sub(now).min(standing.window),
        })
    }

    /// Returns the smallest remaining number of the reported limits that have not been reset since.
    pub fn remaining(&self, now: u64) -> Option<u64> {
        let current = self.standings.iter().flatten().filter(|standing| standing.reset_at > now);
        current.map(|standing| standing.remaining).min()
    }

    /// Returns the earliest reset of the reported limits.
    pub fn reset_at(&self) -> Option<u64> {
        self.standings.iter().flatten().map(|standing| standing.reset_at).min()
    }

    /// Returns whether there is anything to cache.
    pub fn is_worth_keeping(&self) -> bool {
        !self.standings.is_empty() || !self.response_headers.is_empty() || !self.raw_body.is_empty()
    }

    /// Returns whether the answer is too long to cache.
    pub fn is_too_long(&self) -> bool {
        let headers = self.response_headers.iter().map(|(name, value)| name.len() + value.len());
        headers.sum::<usize>() + self.raw_body.len() > MOST_REMEMBERED
    }
}

impl Answer {
    /// Reads the answer to a call with a number of descriptors that was made at `sent`.
    pub fn read(message: &[u8], descriptors: usize, sent: u64) -> Result<Self, CallFailure> {
        let response = Response::read(message).ok_or(CallFailure::Malformed)?;
        let over_limit = match Code::try_from(response.overall_code) {
            Ok(Code::Ok) => false,
            Ok(Code::OverLimit) => true,
            // An empty message has this code, too.
            Ok(Code::Unknown) | Err(_) => return Err(CallFailure::Malformed),
        };
        let mut answer = Self { over_limit, ..Self::default() };
        // Statuses and descriptors have the same order.
        let statuses = if response.statuses.len() == descriptors { &*response.statuses } else { &[] };
        for (index, status) in statuses.iter().enumerate() {
            answer.status(index, status, sent);
        }
        answer.grant = match (&response.quota, statuses) {
            (Some(quota), _) => grant(quota, sent),
            // With several descriptors, each could have its own grant. No service does this.
            (None, [status]) => status.quota.as_ref().and_then(|quota| grant(quota, sent)),
            (None, _) => None,
        };
        answer.said.response_headers = headers(response.response_headers_to_add);
        answer.request_headers = headers(response.request_headers_to_add);
        if statuses.is_empty() {
            answer.headers(descriptors, sent);
        }
        if over_limit {
            answer.said.raw_body = response.raw_body;
        }
        Ok(answer)
    }

    /// Returns the rejection of all descriptors together, by a service that does not report which of them is
    /// over its limit: the first one is assumed to be.
    pub fn refused_as_a_whole(&self) -> Refused {
        Refused { index: 0, all: false, reset_at: self.reset_at, until: self.reset_at }
    }

    fn status(&mut self, index: usize, status: &Status, sent: u64) {
        let unit = status.current_limit.as_ref().and_then(|limit| limit.seconds()).map(|unit| unit * SECOND);
        let until_reset = status.duration_until_reset.as_ref().map(|duration| {
            let whole = duration.nanos == 0;
            reset_at(sent, duration.as_nanos(), unit.filter(|_| whole))
        });
        if let Some(limit) = &status.current_limit {
            let window = unit.unwrap_or(0);
            self.add(Some(Standing {
                limit: limit.requests_per_unit.into(),
                window,
                remaining: status.limit_remaining.into(),
                reset_at: until_reset.unwrap_or(sent.saturating_add(window)),
            }));
        } else {
            self.add(None);
        }
        self.reset_at = self.reset_at.into_iter().chain(until_reset).min();
        if self.over_limit && status.code == i32::from(Code::OverLimit) {
            let all = status.current_limit.is_some() && status.limit_remaining == 0;
            // For a window of a second, envoyproxy/ratelimit always reports a reset in one second.
            let until = until_reset.map(|until| match unit {
                Some(SECOND) => until.min(sent.saturating_add(SECOND / 4)),
                _ => until,
            });
            self.refused.push(Refused { index, all, reset_at: until_reset, until });
        }
    }

    fn add(&mut self, standing: Option<Standing>) {
        self.said.standings.push(standing);
    }

    /// Reads the headers in which Limitador, if so configured, reports the limit with the least remaining
    /// (draft-polli-ratelimit-headers-03). Limitador does not report on single descriptors.
    fn headers(&mut self, descriptors: usize, sent: u64) {
        let find = |name| {
            let mut found = self.said.response_headers.iter().filter(|(other, _)| other == name);
            found.next().and_then(|(_, value)| core::str::from_utf8(value).ok())
        };
        let number = |text: &str| text.parse::<u64>().ok();
        let Some(reset) = find("x-ratelimit-reset").and_then(number) else { return };
        // A larger number is a point in time, as other services write it.
        if reset > 366 * 24 * 60 * 60 {
            return;
        }
        let reset_at = sent.saturating_add(reset * SECOND);
        let standing = || {
            let remaining = find("x-ratelimit-remaining").and_then(number)?;
            let mut policies = find("x-ratelimit-limit")?.split(',');
            let limit = policies.next().and_then(|text| number(text.trim()))?;
            let window = policies.find_map(|policy| window_of(policy, limit))?.checked_mul(SECOND)?;
            Some(Standing { limit, window, remaining, reset_at })
        };
        // With several descriptors, it is unknown which one has this limit.
        let standing = if descriptors == 1 { standing() } else { None };
        self.reset_at = Some(reset_at);
        if standing.is_some() {
            self.add(standing);
        }
    }
}

/// Returns the window of a policy such as `10;w=60` in seconds, if it belongs to this limit.
fn window_of(policy: &str, limit: u64) -> Option<u64> {
    let mut parts = policy.trim().split(';');
    if parts.next()?.parse::<u64>().ok()? != limit {
        return None;
    }
    parts.find_map(|part| part.strip_prefix("w=")).and_then(|window| window.parse().ok())
}

/// Returns the reset of a limit from the answer to a call made at `sent`. The service has counted after
/// `sent`, so the reset is not later. envoyproxy/ratelimit reports whole seconds, up to one too many; its
/// windows begin at multiples of `unit`.
fn reset_at(sent: u64, until_reset: u64, unit: Option<u64>) -> u64 {
    let said = sent.saturating_add(until_reset);
    match unit.and_then(|unit| sent.checked_div(unit).map(|past| past.saturating_add(1).saturating_mul(unit)))
    {
        Some(next) if next < said && said - next <= SECOND => next,
        _ => said,
    }
}

/// Returns the hits that the service grants, and the end of their validity. A quota that several keys share
/// (`id`) is not used.
fn grant(quota: &Grant, sent: u64) -> Option<(u64, u64)> {
    if quota.requests == 0 || !quota.id.is_empty() {
        return None;
    }
    let longest = sent.saturating_add(LONGEST);
    let until = quota.valid_until.as_ref().map_or(longest, |until| until.as_nanos().min(longest));
    Some((quota.requests.into(), until))
}

/// Returns the valid headers. An invalid one could inject another header, for example by a line break in its
/// value.
fn headers(headers: Vec<Header>) -> Vec<tollgate_policy::HeaderField> {
    let valid = headers.into_iter().filter_map(|header| {
        let (name, value) = header.into_parts();
        let name: EditableName = name.parse().ok()?;
        is_valid_value(&value).then(|| (name.name().as_str().to_owned().into(), value))
    });
    valid.collect()
}
