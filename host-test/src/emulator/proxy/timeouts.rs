//! The timeouts of a request: for all attempts together, and for each.

use super::attempt::Transport;
use super::flags::TIMEOUT;
use super::retry::{Policy, RetryReason};
use crate::emulator::Emulator;
use crate::emulator::callouts::TIMED_OUT;
use crate::emulator::world::{Event, LocalReply};

impl Emulator {
    /// Starts the timeouts once the request is complete.
    pub(crate) fn start_timers(&mut self, stream: u64) {
        let Some(s) = self.world.streams.get_mut(&stream).filter(|s| s.router.ended && !s.finishing) else {
            return;
        };
        let (attempt, timeout, try_timeout) = (s.router.attempt, s.router.timeout, s.router.try_timeout);
        if s.router.timer.is_none() && !timeout.is_zero() {
            s.router.timer = Some(self.world.clock.after(timeout, Event::RouteTimeout { stream }));
        }
        if s.router.try_timer.is_none() && !try_timeout.is_zero() && !s.router.waits {
            s.router.try_timer =
                Some(self.world.clock.after(try_timeout, Event::TryTimeout { stream, attempt }));
        }
    }

    /// Handles the timeout for all attempts.
    pub(crate) fn route_timed_out(&mut self, stream: u64) {
        if self.is_alive(stream) {
            self.timed_out(stream, "response_timeout");
        }
    }

    /// Handles the timeout of one attempt.
    pub(crate) fn try_timed_out(&mut self, stream: u64, attempt: u32) {
        if !self.is_trying(stream, attempt) {
            return;
        }
        self.world.stream_mut(stream).router.try_timer = None;
        if self.retries(stream, RetryReason::TimedOut) {
            return;
        }
        self.timed_out(stream, "upstream_per_try_timeout");
    }

    /// Stops the route timeout once the whole response has arrived. Filters may then delay it for any time.
    pub(crate) fn stop_timer(&mut self, stream: u64) {
        let s = self.world.stream_mut(stream);
        if s.response.ended
            && let Some(timer) = s.router.timer.take()
        {
            self.world.clock.cancel(timer);
        }
    }

    pub(crate) fn stop_try_timer(&mut self, stream: u64) {
        if let Some(timer) = self.world.stream_mut(stream).router.try_timer.take() {
            self.world.clock.cancel(timer);
        }
    }

    fn timed_out(&mut self, stream: u64, details: &str) {
        self.stop_try_timer(stream);
        let s = self.world.stream_mut(stream);
        s.flags |= TIMEOUT;
        s.router.waits = true;
        s.router.transport = Transport::None;
        s.router.policy = Policy::default();
        let status = s.router.timeout_status;
        let body = if status == 204 { Vec::new() } else { TIMED_OUT.into() };
        let (details, grpc_status) = (details.into(), Some(4));
        self.local_reply(stream, LocalReply { status, details, body, grpc_status, ..LocalReply::default() });
    }
}
