//! Arrival of a client's request: its framing, and the parts that the proxy reads at once.

use crate::Request;
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::world::Part;
use std::collections::VecDeque;

/// Where the body of a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// The headers end the stream: no body, or one of length 0 (Envoy, `codec_impl.cc`,
    /// `onHeadersCompleteBase`).
    None,
    Length(usize),
    Chunked,
    /// Data through a tunnel has no end.
    Tunnel,
}

/// Returns the framing of a request, and adds the field that the client adds. Its bytes are those of
/// [`Outgoing`](crate::http1::Outgoing).
pub(super) fn frame(request: &Request, headers: &mut HeaderMap) -> Framing {
    let given = |name| request.headers.get(name).is_some();
    let several = request.body.len() > 1 || !request.trailers.0.is_empty();
    let chunked = given("transfer-encoding") || (several && !given("content-length"));
    if !request.body.is_empty() && !chunked && !given("content-length") {
        let length: usize = request.body.iter().map(Vec::len).sum();
        headers.set(b"content-length", length.to_string().as_bytes());
    }
    if request.method == "CONNECT" {
        return Framing::Tunnel;
    }
    if chunked {
        return Framing::Chunked;
    }
    match headers.text("content-length").and_then(|length| length.parse().ok()) {
        Some(0) | None => Framing::None,
        Some(length) => Framing::Length(length),
    }
}

/// Returns the parts of a request after its headers, by the piece in which the client sends them. What
/// follows a body of a known length belongs to another request.
pub(super) fn segments(request: &Request, framing: Framing) -> Vec<VecDeque<Part>> {
    let mut left = match framing {
        Framing::None => return Vec::new(),
        Framing::Length(length) => length,
        Framing::Chunked | Framing::Tunnel => usize::MAX,
    };
    let end = || Part::Body { bytes: Vec::new(), end: true };
    let mut segments: Vec<VecDeque<Part>> = Vec::new();
    for piece in &request.body {
        let bytes = piece[..piece.len().min(left)].to_vec();
        let done = left == 0;
        left -= bytes.len();
        let mut parts = VecDeque::new();
        if !bytes.is_empty() {
            parts.push_back(Part::Body { bytes, end: false });
        }
        if left == 0 && !done {
            parts.push_back(end());
        }
        segments.push(parts);
    }
    if framing == Framing::Chunked {
        let trailers = || Part::Trailers(HeaderMap::from_fields(Kind::RequestTrailers, &request.trailers));
        let mut last = segments.pop().unwrap_or_default();
        last.push_back(if request.trailers.0.is_empty() { end() } else { trailers() });
        segments.push(last);
    }
    segments
}
