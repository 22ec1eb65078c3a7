//! The router, and the upstream it sends to: Envoy, `source/common/router/router.cc`.

use super::Direction;
use super::flags::{
    CONNECTION_FAILURE, CONNECTION_TERMINATION, DOWNSTREAM_PROTOCOL_ERROR, UPSTREAM_PROTOCOL_ERROR,
};
use super::retry::{Policy, RetryReason};
use crate::emulator::Emulator;
use crate::emulator::callouts::{
    self, REFUSED, REFUSED_DETAILS, TERMINATED, TERMINATED_DETAILS, answer_headers, received,
};
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::wire;
use crate::emulator::world::{Event, LocalReply, Part, World};
use crate::{Answer, UpstreamRequest};
use std::time::Duration;

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
    /// The request is marked as chunked, but has no chunks, not even a last one.
    pub endless: bool,
    /// The number of the current attempt; 0 before the first.
    pub attempt: u32,
    /// The next attempt is sent when the request is complete.
    pub due: bool,
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
        let Some(upstream) = self.target(stream) else { return };
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
        (s.router.due, s.router.counts_tries) = (true, counts_tries);
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
        let s = self.world.stream_mut(stream);
        s.router.endless = end && headers.first(b"transfer-encoding").is_some();
        s.router.headers = Some(headers);
        s.router.ended = end;
        self.dispatch(stream);
    }

    pub(crate) fn router_body(&mut self, stream: u64, mut piece: Vec<u8>, end: bool) {
        let router = &mut self.world.stream_mut(stream).router;
        router.body.append(&mut piece);
        router.ended |= end;
        self.keep_for_retry(stream);
        if self.is_alive(stream) {
            self.dispatch(stream);
        }
    }

    pub(crate) fn router_trailers(&mut self, stream: u64) {
        let s = self.world.stream_mut(stream);
        s.router.trailers.clone_from(&s.request_trailers);
        s.router.ended = true;
        self.dispatch(stream);
    }

    /// Sends the request when it is complete. A refused connection is reported before that.
    pub(crate) fn dispatch(&mut self, stream: u64) {
        self.wait_for_upstream(stream);
        let now = self.world.clock.now();
        let router = &self.world.stream_mut(stream).router;
        let (upstream, goes, due) = (router.upstream, router.ended, router.due);
        if !due || !(goes || self.is_refused_next(upstream)) {
            return;
        }
        let s = self.world.stream_mut(stream);
        let Some(mut headers) = s.router.headers.take() else { return };
        s.router.due = false;
        s.router.attempt += 1;
        s.router.sent_at = now;
        let (attempt, timeout) = (s.router.attempt, s.router.timeout);
        if attempt == 1 {
            s.router.first_at = now;
        } else {
            s.router.expect_within(&mut headers, now.saturating_sub(s.router.first_at));
        }
        if s.router.counts_tries {
            headers.set(b"x-envoy-attempt-count", attempt.to_string().as_bytes());
        }
        let mut body = s.router.body.clone();
        let request = received(&headers, Vec::new(), s.router.trailers.as_ref());
        let declared: Option<usize> = headers.text("content-length").and_then(|n| n.parse().ok());
        s.router.headers = Some(headers);
        if s.router.timer.is_none() && !timeout.is_zero() {
            let timer = self.world.clock.after(timeout, Event::RouteTimeout { stream });
            self.world.stream_mut(stream).router.timer = Some(timer);
        }
        let try_timeout = self.world.stream_mut(stream).router.try_timeout;
        if !try_timeout.is_zero() && goes {
            let timer = self.world.clock.after(try_timeout, Event::TryTimeout { stream, attempt });
            self.world.stream_mut(stream).router.try_timer = Some(timer);
        }
        // The upstream waits for the rest of the request: of its content length, or for a last chunk.
        let waits = self.world.stream_mut(stream).router.endless
            || declared.is_some_and(|declared| declared > body.len());
        body.truncate(declared.unwrap_or(usize::MAX));
        let cluster = self.world.upstreams[upstream].spec.name.clone();
        let request = UpstreamRequest { cluster, body, ended: !waits, ..request };
        let answer = callouts::answer(&mut self.world, upstream, &request);
        if !matches!(answer, Answer::Refuse) {
            self.world.stream_mut(stream).router.requests.push(request);
        }
        if !waits || matches!(answer, Answer::Refuse) {
            self.schedule_answer(stream, attempt, answer);
        }
    }

    fn schedule_answer(&mut self, stream: u64, attempt: u32, answer: Answer) {
        let headers = self.world.stream_mut(stream).router.headers.as_ref();
        let to_head = headers.and_then(|h| h.first(b":method")) == Some(b"HEAD");
        let mut schedule = |after, part| {
            self.world.clock.after(after, Event::Upstream { stream, attempt, part });
        };
        let (response, after, breaks) = match answer {
            Answer::Reply { response, after } => (response, after, false),
            Answer::ResetMidResponse(response) => (response, Duration::ZERO, true),
            Answer::Reset => return schedule(Duration::ZERO, Part::Broken("connection termination")),
            Answer::Refuse => return schedule(Duration::ZERO, Part::Broken("remote connection failure")),
            Answer::Hang => return,
            Answer::Grpc { initial_metadata, messages, status, message, after } => {
                let mut response = crate::Response::new(200).header("content-type", "application/grpc");
                response.headers.0.extend(initial_metadata.0);
                for message in &messages {
                    response = response.chunk(crate::emulator::callouts::grpc::frame(message));
                }
                response = response.trailer("grpc-status", status.to_string());
                if !message.is_empty() {
                    response = response.trailer("grpc-message", message);
                }
                (response, after, false)
            }
        };
        let map = answer_headers(&response, to_head);
        // Envoy knows which responses cannot have a body (`source/common/http/http1/codec_impl.cc`,
        // `cannotHaveBody`).
        let bodiless = to_head || matches!(response.status, 204 | 304);
        let response = if bodiless {
            crate::Response { body: Vec::new(), trailers: crate::Headers::default(), ..response }
        } else {
            response
        };
        let trailers = HeaderMap::from_fields(Kind::ResponseTrailers, &response.trailers);
        let empty = response.body().is_empty() && trailers.is_empty();
        let chunked = !bodiless && map.first(b"transfer-encoding").is_some();
        schedule(after, Part::Headers { map, end: empty && !breaks && !chunked });
        for bytes in response.body.into_iter().filter(|piece| !piece.is_empty()) {
            schedule(after, Part::Body { bytes, end: false });
        }
        if breaks {
            // The body ends before its content length, or before its last chunk.
            schedule(after, Part::Broken("protocol error"));
        } else if !trailers.is_empty() {
            schedule(after, Part::Trailers(trailers));
        } else if !empty || chunked {
            schedule(after, Part::Body { bytes: Vec::new(), end: true });
        }
    }

    /// Returns whether this attempt is in progress.
    pub(super) fn is_trying(&self, stream: u64, attempt: u32) -> bool {
        let router = self.world.streams.get(&stream).filter(|s| !s.finishing).map(|s| &s.router);
        router.is_some_and(|r| r.attempt == attempt && !r.waits && !r.due)
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
                self.stop_timer(stream);
                self.iterate_body(stream, Direction::Response, None, bytes, end);
            }
            Part::Trailers(map) => {
                let s = self.world.stream_mut(stream);
                s.response.ended = true;
                s.response_trailers = Some(map);
                self.stop_timer(stream);
                self.iterate_trailers(stream, Direction::Response, None);
            }
            Part::Broken(how) => self.upstream_broke(stream, how),
        }
    }

    fn response_begins(&mut self, stream: u64, mut map: HeaderMap, end: bool) {
        let status = map.text(":status").and_then(|s| s.parse().ok()).unwrap_or(0);
        if self.retries(stream, RetryReason::Answer(&map)) {
            return;
        }
        self.stop_try_timer(stream);
        let now = self.world.clock.now();
        let s = self.world.stream_mut(stream);
        let latency = now.saturating_sub(s.router.sent_at);
        s.router.latency = Some(latency);
        s.router.answered = true;
        map.set(b"x-envoy-upstream-service-time", latency.as_millis().to_string().as_bytes());
        s.code = Some(status);
        s.details = "via_upstream".into();
        s.response_headers = Some(map);
        s.response.ended = end;
        self.stop_timer(stream);
        self.iterate_headers(stream, Direction::Response, None, end);
    }

    fn upstream_broke(&mut self, stream: u64, how: &'static str) {
        let refused = how == "remote connection failure";
        let flag = if refused { CONNECTION_FAILURE } else { CONNECTION_TERMINATION };
        let s = self.world.stream_mut(stream);
        if s.router.answered {
            s.flags |= if how == "protocol error" { UPSTREAM_PROTOCOL_ERROR } else { flag };
            s.details = format!("upstream_reset_after_response_started{{{}}}", how.replace(' ', "_"));
            return self.reset(stream);
        }
        if self.retries(stream, if refused { RetryReason::Refused } else { RetryReason::Reset }) {
            return;
        }
        self.world.stream_mut(stream).flags |= flag;
        let (body, details) =
            if refused { (REFUSED, REFUSED_DETAILS) } else { (TERMINATED, TERMINATED_DETAILS) };
        let details = details.to_owned();
        let retried = self.world.stream_mut(stream).router.attempt > 1;
        let body = if retried {
            body.replace("reset reason", "retried and the latest reset reason")
        } else {
            body.into()
        };
        let body = body.into_bytes();
        let reply = LocalReply { status: 503, details, body, grpc_status: Some(14), ..LocalReply::default() };
        self.local_reply(stream, reply);
    }
}

impl Router {
    /// Sets the time that the upstream has left: for this attempt, or otherwise for all attempts. `gone` is
    /// the time since the first attempt.
    fn expect_within(&self, headers: &mut HeaderMap, gone: Duration) {
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
