//! Retries, as configured by routes and request headers: Envoy, `source/common/router/retry_state_impl.cc`.

use super::attempt::Transport;
use super::flags::RETRIES_EXHAUSTED;
use crate::RetryPolicy;
use crate::emulator::Emulator;
use crate::emulator::header_map::HeaderMap;
use crate::emulator::world::{Event, LocalReply};
use std::time::Duration;

/// The delay before the first retry. Envoy picks a random delay from 0 to 25 ms; the emulator always uses the
/// maximum.
pub(crate) const BACK_OFF: Duration = Duration::from_millis(25);
/// Valid values in `x-envoy-retry-on`; others are ignored.
const KINDS: &[&str] = &[
    "5xx",
    "gateway-error",
    "connect-failure",
    "reset",
    "reset-before-request",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "envoy-ratelimited",
];
/// Valid values in `x-envoy-retry-grpc-on`, with their status codes.
const GRPC_KINDS: &[(&str, u32)] = &[
    ("cancelled", 1),
    ("deadline-exceeded", 4),
    ("resource-exhausted", 8),
    ("unavailable", 14),
    ("internal", 13),
];

/// The conditions for retries, and the number of retries left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    on: Vec<String>,
    grpc_on: Vec<u32>,
    statuses: Vec<u16>,
    headers: Vec<String>,
    left: u32,
}

/// RetryReason an attempt failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RetryReason<'a> {
    /// The upstream answered with these headers.
    Answer(&'a HeaderMap),
    /// The upstream refused the connection.
    Refused,
    /// The upstream closed the connection.
    Reset,
    /// The attempt timed out.
    TimedOut,
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

impl Policy {
    /// Combines the route's policy with the request's headers.
    pub fn new(route: Option<&RetryPolicy>, headers: &HeaderMap) -> Self {
        let header = |name: &str| list(&headers.text(name).unwrap_or_default());
        let on = route.map(|route| list(&route.retry_on)).unwrap_or_default();
        let mut policy = Self {
            on: on.into_iter().chain(header("x-envoy-retry-on")).collect(),
            grpc_on: Vec::new(),
            statuses: route.map(|route| route.retriable_status_codes.clone()).unwrap_or_default(),
            headers: header("x-envoy-retriable-header-names"),
            left: route.map_or(1, |route| route.num_retries),
        };
        let of_route = route.map(|route| list(&route.retry_on)).unwrap_or_default();
        let grpc = [of_route, header("x-envoy-retry-grpc-on")].concat();
        policy.grpc_on =
            GRPC_KINDS.iter().filter(|(kind, _)| grpc.iter().any(|g| g == kind)).map(|(_, s)| *s).collect();
        policy.on.retain(|kind| KINDS.contains(&kind.as_str()));
        let statuses = header("x-envoy-retriable-status-codes");
        policy.statuses.extend(statuses.iter().filter_map(|status| status.parse::<u16>().ok()));
        if let Some(most) = headers.text("x-envoy-max-retries").and_then(|n| n.trim().parse().ok()) {
            policy.left = most;
        }
        policy
    }

    /// Returns whether any retry is possible. If so, the request body is kept.
    pub fn is_enabled(&self) -> bool {
        !self.on.is_empty() || !self.grpc_on.is_empty()
    }

    /// Returns whether to retry, and if so consumes one retry.
    pub fn consume_retry(&mut self, why: RetryReason<'_>) -> bool {
        let again = self.left > 0 && self.wants(why);
        self.left -= u32::from(again);
        again
    }

    fn has(&self, kinds: &[&str]) -> bool {
        self.on.iter().any(|on| kinds.contains(&on.as_str()))
    }

    fn wants(&self, why: RetryReason<'_>) -> bool {
        self.is_enabled()
            && match why {
                RetryReason::Answer(headers) => self.wants_answer(headers),
                RetryReason::Refused => {
                    self.has(&["5xx", "gateway-error", "connect-failure", "reset", "reset-before-request"])
                }
                RetryReason::Reset | RetryReason::TimedOut => self.has(&["5xx", "gateway-error", "reset"]),
            }
    }

    fn wants_answer(&self, headers: &HeaderMap) -> bool {
        if headers.first(b"x-envoy-ratelimited").is_some() {
            return self.has(&["envoy-ratelimited"]);
        }
        let status = headers.text(":status").and_then(|s| s.parse::<u16>().ok()).unwrap_or(0);
        let grpc = headers.text("grpc-status").and_then(|s| s.parse::<u32>().ok());
        (self.has(&["5xx"]) && (500..600).contains(&status))
            || (self.has(&["gateway-error"]) && (502..=504).contains(&status))
            || (self.has(&["retriable-4xx"]) && status == 409)
            || (self.has(&["retriable-status-codes"]) && self.statuses.contains(&status))
            || (self.has(&["retriable-headers"])
                && self.headers.iter().any(|name| headers.first(name.as_bytes()).is_some()))
            || grpc.is_some_and(|status| self.grpc_on.contains(&status))
    }
}

impl Emulator {
    /// Schedules a retry, if the policy allows one. Returns whether it did.
    pub(crate) fn retries(&mut self, stream: u64, why: RetryReason<'_>) -> bool {
        let s = self.world.stream_mut(stream);
        let policy = &mut s.router.policy;
        if !policy.wants(why) {
            return false;
        }
        if policy.left == 0 {
            s.flags |= RETRIES_EXHAUSTED;
            return false;
        }
        policy.left -= 1;
        s.router.waits = true;
        s.router.transport = Transport::None;
        self.stop_try_timer(stream);
        self.world.clock.after(BACK_OFF, Event::Retry { stream });
        true
    }

    /// Sends the request again, after the delay.
    pub(crate) fn try_again(&mut self, stream: u64) {
        if self.is_alive(stream) {
            self.world.stream_mut(stream).router.waits = false;
            self.start_attempt(stream);
        }
    }

    /// Keeps a request body for a retry, up to the buffer limit. A larger request is not retried, and fails
    /// if it already waits for a retry.
    pub(crate) fn keep_for_retry(&mut self, stream: u64) {
        let limit = self.world.settings.buffer_limit as usize;
        let s = self.world.stream_mut(stream);
        if !s.router.policy.is_enabled() || s.router.body.len() <= limit {
            return;
        }
        s.router.policy = Policy::default();
        if s.router.waits {
            let body = b"exceeded request buffer limit while retrying upstream".to_vec();
            let details = "request_payload_exceeded_retry_buffer_limit".into();
            self.local_reply(stream, LocalReply { status: 507, details, body, ..LocalReply::default() });
        }
    }
}
