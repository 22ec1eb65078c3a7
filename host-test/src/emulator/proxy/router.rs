//! The router, and the upstream behind it: Envoy, `source/common/router/router.cc`.

use super::Way;
use super::retry::{self, Policy};
use crate::emulator::Emulator;
use crate::emulator::callouts::{
    REFUSED, REFUSED_DETAILS, TERMINATED, TERMINATED_DETAILS, TIMED_OUT, answer_headers, deliver, received,
};
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::wire;
use crate::emulator::world::{Event, LocalReply, Part};
use crate::{Answer, UpstreamRequest};
use std::time::Duration;

/// Response flags.
const TIMEOUT: i64 = 0x4;
const CONNECTION_FAILURE: i64 = 0x20;
const CONNECTION_TERMINATION: i64 = 0x40;
const NO_ROUTE: i64 = 0x100;
pub(crate) const RETRIES_EXHAUSTED: i64 = 0x8000;

/// Request headers that tell the router what to do, and go no further.
const CONTROLS: &[&str] = &[
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

/// What the router knows of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Router {
    pub headers: Option<HeaderMap>,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
    pub ended: bool,
    /// It is called chunked, and has no chunk, not even a last one.
    pub endless: bool,
    /// Which try this is; 0 before the first.
    pub attempt: u32,
    pub policy: Policy,
    pub timeout: Duration,
    pub timer: Option<(Duration, u64)>,
    pub sent_at: Duration,
    pub first_at: Duration,
    pub latency: Option<Duration>,
    pub requests: Vec<UpstreamRequest>,
    pub answered: bool,
}

impl Emulator {
    fn no_route(&mut self, stream: u64) -> bool {
        let headers = &self.world.stream_mut(stream).request_headers;
        let path = headers.first(b":path").is_some_and(|path| path.starts_with(b"/"));
        // Envoy, `config_impl.cc`, getRouteFromEntries, takes the scheme from here.
        !path || headers.first(b"x-forwarded-proto").is_none_or(<[u8]>::is_empty)
    }

    pub(crate) fn router_headers(&mut self, stream: u64, end: bool) {
        if self.no_route(stream) {
            self.world.stream_mut(stream).flags |= NO_ROUTE;
            let details = "route_not_found".into();
            return self.local_reply(stream, LocalReply { status: 404, details, ..LocalReply::default() });
        }
        let timeout = self.world.settings.route_timeout;
        let s = self.world.stream_mut(stream);
        let headers = &mut s.request_headers;
        let ms = headers.text("x-envoy-upstream-rq-timeout-ms").and_then(|ms| ms.parse().ok());
        s.router.timeout = ms.map_or(timeout, Duration::from_millis);
        s.router.policy = Policy::of(headers);
        CONTROLS.iter().for_each(|name| headers.remove(name.as_bytes()));
        if !s.router.timeout.is_zero() {
            let ms = s.router.timeout.as_millis().to_string();
            headers.set(b"x-envoy-expected-rq-timeout-ms", ms.as_bytes());
        }
        let mut headers = headers.clone();
        let http2 = self.world.upstreams.first().is_some_and(|u| u.spec.http2);
        if let Some(problem) = wire::problem(&headers) {
            let details = wire::problem_details(&problem);
            let reply = LocalReply { status: 503, details, body: problem, ..LocalReply::default() };
            return self.local_reply(stream, reply);
        }
        if !http2 && headers.first(b"content-length").is_none() {
            let bodiless =
                matches!(headers.first(b":method"), Some(b"GET" | b"HEAD" | b"DELETE" | b"CONNECT"));
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
        self.dispatch(stream);
    }

    pub(crate) fn router_trailers(&mut self, stream: u64) {
        let s = self.world.stream_mut(stream);
        s.router.trailers.clone_from(&s.request_trailers);
        s.router.ended = true;
        self.dispatch(stream);
    }

    /// Sends the request when it is complete. One that is refused is so before that.
    pub(crate) fn dispatch(&mut self, stream: u64) {
        let refuses = self
            .world
            .upstreams
            .first()
            .is_some_and(|u| matches!(u.turns.next(&u.spec), Some(Answer::Refuse)));
        let now = self.world.clock.now();
        let s = self.world.stream_mut(stream);
        let Some(headers) = s.router.headers.clone() else { return };
        let first = s.router.attempt == 0;
        let goes = s.router.ended || (refuses && first);
        if !goes {
            return;
        }
        s.router.attempt += 1;
        s.router.sent_at = now;
        let (attempt, timeout) = (s.router.attempt, s.router.timeout);
        let mut headers = headers;
        if attempt > 1 && !timeout.is_zero() {
            // What is left of the time for all tries.
            let left = timeout.saturating_sub(now.saturating_sub(s.router.first_at)).as_millis().to_string();
            headers.set(b"x-envoy-expected-rq-timeout-ms", left.as_bytes());
        } else {
            s.router.first_at = now;
        }
        let mut body = s.router.body.clone();
        let request = received(&headers, Vec::new(), s.router.trailers.as_ref());
        let declared: Option<usize> = headers.text("content-length").and_then(|n| n.parse().ok());
        if s.router.timer.is_none() && !timeout.is_zero() {
            let timer = self.world.clock.after(timeout, Event::RouteTimeout { stream });
            self.world.stream_mut(stream).router.timer = Some(timer);
        }
        // The upstream waits for the rest of what it was promised: of the length, or a last chunk.
        let waits = self.world.stream_mut(stream).router.endless
            || declared.is_some_and(|declared| declared > body.len());
        body.truncate(declared.unwrap_or(usize::MAX));
        let request = UpstreamRequest { body, ..request };
        let answer = deliver(&mut self.world, 0, request.clone());
        if !matches!(answer, Answer::Refuse) {
            self.world.stream_mut(stream).router.requests.push(request);
        }
        if !waits || matches!(answer, Answer::Refuse) {
            self.order_answer(stream, attempt, answer);
        }
    }

    fn order_answer(&mut self, stream: u64, attempt: u32, answer: Answer) {
        let headers = self.world.stream_mut(stream).router.headers.as_ref();
        let to_head = headers.and_then(|h| h.first(b":method")) == Some(b"HEAD");
        let mut order = |after, part| {
            self.world.clock.after(after, Event::Upstream { stream, attempt, part });
        };
        let (response, after, breaks) = match answer {
            Answer::Reply { response, after } => (response, after, false),
            Answer::ResetMidResponse(response) => (response, Duration::ZERO, true),
            Answer::Reset => return order(Duration::ZERO, Part::Broken("connection termination")),
            Answer::Refuse => return order(Duration::ZERO, Part::Broken("remote connection failure")),
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
        // Envoy knows of those that cannot have a body (`source/common/http/http1/codec_impl.cc`, cannotHaveBody).
        let bodiless = to_head || matches!(response.status, 204 | 304);
        let response = if bodiless {
            crate::Response { body: Vec::new(), trailers: crate::Headers::default(), ..response }
        } else {
            response
        };
        let trailers = HeaderMap::of(Kind::ResponseTrailers, &response.trailers);
        let empty = response.body().is_empty() && trailers.is_empty();
        let chunked = !bodiless && map.first(b"transfer-encoding").is_some();
        order(after, Part::Headers { map, end: empty && !breaks && !chunked });
        for bytes in response.body.into_iter().filter(|piece| !piece.is_empty()) {
            order(after, Part::Body { bytes, end: false });
        }
        if breaks {
            // A body that ends before its length, or before its last chunk.
            order(after, Part::Broken("protocol error"));
        } else if !trailers.is_empty() {
            order(after, Part::Trailers(trailers));
        } else if !empty || chunked {
            order(after, Part::Body { bytes: Vec::new(), end: true });
        }
    }

    /// Something came from the upstream.
    pub(crate) fn upstream_sent(&mut self, stream: u64, attempt: u32, part: Part) {
        if !self.is_alive(stream) || self.world.stream_mut(stream).router.attempt != attempt {
            return;
        }
        match part {
            Part::Headers { map, end } => self.response_begins(stream, map, end),
            Part::Body { bytes, end } => {
                let s = self.world.stream_mut(stream);
                s.response.seen += bytes.len();
                s.response.ended |= end;
                self.iterate_body(stream, Way::Response, None, bytes, end);
            }
            Part::Trailers(map) => {
                let s = self.world.stream_mut(stream);
                s.response.ended = true;
                s.response_trailers = Some(map);
                self.iterate_trailers(stream, Way::Response, None);
            }
            Part::Broken(how) => self.upstream_broke(stream, how),
        }
    }

    fn response_begins(&mut self, stream: u64, mut map: HeaderMap, end: bool) {
        let status = map.text(":status").and_then(|s| s.parse().ok()).unwrap_or(0);
        if self.retries(stream, retry::Why::Status(status)) {
            return;
        }
        let now = self.world.clock.now();
        let s = self.world.stream_mut(stream);
        let latency = now.saturating_sub(s.router.sent_at);
        s.router.latency = Some(latency);
        s.router.answered = true;
        let timer = s.router.timer.filter(|_| end);
        map.set(b"x-envoy-upstream-service-time", latency.as_millis().to_string().as_bytes());
        s.code = Some(status);
        s.details = "via_upstream".into();
        s.response_headers = Some(map);
        s.response.ended = end;
        if let Some(timer) = timer {
            self.world.clock.cancel(timer);
        }
        self.iterate_headers(stream, Way::Response, None, end);
    }

    fn upstream_broke(&mut self, stream: u64, how: &'static str) {
        let refused = how == "remote connection failure";
        let s = self.world.stream_mut(stream);
        s.flags |= if refused { CONNECTION_FAILURE } else { CONNECTION_TERMINATION };
        if s.router.answered {
            s.details = format!("upstream_reset_after_response_started{{{}}}", how.replace(' ', "_"));
            return self.reset(stream);
        }
        if self.retries(stream, if refused { retry::Why::Refused } else { retry::Why::Reset }) {
            return;
        }
        let (body, details) =
            if refused { (REFUSED, REFUSED_DETAILS) } else { (TERMINATED, TERMINATED_DETAILS) };
        let details = details.to_owned();
        let body = body.as_bytes().to_vec();
        let reply = LocalReply { status: 503, details, body, grpc_status: Some(14), ..LocalReply::default() };
        self.local_reply(stream, reply);
    }

    /// The upstream has not answered in time.
    pub(crate) fn route_timed_out(&mut self, stream: u64) {
        if !self.is_alive(stream) {
            return;
        }
        let s = self.world.stream_mut(stream);
        s.flags |= TIMEOUT;
        s.router.attempt += 1;
        let reply = LocalReply {
            status: 504,
            details: "response_timeout".into(),
            body: TIMED_OUT.into(),
            grpc_status: Some(4),
            ..LocalReply::default()
        };
        self.local_reply(stream, reply);
    }
}
