//! An attempt to send a request: the connection that it uses, and the bytes that the upstream reads from it.
//!
//! Bytes that are written have left: a filter that rejects the request later does not take them back. Over an
//! idle connection that is at once. A new connection is established only after the proxy has read the bytes
//! that the client has sent so far; the upstream sees nothing of a request that is rejected before.

use super::connection::Connection;
use crate::emulator::Emulator;
use crate::emulator::callouts::received;
use crate::emulator::wire;
use crate::emulator::world::{Event, World};
use crate::{Answer, UpstreamRequest};
use std::time::Duration;

/// The way in which the current attempt reaches the upstream.
#[derive(Clone, Debug, Default)]
pub(crate) enum Transport {
    /// Not at all: the next attempt is delayed, or the last one is over.
    #[default]
    None,
    /// Over a connection that is not established yet.
    Connecting,
    Http1(Box<Connection>),
    /// Over an HTTP/2 connection. Contains the answer of the upstream.
    Http2(Answer),
}

impl Emulator {
    /// Starts an attempt: at once over an idle connection, otherwise when a new one is established.
    pub(crate) fn start_attempt(&mut self, stream: u64) {
        let World { streams, upstreams, clock, .. } = &mut *self.world;
        let Some(s) = streams.get_mut(&stream) else { return };
        let now = clock.now();
        let router = &mut s.router;
        router.attempt += 1;
        router.sent_at = now;
        let Some(mut headers) = router.headers.take() else { return };
        if router.attempt == 1 {
            router.first_at = now;
        } else {
            router.expect_within(&mut headers, now.saturating_sub(router.first_at));
        }
        if router.counts_tries {
            headers.set(b"x-envoy-attempt-count", router.attempt.to_string().as_bytes());
        }
        router.headers = Some(headers);
        let (attempt, upstream, thread) = (router.attempt, router.upstream, s.thread);
        let idle = upstreams[upstream].take_idle(thread);
        let shared = upstreams[upstream].http2.contains(&thread);
        match idle {
            Some(connection) => self.send_request(stream, Some(connection)),
            None if shared => self.send_request(stream, None),
            None => {
                s.router.transport = Transport::Connecting;
                clock.after(Duration::ZERO, Event::Connected { stream, attempt, thread, upstream });
            }
        }
        self.start_timers(stream);
    }

    /// Handles a new connection. If the stream needs it no more, it becomes idle.
    pub(crate) fn upstream_connected(&mut self, stream: u64, attempt: u32, thread: usize, upstream: usize) {
        let waits = self.is_trying(stream, attempt)
            && matches!(self.world.stream_mut(stream).router.transport, Transport::Connecting);
        if waits {
            self.wait_for_upstream(stream);
        }
        let state = &mut self.world.upstreams[upstream];
        let Some(connection) = state.connect() else {
            if waits {
                self.upstream_broke(stream, "remote connection failure");
            }
            return;
        };
        let http2 = state.spec.http2;
        if http2 {
            state.http2.insert(thread);
        }
        match (waits, http2) {
            (true, _) => self.send_request(stream, (!http2).then_some(connection)),
            (false, true) => {}
            (false, false) => state.put_idle(thread, connection),
        }
    }

    /// Writes the request, as far as it has passed the filters.
    fn send_request(&mut self, stream: u64, connection: Option<Connection>) {
        if connection.is_none()
            || !matches!(self.world.stream_mut(stream).router.transport, Transport::Connecting)
        {
            self.wait_for_upstream(stream);
        }
        let World { streams, upstreams, .. } = &mut *self.world;
        let Some(s) = streams.get_mut(&stream) else { return };
        let Some(headers) = s.router.headers.as_ref() else { return };
        let state = &mut upstreams[s.router.upstream];
        let head = match connection {
            Some(connection) => {
                s.router.transport = Transport::Http1(Box::new(connection));
                wire::request_head(headers)
            }
            None => {
                let cluster = state.spec.name.clone();
                let request =
                    UpstreamRequest { cluster, ended: false, ..received(headers, Vec::new(), None) };
                let answer = state.turns.turn(&state.spec, &request.path).unwrap_or(Answer::Hang);
                s.router.transport = Transport::Http2(answer);
                s.router.requests.push(request);
                Vec::new()
            }
        };
        let (body, ended) = (s.router.body.clone(), s.router.ended);
        self.write_upstream(stream, head, &body, ended);
    }

    /// Writes a part of the body of the current attempt.
    pub(super) fn write_upstream(&mut self, stream: u64, mut bytes: Vec<u8>, piece: &[u8], end: bool) {
        let World { streams, upstreams, .. } = &mut *self.world;
        let Some(s) = streams.get_mut(&stream) else { return };
        let router = &mut s.router;
        let state = &mut upstreams[router.upstream];
        let answer = match &mut router.transport {
            Transport::None | Transport::Connecting => return,
            Transport::Http1(connection) => {
                bytes.extend(wire::data(router.chunked, piece));
                if end {
                    bytes.extend(wire::end(router.chunked, router.trailers.as_ref()));
                }
                connection.read(&bytes, state, &mut router.requests)
            }
            Transport::Http2(answer) => {
                let Some(request) = router.requests.last_mut() else { return };
                request.body.extend_from_slice(piece);
                let declared = request
                    .headers
                    .get("content-length")
                    .and_then(|n| std::str::from_utf8(n).ok()?.parse().ok());
                request.body.truncate(declared.unwrap_or(usize::MAX));
                if !end || declared.is_some_and(|declared| declared > request.body.len()) {
                    return;
                }
                request.ended = true;
                let trailers = router.trailers.as_ref();
                request.trailers = trailers.map(|map| wire::read_back(map.pairs())).unwrap_or_default();
                let answer = std::mem::replace(answer, Answer::Hang);
                if matches!(answer, Answer::Reset | Answer::ResetMidResponse(_)) {
                    state.http2.remove(&s.thread);
                }
                Some(answer)
            }
        };
        let attempt = router.attempt;
        if let Some(answer) = answer {
            self.schedule_answer(stream, attempt, answer);
        }
    }

    /// Establishes the connection of an attempt that another one follows at once.
    pub(super) fn connect_now(&mut self, stream: u64) {
        let s = self.world.stream_mut(stream);
        if matches!(s.router.transport, Transport::Connecting) {
            let (attempt, upstream, thread) = (s.router.attempt, s.router.upstream, s.thread);
            self.upstream_connected(stream, attempt, thread, upstream);
        }
    }

    /// Ends an attempt whose response is complete. Its connection becomes idle, unless the request is
    /// incomplete or the upstream closes it.
    pub(super) fn release(&mut self, stream: u64) {
        let World { streams, upstreams, .. } = &mut *self.world;
        let Some(s) = streams.get_mut(&stream) else { return };
        let transport = std::mem::take(&mut s.router.transport);
        if let Transport::Http1(connection) = transport
            && s.router.ended
            && !s.router.closes
        {
            upstreams[s.router.upstream].put_idle(s.thread, *connection);
        }
    }
}
