//! The connection manager and its HTTP/1 codec: turn a client's request into a stream, and write the
//! response.

use super::Direction;
use super::codec::{self, Rejection};
use super::flags::shown;
use super::forwarded;
use super::segments::{self, Framing};
use super::stream::{Client, FilterState, Slot, Stream};
use crate::emulator::Emulator;
use crate::emulator::context::Context;
use crate::emulator::header_map::{self, HeaderMap};
use crate::emulator::wire;
use crate::emulator::world::{Event, LocalReply, Part, World};
use crate::http1::{Kind, Reader, take_response};
use crate::{ClientView, Exchange, Headers, Request, Tls};
use std::collections::{BTreeMap, VecDeque};
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
            let known =
                if rejection.was_read() { headers } else { HeaderMap::new(header_map::Kind::Request) };
            return self.reject(id, worker, rejection, known, request);
        }
        let framing = segments::frame(request, &mut headers);
        let named = codec::sanitize(&mut headers);
        let settings = &self.world.settings;
        let spoken = if settings.tls == Tls::Off { "http" } else { "https" };
        let forwarded_for = forwarded::client(&mut headers, settings, request.peer, spoken);
        if headers.first(b":scheme").is_none() {
            let named = headers.text("x-forwarded-proto").unwrap_or_default().to_ascii_lowercase();
            let scheme = if matches!(&*named, "http" | "https") { &*named } else { spoken };
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
        let end = framing == Framing::None;
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
        stream.client.reader =
            Reader::new(if stream.is_head { Kind::ResponseToHead } else { Kind::Response });
        stream.client.last_byte = started;
        self.world.streams.insert(id, Box::new(stream));
        self.refresh_route(id);
        self.build_chain(id, worker);
        self.iterate_headers(id, Direction::Request, None, end);
        let mut delay = Duration::ZERO;
        for (at, parts) in segments::segments(request, framing).into_iter().enumerate() {
            delay += request.waits.get(&at).copied().unwrap_or_default();
            let event = Event::Downstream { stream: id, parts };
            // The proxy reads the first part of the body together with the headers.
            match at {
                0 if delay.is_zero() => self.world.clock.urgently(event),
                _ => drop(self.world.clock.after(delay, event)),
            }
        }
        if let Some(time) = request.disconnect_after {
            self.world.clock.after(time, Event::ClientDone { stream: id });
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

    /// Handles further data from the client, one part at a time. Nothing happens between parts that the proxy
    /// reads at once.
    pub(crate) fn client_sent(&mut self, stream: u64, mut parts: VecDeque<Part>) {
        if !self.is_alive(stream) {
            return;
        }
        let Some(part) = parts.pop_front() else { return };
        if !parts.is_empty() {
            self.world.clock.urgently(Event::Downstream { stream, parts });
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
            let head = s.client.head.clone();
            self.write_client(stream, &head, end);
            return if end {
                self.complete(stream)
            };
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
        let mut fields = Headers(map.fields().cloned().collect());
        let bodiless = matches!(s.client.status, 100..=199 | 204 | 304);
        if map.first(b"content-length").is_none() && !bodiless {
            // A response to HEAD of unknown length is also marked as chunked, although it has no chunks.
            if end && !s.is_head {
                fields.push("content-length", "0");
            } else {
                fields.push("transfer-encoding", "chunked");
                s.client.chunked = !s.is_head;
            }
        }
        let head = wire::response_head(status, &fields);
        s.client.head.clone_from(&head);
        self.write_client(stream, &head, end);
        if end {
            self.complete(stream);
        }
    }

    pub(crate) fn send_body(&mut self, stream: u64, piece: Vec<u8>, end: bool) {
        let client = &mut self.world.stream_mut(stream).client;
        client.size += piece.len();
        let mut bytes = wire::data(client.chunked, &piece);
        if end {
            bytes.extend(wire::end(client.chunked, None));
        }
        self.write_client(stream, &bytes, end);
        if end {
            self.complete(stream);
        }
    }

    pub(crate) fn send_trailers(&mut self, stream: u64) {
        let s = self.world.stream_mut(stream);
        let bytes = wire::end(s.client.chunked, s.response_trailers.as_ref());
        self.write_client(stream, &bytes, true);
        self.complete(stream);
    }

    /// Writes to the client. When it has the whole response, as the header defines it, it closes the
    /// connection, which matters only if the response has not ended for the filters.
    fn write_client(&mut self, stream: u64, bytes: &[u8], end: bool) {
        let World { streams, clock, .. } = &mut *self.world;
        let Some(s) = streams.get_mut(&stream) else { return };
        let client = &mut s.client;
        client.last_byte = clock.now();
        client.reader.push(bytes);
        if client.received.is_some() {
            return;
        }
        client.received = match take_response(&mut client.reader) {
            Some(response) => Some(ClientView::Response(response)),
            None => client.reader.is_broken().then_some(ClientView::Reset),
        };
        if client.received.is_some() && !end {
            clock.after(Duration::ZERO, Event::ClientDone { stream });
        }
    }

    /// Ends the stream, because the response is complete.
    fn complete(&mut self, stream: u64) {
        self.finish(stream, true);
    }

    /// Cuts the stream off.
    pub(crate) fn reset(&mut self, stream: u64) {
        self.finish(stream, false);
    }

    /// Ends a stream: calls the log callbacks, then deletes the filters' contexts. After a complete response,
    /// the proxy may keep the connection to the client.
    fn finish(&mut self, stream: u64, complete: bool) {
        if !self.is_alive(stream) {
            return;
        }
        self.world.stream_mut(stream).finishing = true;
        self.log_and_delete(stream);
        let Some(mut done) = self.world.streams.remove(&stream) else { return };
        let client = done.client.view(!complete || done.client.closes);
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

impl Client {
    /// Returns the result for the client after the last byte.
    fn view(&mut self, closed: bool) -> ClientView {
        if let Some(received) = self.received.take() {
            return received;
        }
        if !closed {
            return ClientView::Hang;
        }
        self.reader.end();
        take_response(&mut self.reader).map_or(ClientView::Reset, ClientView::Response)
    }
}
