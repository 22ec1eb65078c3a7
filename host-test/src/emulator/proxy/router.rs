//! The router, and the upstream it sends to: Envoy, `source/common/router/router.cc`.

use super::Direction;
use super::attempt::Transport;
use super::connection::closes;
use super::flags::{
    CONNECTION_FAILURE, CONNECTION_TERMINATION, DOWNSTREAM_PROTOCOL_ERROR, NO_HEALTHY_UPSTREAM,
    UPSTREAM_PROTOCOL_ERROR,
};
use super::retry::{Policy, RetryReason};
use crate::UpstreamRequest;
use crate::emulator::Emulator;
use crate::emulator::callouts::{REFUSED_DETAILS, reset_body};
use crate::emulator::header_map::HeaderMap;
use crate::emulator::wire;
use crate::emulator::world::{LocalReply, Part, World};
use std::time::Duration;

/// Envoy's response body for a cluster without endpoints.
const NO_HEALTHY_UPSTREAM_BODY: &str = "no healthy upstream";

/// Request headers that control the router. They are not forwarded.
pub(crate) const CONTROLS: &[&str] = &[
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
    "x-envoy-max-retries",
    "x-envoy-retriable-status-codes",
    "x-envoy-retriable-header-names",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-timeout-alt-response",
];

/// The router's state of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Router {
    pub headers: Option<HeaderMap>,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
    pub ended: bool,
    /// When the last part of the request came.
    pub ended_at: Duration,
    /// The body is sent in chunks.
    pub chunked: bool,
    pub transport: Transport,
    /// The upstream closes the connection after its response.
    pub closes: bool,
    /// The number of the current attempt; 0 before the first.
    pub attempt: u32,
    /// No attempt is in progress: the next one is delayed, or the last one has failed.
    pub waits: bool,
    /// The index of the upstream.
    pub upstream: usize,
    pub policy: Policy,
    pub timeout: Duration,
    pub try_timeout: Duration,
    pub counts_tries: bool,
    /// The status of a timeout: 504 or an alternative.
    pub timeout_status: u32,
    pub timer: Option<(Duration, u64)>,
    pub try_timer: Option<(Duration, u64)>,
    pub sent_at: Duration,
    pub first_at: Duration,
    pub latency: Option<Duration>,
    pub requests: Vec<UpstreamRequest>,
    pub answered: bool,
}

impl Emulator {
    pub(crate) fn router_headers(&mut self, stream: u64, end: bool) {
        self.connect_now(stream);
        let Some(upstream) = self.target(stream) else { return };
        if self.world.upstreams[upstream].spec.empty {
            self.world.stream_mut(stream).flags |= NO_HEALTHY_UPSTREAM;
            let (details, body) = ("no_healthy_upstream".into(), NO_HEALTHY_UPSTREAM_BODY.into());
            let grpc_status = Some(14);
            let reply = LocalReply { status: 503, details, body, grpc_status, ..LocalReply::default() };
            return self.local_reply(stream, reply);
        }
        let World { streams, settings, upstreams, .. } = &mut *self.world;
        let Some(s) = streams.get_mut(&stream) else { return };
        let route = s.route.route(settings);
        let retry = route.and_then(|route| route.retry.as_ref());
        let usual = route.and_then(|route| route.timeout).unwrap_or(settings.route_timeout);
        let counts_tries = s.route.host(settings).is_some_and(|host| host.include_request_attempt_count);
        let headers = &mut s.request_headers;
        let ms = |name| headers.text(name).and_then(|ms| ms.trim().parse().ok()).map(Duration::from_millis);
        let timeout = ms("x-envoy-upstream-rq-timeout-ms").unwrap_or(usual);
        let tries = ms("x-envoy-upstream-rq-per-try-timeout-ms");
        let mut try_timeout = tries.or(retry.map(|retry| retry.per_try_timeout)).unwrap_or_default();
        if try_timeout >= timeout && !timeout.is_zero() {
            try_timeout = Duration::ZERO;
        }
        let alternative = headers.first(b"x-envoy-upstream-rq-timeout-alt-response").is_some();
        s.router.timeout_status = if alternative { 204 } else { 504 };
        s.router.policy = Policy::new(retry, headers);
        (s.router.upstream, s.router.timeout, s.router.try_timeout) = (upstream, timeout, try_timeout);
        s.router.counts_tries = counts_tries;
        headers.remove_all(CONTROLS);
        s.router.expect_within(headers, Duration::ZERO);
        if counts_tries {
            headers.set(b"x-envoy-attempt-count", b"1");
        }
        let mut headers = headers.clone();
        let http2 = upstreams[upstream].spec.http2;
        if let Some(problem) = wire::problem(&headers) {
            self.world.stream_mut(stream).flags |= DOWNSTREAM_PROTOCOL_ERROR;
            let details = wire::problem_details(&problem);
            let reply = LocalReply { status: 503, details, body: problem, ..LocalReply::default() };
            return self.local_reply(stream, reply);
        }
        if !http2 && headers.first(b"content-length").is_none() {
            let bodiless = matches!(
                headers.first(b":method"),
                Some(b"GET" | b"HEAD" | b"DELETE" | b"CONNECT" | b"TRACE")
            );
            match (end, bodiless) {
                (false, _) => headers.push(b"transfer-encoding", b"chunked"),
                (true, false) => headers.set(b"content-length", b"0"),
                (true, true) => {}
            }
        }
        let now = self.world.clock.now();
        let s = self.world.stream_mut(stream);
        s.router.chunked = !end && headers.first(b"content-length").is_none();
        s.router.headers = Some(headers);
        s.router.ended = end;
        s.router.ended_at = now;
        self.start_attempt(stream);
    }

    pub(crate) fn router_body(&mut self, stream: u64, piece: Vec<u8>, end: bool) {
        let now = self.world.clock.now();
        let router = &mut self.world.stream_mut(stream).router;
        router.body.extend_from_slice(&piece);
        router.ended |= end;
        router.ended_at = now;
        self.keep_for_retry(stream);
        if self.is_alive(stream) {
            self.write_upstream(stream, Vec::new(), &piece, end);
            self.start_timers(stream);
        }
    }

    pub(crate) fn router_trailers(&mut self, stream: u64) {
        let now = self.world.clock.now();
        let s = self.world.stream_mut(stream);
        s.router.trailers.clone_from(&s.request_trailers);
        s.router.ended = true;
        s.router.ended_at = now;
        self.write_upstream(stream, Vec::new(), &[], true);
        self.start_timers(stream);
    }

    /// Returns whether this attempt is in progress.
    pub(super) fn is_trying(&self, stream: u64, attempt: u32) -> bool {
        let router = self.world.streams.get(&stream).filter(|s| !s.finishing).map(|s| &s.router);
        router.is_some_and(|r| r.attempt == attempt && !r.waits)
    }

    /// Ends all attempts, as the router does when a local reply is sent (`onLocalReply` in
    /// `source/common/router/router.h`).
    pub(super) fn give_up(&mut self, stream: u64) {
        let router = &mut self.world.stream_mut(stream).router;
        (router.transport, router.waits) = (Transport::None, true);
        self.stop_try_timer(stream);
    }

    /// Handles a part of the upstream's response.
    pub(crate) fn upstream_sent(&mut self, stream: u64, attempt: u32, part: Part) {
        if !self.is_trying(stream, attempt) {
            return;
        }
        match part {
            Part::Headers { map, end } => self.response_begins(stream, map, end),
            Part::Body { bytes, end } => {
                let s = self.world.stream_mut(stream);
                s.response.seen += bytes.len();
                s.response.ended |= end;
                if end {
                    self.release(stream);
                }
                self.stop_timer(stream);
                self.iterate_body(stream, Direction::Response, None, bytes, end);
            }
            Part::Trailers(map) => {
                let s = self.world.stream_mut(stream);
                s.response.ended = true;
                s.response_trailers = Some(map);
                self.release(stream);
                self.stop_timer(stream);
                self.iterate_trailers(stream, Direction::Response, None);
            }
            Part::Broken(how) => self.upstream_broke(stream, how),
        }
    }

    fn response_begins(&mut self, stream: u64, mut map: HeaderMap, end: bool) {
        let status = map.text(":status").and_then(|s| s.parse().ok()).unwrap_or(0);
        self.world.stream_mut(stream).router.closes = closes(&map);
        if end {
            self.release(stream);
        }
        if self.retries(stream, RetryReason::Answer(&map)) {
            return;
        }
        self.stop_try_timer(stream);
        let now = self.world.clock.now();
        let s = self.world.stream_mut(stream);
        let latency = now.saturating_sub(s.router.sent_at);
        s.router.latency = Some(latency);
        s.router.answered = true;
        // The time is counted from the end of the request.
        if s.router.ended {
            let since = now.saturating_sub(s.router.ended_at).as_millis();
            map.set(b"x-envoy-upstream-service-time", since.to_string().as_bytes());
        }
        s.code = Some(status);
        s.details = "via_upstream".into();
        s.response_headers = Some(map);
        s.response.ended = end;
        self.stop_timer(stream);
        self.iterate_headers(stream, Direction::Response, None, end);
    }

    pub(super) fn upstream_broke(&mut self, stream: u64, how: &'static str) {
        let refused = how == "remote connection failure";
        let flag = if refused { CONNECTION_FAILURE } else { CONNECTION_TERMINATION };
        let answered = self.world.stream_mut(stream).router.answered;
        if !answered && self.retries(stream, if refused { RetryReason::Refused } else { RetryReason::Reset })
        {
            return;
        }
        let broken = how == "protocol error";
        let s = self.world.stream_mut(stream);
        s.router.transport = Transport::None;
        s.flags |= if broken { UPSTREAM_PROTOCOL_ERROR } else { flag };
        let details = match (answered, refused) {
            (false, true) => REFUSED_DETAILS.into(),
            _ => {
                let when = if answered { "after" } else { "before" };
                format!("upstream_reset_{when}_response_started{{{}}}", how.replace(' ', "_"))
            }
        };
        let body = reset_body(how, s.router.attempt > 1);
        let status = if broken { 502 } else { 503 };
        let reply = LocalReply { status, details, body, grpc_status: Some(14), ..LocalReply::default() };
        self.local_reply(stream, reply);
    }
}

impl Router {
    /// Sets the time that the upstream has left: for this attempt, or otherwise for all attempts. `gone` is
    /// the time since the first attempt.
    pub(super) fn expect_within(&self, headers: &mut HeaderMap, gone: Duration) {
        let mut expected = if self.try_timeout.is_zero() { self.timeout } else { self.try_timeout };
        if expected.is_zero() {
            return;
        }
        if !self.timeout.is_zero() {
            // 0 would mean no limit.
            expected = expected.min(self.timeout.saturating_sub(gone)).max(Duration::from_millis(1));
        }
        headers.set(b"x-envoy-expected-rq-timeout-ms", expected.as_millis().to_string().as_bytes());
    }
}
