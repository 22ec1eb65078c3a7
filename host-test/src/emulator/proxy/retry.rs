//! Retries, which filters order by request headers: Envoy, `source/common/router/retry_state_impl.cc`.

use super::router::RETRIES_EXHAUSTED;
use crate::emulator::Emulator;
use crate::emulator::header_map::HeaderMap;
use crate::emulator::world::Event;
use std::time::Duration;

/// The first wait is between 0 and 25 ms on Envoy, at random; here it is always the longest.
const BACK_OFF: Duration = Duration::from_millis(25);

/// What is retried and how often.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    on: Vec<String>,
    statuses: Vec<u16>,
    left: u32,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Status(u16),
    Refused,
    Reset,
}

impl Policy {
    pub fn of(headers: &HeaderMap) -> Self {
        let list = |name: &str| -> Vec<String> {
            let text = headers.text(name).unwrap_or_default();
            text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        };
        let on = list("x-envoy-retry-on");
        let asked = headers.text("x-envoy-max-retries").and_then(|n| n.parse().ok()).unwrap_or(1);
        let statuses = list("x-envoy-retriable-status-codes").iter().filter_map(|s| s.parse().ok()).collect();
        Self { left: if on.is_empty() { 0 } else { asked }, on, statuses }
    }

    fn wants(&self, why: Why) -> bool {
        self.on.iter().any(|on| match (on.as_str(), why) {
            ("5xx", Why::Status(status)) => (500..600).contains(&status),
            ("gateway-error", Why::Status(status)) => (502..=504).contains(&status),
            ("retriable-4xx", Why::Status(status)) => status == 409,
            ("retriable-status-codes", Why::Status(status)) => self.statuses.contains(&status),
            ("5xx" | "connect-failure", Why::Refused) => true,
            ("5xx" | "reset", Why::Refused | Why::Reset) => true,
            ("reset-before-request", Why::Refused) => true,
            _ => false,
        })
    }
}

impl Emulator {
    /// Whether the request is sent once more; then it will be.
    pub(crate) fn retries(&mut self, stream: u64, why: Why) -> bool {
        let limit = self.world.settings.buffer_limit as usize;
        let s = self.world.stream_mut(stream);
        let policy = &mut s.router.policy;
        if policy.on.is_empty() || !policy.wants(why) || s.router.body.len() > limit || !s.router.ended {
            return false;
        }
        if policy.left == 0 {
            s.flags |= RETRIES_EXHAUSTED;
            return false;
        }
        policy.left -= 1;
        self.world.clock.after(BACK_OFF, Event::Retry { stream });
        true
    }
}
