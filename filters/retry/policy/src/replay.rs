//! Retries by the filter: which responses are retried, and the next step after each.

use crate::config::{BodyMatcher, Deadline, Replay};
use crate::duration::{MILLISECOND, number, parse_retry_after};
use crate::{Reason, RetryReason};
use serde_json::Value;
use tollgate_policy::replay::{self, Wait};
use tollgate_policy::{GrpcStatus, Headers, ResponseFacts, UnixNanos};

/// Status, headers and trailers of a response.
#[derive(Clone, Copy, Debug, Default)]
pub struct Head<'a> {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Headers<'a>,
    /// Trailers, as far as they have arrived.
    pub trailers: Headers<'a>,
}

impl<'a> From<ResponseFacts<'a>> for Head<'a> {
    fn from(facts: ResponseFacts<'a>) -> Self {
        Self { status: facts.status, headers: facts.headers, ..Self::default() }
    }
}

/// Callouts of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Callouts to the cluster of the request.
    pub retries: u32,
    /// Whether the fallback cluster was called.
    pub fell_back: bool,
}

/// The next step of a response, or of a replay.
pub type Step = replay::Step<Wake, Reason>;

/// Event that a task waits for before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The time of a second attempt.
    Hedge,
    /// The time at which a message passes that still waits for its trailers.
    Release,
    /// The outcome of the second attempt.
    Hedged,
    /// The end of a back-off.
    Attempt(Attempt),
}

/// An attempt of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Timeout in nanoseconds, at least a millisecond.
    pub timeout: u64,
    /// Cluster.
    pub target: Target,
}

/// Outcome of a callout.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// A response, with its body.
    Response(Head<'a>, &'a [u8]),
    /// No response, for this reason.
    Failed(RetryReason),
    /// A response that is larger than `max_response_bytes`.
    TooLarge,
}

/// The next callout, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Call { delay: u64, attempt: Attempt },
    Stop,
}

/// Cluster of a callout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The cluster of the request.
    Same,
    /// The fallback cluster.
    Fallback,
}

/// Reason why the request is not sent to its own cluster again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// All retries were used.
    Exhausted,
    /// The response asks to wait longer than the deadline or the configuration allow.
    RetryAfter,
    /// A retry could not finish before the deadline.
    Deadline,
    /// The budget is used up.
    Budget,
}

impl Replay {
    /// Returns why a response is retried, or `None` if it is final.
    pub(crate) fn reason(&self, head: Head<'_>, body: Option<&[u8]>) -> Option<RetryReason> {
        if self.retriable_status_codes.iter().any(|range| range.contains(head.status)) {
            return Some(RetryReason::Status);
        }
        if self.retriable_headers.iter().any(|matcher| matcher.matches(head.headers)) {
            return Some(RetryReason::Header);
        }
        if grpc_status(head).is_some_and(|status| self.retriable_grpc_statuses.contains(&status)) {
            return Some(RetryReason::GrpcStatus);
        }
        self.reason_of_rest(Headers(&[]), body?)
    }

    /// Returns why a response is retried whose headers have passed.
    pub(crate) fn reason_of_rest(&self, trailers: Headers<'_>, body: &[u8]) -> Option<RetryReason> {
        let status = grpc_status(Head { trailers, ..Head::default() });
        if status.is_some_and(|status| self.retriable_grpc_statuses.contains(&status)) {
            return Some(RetryReason::GrpcStatus);
        }
        self.retriable_body.as_ref().is_some_and(|matcher| matcher.matches(body)).then_some(RetryReason::Body)
    }

    /// Returns the part of a response that must be seen before it can be decided.
    pub(crate) fn waits_for(&self, head: Head<'_>, is_grpc: bool, ended: bool) -> Wait {
        if ended {
            Wait::Nothing
        } else if is_grpc && !self.retriable_grpc_statuses.is_empty() && grpc_status(head).is_none() {
            Wait::Trailers
        } else if self.retriable_body.is_some() && self.may_hold(head.headers) {
            Wait::Body
        } else {
            Wait::Nothing
        }
    }

    /// Returns whether a response has a JSON body of a size that can be held. One without a length may be a
    /// stream that does not end.
    fn may_hold(&self, headers: Headers<'_>) -> bool {
        let content_type = headers.first("content-type").unwrap_or_default();
        let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let is_json = essence.eq_ignore_ascii_case(b"application/json")
            || essence.to_ascii_lowercase().ends_with(b"+json");
        let length = headers.first("content-length").and_then(number);
        is_json && length.is_some_and(|length| length <= self.max_response_bytes.into())
    }

    /// Returns the next callout after an attempt that failed, and why it does not go to the cluster of the
    /// request. `take` reserves a retry of the budget.
    #[allow(clippy::too_many_arguments, reason = "all inputs of a decision are arguments")]
    pub(crate) fn next(
        &self,
        attempts: &mut Attempts,
        deadline: Option<(&Deadline, u64)>,
        retry_after: Option<&[u8]>,
        now: UnixNanos,
        draw: u64,
        take: impl FnOnce() -> bool,
    ) -> (Next, Option<Blocked>) {
        let blocked = match self.delay(attempts, deadline, retry_after, now, draw) {
            Ok(delay) if take() => {
                attempts.retries += 1;
                let at = now.0.saturating_add(delay);
                let attempt = Attempt { timeout: self.timeout(deadline, at), target: Target::Same };
                return (Next::Call { delay, attempt }, None);
            }
            Ok(_) => Blocked::Budget,
            Err(blocked) => blocked,
        };
        let falls_back = self.fallback_cluster.is_some() && !attempts.fell_back && has_time(deadline, now.0);
        if !falls_back {
            return (Next::Stop, Some(blocked));
        }
        attempts.fell_back = true;
        let attempt = Attempt { timeout: self.timeout(deadline, now.0), target: Target::Fallback };
        (Next::Call { delay: 0, attempt }, Some(blocked))
    }

    fn delay(
        &self,
        attempts: &Attempts,
        deadline: Option<(&Deadline, u64)>,
        retry_after: Option<&[u8]>,
        now: UnixNanos,
        draw: u64,
    ) -> Result<u64, Blocked> {
        if attempts.retries >= self.num_retries || attempts.fell_back {
            return Err(Blocked::Exhausted);
        }
        let max = self.max_retry_after.as_nanos();
        let asked = retry_after.filter(|_| max > 0).and_then(|value| parse_retry_after(value, now.0));
        if asked.is_some_and(|asked| asked > max) {
            return Err(Blocked::RetryAfter);
        }
        let delay = asked.unwrap_or_else(|| self.back_off(attempts.retries + 1, draw));
        match has_time(deadline, now.0.saturating_add(delay)) {
            true => Ok(delay),
            false if asked.is_some() => Err(Blocked::RetryAfter),
            false => Err(Blocked::Deadline),
        }
    }

    /// Returns the back-off before the n-th callout: full jitter.
    pub(crate) fn back_off(&self, n: u32, draw: u64) -> u64 {
        let base = self.retry_back_off.base_interval.as_nanos();
        let max = self.retry_back_off.max_interval.map_or(base.saturating_mul(10), |max| max.as_nanos());
        let factor = 1u64.checked_shl(n).map_or(u64::MAX, |power| power - 1);
        let bound = base.saturating_mul(factor).min(max);
        ((u128::from(draw) * u128::from(bound)) >> 64) as u64
    }

    fn timeout(&self, deadline: Option<(&Deadline, u64)>, at: u64) -> u64 {
        let remaining = deadline.map(|(_, deadline)| deadline.saturating_sub(at));
        remaining.into_iter().fold(self.per_try_timeout.as_nanos(), u64::min).max(MILLISECOND)
    }
}

fn has_time(deadline: Option<(&Deadline, u64)>, at: u64) -> bool {
    deadline.is_none_or(|(rule, deadline)| {
        let needed = rule.min_remaining.as_nanos().max(MILLISECOND);
        at.saturating_add(needed) <= deadline
    })
}

/// Returns the gRPC status of a response.
pub(crate) fn grpc_status(head: Head<'_>) -> Option<GrpcStatus> {
    head.trailers
        .first("grpc-status")
        .or_else(|| head.headers.first("grpc-status"))
        .map(GrpcStatus::from_header)
}

impl BodyMatcher {
    fn matches(&self, body: &[u8]) -> bool {
        let Ok(json) = serde_json::from_slice::<Value>(body) else { return false };
        match json.pointer(self.field.as_str()) {
            Some(Value::String(text)) => self.value.matches(text.as_bytes()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => {
                self.value.matches(value.to_string().as_bytes())
            }
            _ => false,
        }
    }
}

/// Returns whether a gRPC response has more than one message, or a part of a second one: each has a prefix of
/// five bytes with its length (`PROTOCOL-HTTP2.md` of gRPC). `start` is the beginning of `size` bytes.
pub(crate) fn is_more_than_one_message(start: &[u8], size: usize) -> bool {
    let [_, a, b, c, d, ..] = *start else { return false };
    (size as u64) > FRAME as u64 + u64::from(u32::from_be_bytes([a, b, c, d]))
}

/// Number of bytes at the beginning of a body that [`Policy::hold`](crate::Policy::hold) needs.
pub const FRAME: usize = 5;
