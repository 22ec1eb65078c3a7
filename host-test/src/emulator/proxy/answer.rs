//! The answer of an upstream, as the proxy's codec reads it: Envoy, `source/common/http/http1/codec_impl.cc`.

use super::attempt::Transport;
use super::codec::MAX_HEADERS;
use crate::emulator::Emulator;
use crate::emulator::callouts::answer_headers;
use crate::emulator::callouts::grpc::frame;
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::wire;
use crate::emulator::world::{Event, Part, World};
use crate::{Answer, Headers, Response, http1};
use std::time::Duration;

/// The codec's view of the header of a response.
enum Verdict {
    Valid,
    /// The codec closes the connection.
    Invalid,
    /// The codec waits for the final response.
    Interim,
}

/// Checks the header of a response, and changes what the codec changes.
fn verdict(map: &mut HeaderMap) -> Verdict {
    map.unfold();
    let name =
        |name: &[u8]| name.starts_with(b":") || (!name.is_empty() && name.iter().all(|b| wire::is_token(*b)));
    let valid = map.pairs().iter().all(|(n, value)| name(n) && value.iter().all(|b| wire::is_text(*b)));
    let status: u16 = map.text(":status").and_then(|status| status.parse().ok()).unwrap_or(0);
    if !valid || status < 100 || map.fields().count() > MAX_HEADERS {
        return Verdict::Invalid;
    }
    // A second length is appended to the first one, so it is not a number.
    let length = map.first(b"content-length");
    let encoding = map.text("transfer-encoding").map(|encoding| encoding.to_ascii_lowercase());
    let number = length.is_none_or(|length| !length.is_empty() && length.iter().all(u8::is_ascii_digit));
    if !number
        || (length.is_some() && encoding.is_some())
        || encoding.as_ref().is_some_and(|e| e != "chunked")
    {
        return Verdict::Invalid;
    }
    if status < 200 || status == 204 {
        if encoding.is_some() || length.is_some_and(|length| length != b"0") {
            return Verdict::Invalid;
        }
        map.remove(b"content-length");
    }
    if status < 200 && status != 101 { Verdict::Interim } else { Verdict::Valid }
}

/// Returns whether a response cannot have a body (`source/common/http/http1/codec_impl.cc`,
/// `cannotHaveBody`).
fn is_bodiless(response: &Response, to_head: bool) -> bool {
    to_head || matches!(response.status, 204 | 304)
}

/// An answer of an upstream, as the proxy reads it.
#[derive(Debug, Default)]
pub(crate) struct Arrival {
    /// When it arrives.
    pub after: Duration,
    /// The parts, in order. The response is incomplete if no part is the end: the proxy waits.
    pub parts: Vec<Part>,
    /// The time between each part and the one before. Missing times are zero.
    pub waits: Vec<Duration>,
    /// More bytes than the response has. The proxy closes the connection ("extraneous data after response
    /// complete").
    pub overlong: bool,
}

impl Arrival {
    fn broken(after: Duration, how: &'static str) -> Self {
        Self { after, parts: vec![Part::Broken(how)], ..Self::default() }
    }

    /// Reads an answer to a request, which was HEAD or not, over HTTP/2 or HTTP/1.1.
    pub fn of(answer: Answer, to_head: bool, http2: bool) -> Self {
        let (response, after, breaks) = match answer {
            Answer::Reply { response, after } => (response, after, false),
            // Without a body there is only one piece, which is the last.
            Answer::ResetMidResponse(response)
                if !http2 && is_bodiless(&response, to_head) && response.body.len() > 1 =>
            {
                return Self::broken(Duration::ZERO, "connection termination");
            }
            Answer::ResetMidResponse(response) => {
                (http1::broken_off(response, to_head, http2), Duration::ZERO, true)
            }
            Answer::Reset => return Self::broken(Duration::ZERO, "connection termination"),
            Answer::Refuse => return Self::broken(Duration::ZERO, "remote connection failure"),
            Answer::Hang => return Self::default(),
            Answer::Grpc { .. } if !http2 => {
                return Self::broken(Duration::ZERO, "connection termination");
            }
            Answer::Grpc { initial_metadata, messages, status, message, after } => {
                let mut response = Response::new(200).header("content-type", "application/grpc");
                response.headers.0.extend(initial_metadata.0);
                for message in &messages {
                    response = response.chunk(frame(message));
                }
                response = response.trailer("grpc-status", status.to_string());
                if !message.is_empty() {
                    response = response.trailer("grpc-message", message);
                }
                (response, after, false)
            }
        };
        let mut map = answer_headers(&response, to_head);
        if http2 {
            // HTTP/2 has its own framing.
            ["content-length", "transfer-encoding"]
                .into_iter()
                .filter(|name| response.headers.get(name).is_none())
                .for_each(|name| map.remove(name.as_bytes()));
        }
        match (http2, verdict(&mut map)) {
            (true, _) | (_, Verdict::Valid) => {}
            (_, Verdict::Invalid) => return Self::broken(after, "protocol error"),
            (_, Verdict::Interim) => return Self::default(),
        }
        let bodiless = is_bodiless(&response, to_head);
        let breaks = breaks && !bodiless;
        let response = if bodiless {
            Response { body: Vec::new(), trailers: Headers::default(), ..response }
        } else {
            response
        };
        let chunked = !bodiless && map.first(b"transfer-encoding").is_some();
        let mut trailers = HeaderMap::from_fields(Kind::ResponseTrailers, &response.trailers);
        let (mut pieces, delays) = (response.body, response.waits);
        let (mut short, mut overlong) = (false, false);
        if !http2 && !chunked && !bodiless {
            // A message with a content length ends there, and has no trailers.
            trailers.clear();
            let mut left: usize = map.text("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
            for piece in &mut pieces {
                overlong |= piece.len() > left;
                piece.truncate(left);
                left -= piece.len();
            }
            short = left > 0;
        }
        let tunnel = response.status == 101;
        let ends = !tunnel && trailers.is_empty() && pieces.iter().all(Vec::is_empty);
        let last = pieces.last().is_some_and(|piece| !piece.is_empty());
        let mut parts = vec![Part::Headers { map, end: ends && !breaks && !chunked && !short }];
        let (mut waits, mut wait) = (vec![Duration::ZERO], Duration::ZERO);
        for (at, bytes) in pieces.into_iter().enumerate() {
            wait += delays.get(&at).copied().unwrap_or_default();
            if !bytes.is_empty() {
                parts.push(Part::Body { bytes, end: false });
                waits.push(std::mem::take(&mut wait));
            }
        }
        // The end of the response.
        waits.push(wait);
        if breaks {
            // The body ends before its content length, or before its last chunk.
            parts.push(Part::Broken("protocol error"));
        } else if !trailers.is_empty() {
            parts.push(Part::Trailers(trailers));
        } else if let (true, Some(Part::Body { end, .. })) = (http2 && last, parts.last_mut()) {
            // The frame of the last piece also ends the stream.
            *end = true;
        } else if !short && (!ends || chunked) {
            parts.push(Part::Body { bytes: Vec::new(), end: true });
        }
        Self { after, parts, waits, overlong }
    }
}

impl Emulator {
    /// Schedules the parts of a response, as the proxy reads them.
    pub(super) fn schedule_answer(&mut self, stream: u64, attempt: u32, answer: Answer) {
        let World { streams, upstreams, clock, .. } = &mut *self.world;
        let Some(router) = streams.get_mut(&stream).map(|s| &mut s.router) else { return };
        let to_head = router.headers.as_ref().and_then(|h| h.first(b":method")) == Some(b"HEAD");
        let http2 = upstreams[router.upstream].spec.http2;
        let Arrival { mut after, parts, waits, overlong } = Arrival::of(answer, to_head, http2);
        if overlong && let Transport::Http1(connection) = &mut router.transport {
            connection.close();
        }
        let waits = waits.into_iter().chain(std::iter::repeat(Duration::ZERO));
        for (part, wait) in parts.into_iter().zip(waits) {
            after += wait;
            clock.after(after, Event::Upstream { stream, attempt, part });
        }
    }
}
