//! The connection manager and its HTTP/1 codec: turn a client's request into a stream, and write the
//! response.

use super::Direction;
use super::codec::{self, Rejection};
use super::flags::shown;
use super::forwarded;
use super::stream::{FilterState, Slot, Stream};
use crate::emulator::Emulator;
use crate::emulator::context::Context;
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::wire;
use crate::emulator::world::{Event, LocalReply, Part, World};
use crate::{ClientView, Exchange, Request, Response, Tls};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

impl Emulator {
    /// Opens a stream on a worker and passes the request's headers to the filters. The rest of the request
    /// follows as events.
    pub(crate) fn accept(&mut self, worker: usize, request: &Request) -> u64 {
        self.world.next_stream += 1;
        let id = self.world.next_stream;
        if let Some(refused) = self.rejected_in_handshake(request) {
            self.world.done.insert(id, refused);
            return id;
        }
        let mut headers = codec::read(request);
        if let Some(rejection) = codec::rejection(request, &headers) {
            let known = if rejection.was_read() { headers } else { HeaderMap::new(Kind::Request) };
            return self.reject(id, worker, rejection, known, request);
        }
        let chunked = request.body.len() > 1 || !request.trailers.0.is_empty();
        if !request.body.is_empty() && !chunked && headers.first(b"content-length").is_none() {
            let length: usize = request.body.iter().map(Vec::len).sum();
            headers.set(b"content-length", length.to_string().as_bytes());
        }
        let named = codec::sanitize(&mut headers);
        let settings = &self.world.settings;
        let spoken = if settings.tls == Tls::Off { "http" } else { "https" };
        let forwarded_for = forwarded::client(&mut headers, settings, request.peer, spoken);
        let scheme = headers.text("x-forwarded-proto").map_or_else(|| spoken.into(), Cow::into_owned);
        if headers.first(b":scheme").is_none() {
            headers.add(b":scheme", scheme.as_bytes());
        }
        if headers.first(b"x-forwarded-proto").is_none() {
            headers.add(b"x-forwarded-proto", spoken.as_bytes());
        }
        // A proxy at the edge replaces the client's.
        let (generates, edge) = (settings.generate_request_id, settings.use_remote_address);
        if generates && (edge || headers.first(b"x-request-id").is_none()) {
            let uuid = self.world.random_of(worker).uuid();
            headers.set(b"x-request-id", uuid.as_bytes());
        }
        let content_type = headers.text("content-type").unwrap_or_default();
        let is_grpc = content_type == "application/grpc" || content_type.starts_with("application/grpc+");
        // Data through a tunnel has no end. With a content length of 0 the headers end the stream (Envoy,
        // `codec_impl.cc`, `onHeadersCompleteBase`).
        let tunnel = request.method == "CONNECT";
        let end = !chunked && request.body.iter().all(Vec::is_empty) && !tunnel;
        let started = self.world.clock.now();
        let mut stream = Stream {
            id,
            thread: worker,
            is_head: request.method == "HEAD",
            wants_close: named.iter().any(|name| name == "close"),
            is_grpc,
            certificate: request.certificate,
            server_name: request.server_name.clone(),
            peer: Some(request.peer),
            forwarded_for,
            metadata: request.metadata.clone(),
            filter_state: given_state(request),
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
            parts.push(Part::Trailers(HeaderMap::from_fields(Kind::RequestTrailers, &request.trailers)));
        } else if !end && !tunnel {
            parts.push(Part::Body { bytes: Vec::new(), end: true });
        }
        self.iterate_headers(id, Direction::Request, None, end);
        for part in parts {
            self.world.clock.after(Duration::ZERO, Event::Downstream { stream: id, part });
        }
        id
    }

    /// Rejects a client in the TLS handshake if it lacks a required certificate. No stream is created, and
    /// filters do not see it.
    fn rejected_in_handshake(&self, request: &Request) -> Option<Exchange> {
        let tls = self.world.settings.tls;
        let shown = request.certificate.is_some();
        request.assert_fits(tls);
        let (client, upstream, details) = (ClientView::Reset, Vec::new(), String::new());
        let none = Exchange { client, upstream, details, flags: "-".into() };
        (tls == Tls::CertificateRequired && !shown).then_some(none)
    }

    fn reject(
        &mut self,
        id: u64,
        worker: usize,
        rejection: Rejection,
        request_headers: HeaderMap,
        request: &Request,
    ) -> u64 {
        let mut stream = Stream {
            id,
            thread: worker,
            started: self.world.clock.now(),
            flags: rejection.flags,
            request_headers,
            certificate: request.certificate,
            server_name: request.server_name.clone(),
            peer: Some(request.peer),
            ..Stream::default()
        };
        stream.request.ended = rejection.keeps_connection;
        self.world.streams.insert(id, Box::new(stream));
        self.build_chain(id, worker);
        let (status, details, body) = (rejection.status, rejection.details.into(), rejection.body.into());
        self.local_reply(id, LocalReply { status, details, body, ..LocalReply::default() });
        id
    }

    /// Creates a context in each filter. A filter whose VM has failed is reloaded, skipped, or makes the
    /// request fail.
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

    /// Handles further data from the client.
    pub(crate) fn client_sent(&mut self, stream: u64, part: Part) {
        if !self.is_alive(stream) {
            return;
        }
        let s = self.world.stream_mut(stream);
        match part {
            Part::Body { bytes, end } => {
                s.request.seen += bytes.len();
                s.request.ended |= end;
                self.iterate_body(stream, Direction::Request, None, bytes, end);
            }
            Part::Trailers(map) => {
                s.request.ended = true;
                s.request_trailers = Some(map);
                self.iterate_trailers(stream, Direction::Request, None);
            }
            Part::Headers { .. } | Part::Broken(_) => {}
        }
    }

    /// Writes the response headers, which have passed the filters.
    pub(crate) fn send_headers(&mut self, stream: u64, end: bool) {
        let World { clock, streams, .. } = &mut *self.world;
        let Some(s) = streams.get_mut(&stream) else { return };
        if s.headers_sent {
            // A filter that continues in its own callback sends the headers twice; the second copy becomes
            // part of the body.
            let head = repeated_head(s);
            return self.send_body(stream, head, end);
        }
        let Some(map) = s.response_headers.as_mut() else { return };
        // Parsed as Abseil's `SimpleAtoi` does.
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
            // Envoy does not wait for the rest of a request that it has answered.
            map.set(b"connection", b"close");
            s.client.closes = true;
        }
        s.client.status = u16::try_from(status).unwrap_or(0);
        s.code = Some(s.client.status);
        s.client.headers = wire::read_back(map.fields());
        s.client.headers.remove("date");
        let bodiless = matches!(s.client.status, 100..=199 | 204 | 304);
        if map.first(b"content-length").is_none() && !bodiless {
            // A response to HEAD of unknown length is also marked as chunked, although it has no chunks.
            if end && !s.is_head {
                s.client.headers.push("content-length", "0");
            } else {
                s.client.headers.push("transfer-encoding", "chunked");
            }
        }
        self.update_last_byte(stream);
        if end {
            self.complete(stream);
        }
    }

    pub(crate) fn send_body(&mut self, stream: u64, mut piece: Vec<u8>, end: bool) {
        self.world.stream_mut(stream).client.body.append(&mut piece);
        self.update_last_byte(stream);
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

    fn update_last_byte(&mut self, stream: u64) {
        let now = self.world.clock.now();
        self.world.stream_mut(stream).client.last_byte = now;
    }

    /// Ends the stream, because the response is complete.
    fn complete(&mut self, stream: u64) {
        self.finish(stream, client_view);
    }

    /// Cuts the stream off.
    pub(crate) fn reset(&mut self, stream: u64) {
        self.finish(stream, |_| ClientView::Reset);
    }

    /// Ends a stream: calls the log callbacks, then deletes the filters' contexts.
    pub(crate) fn finish(&mut self, stream: u64, client_view: fn(&mut Stream) -> ClientView) {
        if !self.is_alive(stream) {
            return;
        }
        self.world.stream_mut(stream).finishing = true;
        self.log_and_delete(stream);
        let Some(mut done) = self.world.streams.remove(&stream) else { return };
        let client = client_view(&mut done);
        for timer in [done.router.timer, done.router.try_timer].into_iter().flatten() {
            self.world.clock.cancel(timer);
        }
        let (details, flags) = (done.details, shown(done.flags));
        let exchange = Exchange { client, upstream: done.router.requests, details, flags };
        self.world.done.insert(stream, exchange);
    }
}

/// Returns the filter state that a request has before the first filter.
fn given_state(request: &Request) -> BTreeMap<String, FilterState> {
    let string = |(key, text): (&String, &String)| {
        let value = text.clone().into_bytes();
        (key.clone(), FilterState { value, readonly: false, kind: 1, span: 0, native: true })
    };
    request.filter_state.iter().map(string).collect()
}

/// Returns the headers of a response, repeated at the start of the body.
fn repeated_head(stream: &Stream) -> Vec<u8> {
    let status = stream.client.status;
    let reason = http::StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or("");
    let mut head = format!("HTTP/1.1 {status} {reason}\r\n").into_bytes();
    for (name, value) in &stream.client.headers.0 {
        head.extend([name, &b": "[..], value, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    head
}

/// Returns the response as the client sees it. The announced content length decides (RFC 9112 section 6.3).
fn client_view(stream: &mut Stream) -> ClientView {
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
