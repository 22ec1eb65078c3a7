//! The connection manager and its HTTP/1 codec: what is made of a client's request, and what the client gets.

use super::Way;
use super::flags::shown;
use super::stream::{Slot, Stream};
use crate::emulator::Emulator;
use crate::emulator::context::Context;
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::wire;
use crate::emulator::world::{Event, LocalReply, Part, World};
use crate::{ClientView, Exchange, Request, Response};
use std::borrow::Cow;
use std::time::Duration;

/// Client headers that only the proxy itself may set: Envoy, `conn_manager_utility.cc`, mutateRequestHeaders.
const INTERNAL: &[&str] = &[
    "x-envoy-internal",
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
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-force-trace",
    "x-envoy-ip-tags",
];
/// `max_request_headers_kb` and `max_headers_count`.
const MOST_HEADER_BYTES: usize = 60 << 10;
const MOST_HEADERS: usize = 100;
/// What Envoy's parser (Balsa) takes for a method.
const METHODS: &[&str] = &[
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "M-SEARCH",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];
/// Headers of the connection.
const HOP_BY_HOP: &[&str] = &["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

impl Emulator {
    /// Opens a stream on a worker and lets the request's headers in; the rest follows as events.
    pub(crate) fn accept(&mut self, worker: usize, request: &Request) -> u64 {
        self.world.next_stream += 1;
        let id = self.world.next_stream;
        let mut headers = HeaderMap::new(Kind::Request);
        let pseudo =
            [(":authority", &request.authority), (":path", &request.path), (":method", &request.method)];
        for (name, value) in pseudo {
            headers.add(name.as_bytes(), value.as_bytes());
        }
        for (name, value) in &request.headers.0 {
            headers.add(name, value.trim_ascii());
        }
        let received: Vec<_> = headers
            .pairs()
            .iter()
            .filter(|(name, _)| !matches!(name.as_slice(), b":path" | b":method"))
            .collect();
        let refusal = if !METHODS.contains(&request.method.as_str()) {
            Some("http1.codec_error")
        } else if received.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() > MOST_HEADER_BYTES {
            Some("http1.headers_too_large")
        } else {
            (received.len() > MOST_HEADERS).then_some("http1.too_many_headers")
        };
        if let Some(details) = refusal {
            let body = b"Request Header Fields Too Large".to_vec();
            return self.refuse(id, worker, 431, details, body);
        }
        // Envoy, `source/common/http/path_utility.cc`: what a fragment may be good for is nothing that a server sees.
        if request.path.contains('#') {
            return self.refuse(id, worker, 400, "path_normalization_failed", Vec::new());
        }
        let chunked = request.body.len() > 1 || !request.trailers.0.is_empty();
        if !request.body.is_empty() && !chunked && headers.first(b"content-length").is_none() {
            let length: usize = request.body.iter().map(Vec::len).sum();
            headers.set(b"content-length", length.to_string().as_bytes());
        }
        let connection = headers.text("connection").unwrap_or_default();
        let named: Vec<_> = connection.split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
        // It says itself which other headers are its own.
        named.iter().for_each(|name| headers.remove(name.as_bytes()));
        // Envoy answers that one by itself, with 100.
        if headers.text("expect").is_some_and(|text| text.eq_ignore_ascii_case("100-continue")) {
            headers.remove(b"expect");
        }
        headers.remove_all(HOP_BY_HOP);
        headers.remove_all(INTERNAL);
        // Of what it says only this is for the upstream.
        let te = headers.text("te").unwrap_or_default().into_owned();
        if te != "trailers" {
            headers.remove(b"te");
            if te.split(',').any(|token| token.trim() == "trailers") {
                headers.add(b"te", b"trailers");
            }
        }
        let scheme = headers.text("x-forwarded-proto").map_or_else(|| "http".into(), Cow::into_owned);
        headers.add(b":scheme", scheme.as_bytes());
        if headers.first(b"x-forwarded-proto").is_none() {
            headers.add(b"x-forwarded-proto", b"http");
        }
        if self.world.settings.generate_request_id && headers.first(b"x-request-id").is_none() {
            let uuid = self.world.random_of(worker).uuid();
            headers.add(b"x-request-id", uuid.as_bytes());
        }
        let content_type = headers.text("content-type").unwrap_or_default();
        let is_grpc = content_type == "application/grpc" || content_type.starts_with("application/grpc+");
        // With a content-length of 0 the headers end the stream (Envoy, `codec_impl.cc`, onHeadersCompleteBase).
        let end = !chunked && request.body.iter().all(Vec::is_empty);
        let started = self.world.clock.now();
        let mut stream = Stream {
            id,
            thread: worker,
            is_head: request.method == "HEAD",
            wants_close: named.iter().any(|name| name == "close"),
            is_grpc,
            request_headers: headers,
            started,
            ..Stream::default()
        };
        stream.request.ended = end;
        stream.client.last_byte = started;
        self.world.streams.insert(id, Box::new(stream));
        self.refresh_route(id);
        self.build_chain(id, worker);
        let mut parts: Vec<_> = request
            .body
            .iter()
            .filter(|piece| !piece.is_empty())
            .cloned()
            .map(|bytes| Part::Body { bytes, end: false })
            .collect();
        if !request.trailers.0.is_empty() {
            parts.push(Part::Trailers(HeaderMap::of(Kind::RequestTrailers, &request.trailers)));
        } else if !end {
            parts.push(Part::Body { bytes: Vec::new(), end: true });
        }
        self.iterate_headers(id, Way::Request, None, end);
        for part in parts {
            self.world.clock.after(Duration::ZERO, Event::Downstream { stream: id, part });
        }
        id
    }

    /// These headers are not let in. The filters hear of it in the log.
    fn refuse(&mut self, id: u64, worker: usize, status: u32, details: &str, body: Vec<u8>) -> u64 {
        let started = self.world.clock.now();
        let stream = Stream { id, thread: worker, started, ..Stream::default() };
        self.world.streams.insert(id, Box::new(stream));
        self.build_chain(id, worker);
        self.local_reply(id, LocalReply { status, details: details.into(), body, ..LocalReply::default() });
        id
    }

    /// A context in each filter. A failed VM is tried anew here, left out, or answers with its failure.
    fn build_chain(&mut self, stream: u64, worker: usize) {
        let route = self.world.streams.get(&stream).and_then(|s| s.route.route(&self.world.settings));
        let disabled = route.map(|route| route.disabled.clone()).unwrap_or_default();
        for plugin in 0..self.world.scenario.filters.len() {
            if disabled.iter().any(|name| name == self.world.plugins[plugin].filter.http_name()) {
                continue;
            }
            let Some((vm, root)) = self.plugin_on(worker, plugin) else { continue };
            let filter = self.world.stream_mut(stream).filters.len();
            let context = self.world.vms[vm].add(Context::stream(plugin, root, stream, filter));
            let (request, response) = Default::default();
            self.world.stream_mut(stream).filters.push(Slot { vm, context, request, response });
        }
    }

    /// Something more came from the client.
    pub(crate) fn client_sent(&mut self, stream: u64, part: Part) {
        if !self.is_alive(stream) {
            return;
        }
        let s = self.world.stream_mut(stream);
        match part {
            Part::Body { bytes, end } => {
                s.request.seen += bytes.len();
                s.request.ended |= end;
                self.iterate_body(stream, Way::Request, None, bytes, end);
            }
            Part::Trailers(map) => {
                s.request.ended = true;
                s.request_trailers = Some(map);
                self.iterate_trailers(stream, Way::Request, None);
            }
            Part::Headers { .. } | Part::Broken(_) => {}
        }
    }

    /// Response headers have passed the filters.
    pub(crate) fn send_headers(&mut self, stream: u64, end: bool) {
        let World { clock, streams, .. } = &mut *self.world;
        let Some(s) = streams.get_mut(&stream) else { return };
        if s.headers_sent {
            // A filter that continues in its own callback sends them twice; what follows the first ones is the body.
            let again = again(s);
            return self.send_body(stream, again, end);
        }
        let Some(map) = s.response_headers.as_mut() else { return };
        // As Abseil's `SimpleAtoi` reads it.
        let Some(status) = map.text(":status").and_then(|s| s.trim().parse::<u64>().ok()) else {
            let details = "filter_removed_required_response_headers{missing_required_header:_:status}".into();
            let body = b"missing required header: :status".to_vec();
            return self
                .local_reply(stream, LocalReply { status: 502, details, body, ..LocalReply::default() });
        };
        s.headers_sent = true;
        map.remove_all(&["connection", "proxy-connection", "transfer-encoding", "upgrade"]);
        if map.first(b"date").is_none() {
            map.add(b"date", clock.http_date().as_bytes());
        }
        map.set(b"server", b"envoy");
        if !s.request.ended || s.wants_close {
            // Envoy does not wait for the rest of a request it has answered.
            map.set(b"connection", b"close");
            s.client.closes = true;
        }
        s.client.status = u16::try_from(status).unwrap_or(0);
        s.code = Some(s.client.status);
        s.client.headers = wire::read_back(map.fields());
        s.client.headers.remove("date");
        let bodiless = matches!(s.client.status, 100..=199 | 204 | 304);
        if map.first(b"content-length").is_none() && !bodiless {
            // Also the answer to HEAD, of which nothing is known: it is called chunked, with no chunk to come.
            if end && !s.is_head {
                s.client.headers.push("content-length", "0");
            } else {
                s.client.headers.push("transfer-encoding", "chunked");
            }
        }
        self.touched(stream);
        if end {
            self.complete(stream);
        }
    }

    pub(crate) fn send_body(&mut self, stream: u64, mut piece: Vec<u8>, end: bool) {
        self.world.stream_mut(stream).client.body.append(&mut piece);
        self.touched(stream);
        if end {
            self.complete(stream);
        }
    }

    pub(crate) fn send_trailers(&mut self, stream: u64) {
        let s = self.world.stream_mut(stream);
        if s.client.headers.get("transfer-encoding").is_some() {
            s.client.trailers = s
                .response_trailers
                .as_ref()
                .map(|trailers| wire::read_back(trailers.pairs()))
                .unwrap_or_default();
        }
        self.complete(stream);
    }

    fn touched(&mut self, stream: u64) {
        let now = self.world.clock.now();
        self.world.stream_mut(stream).client.last_byte = now;
    }

    /// The response is complete; so is the stream.
    fn complete(&mut self, stream: u64) {
        self.finish(stream, view);
    }

    /// The stream is cut off.
    pub(crate) fn reset(&mut self, stream: u64) {
        self.finish(stream, |_| ClientView::Reset);
    }

    /// Ends a stream: the log, then the filters' contexts go.
    pub(crate) fn finish(&mut self, stream: u64, view: fn(&mut Stream) -> ClientView) {
        if !self.is_alive(stream) {
            return;
        }
        self.world.stream_mut(stream).finishing = true;
        self.log_and_delete(stream);
        let Some(mut done) = self.world.streams.remove(&stream) else { return };
        let client = view(&mut done);
        for timer in [done.router.timer, done.router.try_timer].into_iter().flatten() {
            self.world.clock.cancel(timer);
        }
        let (details, flags) = (done.details, shown(done.flags));
        let exchange = Exchange { client, upstream: done.router.requests, details, flags };
        self.world.done.insert(stream, exchange);
    }
}

/// The head of a response, written where its body should begin.
fn again(stream: &Stream) -> Vec<u8> {
    let status = stream.client.status;
    let reason = http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("");
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n").into_bytes();
    for (name, value) in &stream.client.headers.0 {
        head.extend([name, &b": "[..], value, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    head
}

/// What a client makes of what it got: the length it was promised counts (RFC 9112 section 6.3).
fn view(stream: &mut Stream) -> ClientView {
    let client = &mut stream.client;
    let mut body = std::mem::take(&mut client.body);
    let none = stream.is_head || matches!(client.status, 101 | 204 | 304);
    let promised: Option<usize> =
        client.headers.get("content-length").and_then(|n| std::str::from_utf8(n).ok()?.trim().parse().ok());
    if none {
        body.clear();
    } else if let Some(promised) = promised {
        if body.len() < promised {
            return if client.closes { ClientView::Reset } else { ClientView::Hang };
        }
        body.truncate(promised);
    }
    ClientView::Response(Response {
        status: client.status,
        headers: std::mem::take(&mut client.headers),
        body: if body.is_empty() { Vec::new() } else { vec![body] },
        trailers: std::mem::take(&mut client.trailers),
    })
}
