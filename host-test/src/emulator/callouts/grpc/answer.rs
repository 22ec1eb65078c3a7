//! The events that an upstream's answer causes in a filter: Envoy, `source/common/grpc/async_client_impl.cc`,
//! `AsyncStreamImpl`.

use super::{GrpcEvent, INTERNAL, UNAVAILABLE, UNKNOWN, from_http};
use crate::emulator::callouts::{REFUSED_DETAILS, answer_headers, reset_text};
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::{Answer, Response};
use std::time::Duration;

/// `-1`, for a status that gRPC does not define.
const INVALID: u32 = u32::MAX;
/// The largest status that gRPC defines.
const MAX_STATUS: u32 = 16;

/// Returns when an answer arrives, and the events that a stream receives for it.
pub(super) fn events(answer: Answer, http2: bool) -> (Option<Duration>, Vec<GrpcEvent>) {
    match answer {
        Answer::Grpc { initial_metadata, messages, status, message, after } => {
            let mut response = Response::new(200).header("content-type", "application/grpc");
            response.headers.0.extend(initial_metadata.0);
            response.body = messages.iter().map(|message| super::frame(message)).collect();
            response = response.trailer("grpc-status", status.to_string());
            if !message.is_empty() {
                response = response.trailer("grpc-message", message);
            }
            (Some(after), of_response(&response, after, true))
        }
        Answer::Reply { response, after } => (Some(after), of_response(&response, after, http2)),
        Answer::Reset => {
            let details = "upstream_reset_before_response_started{connection_termination}";
            (Some(Duration::ZERO), broken(&reset_text("connection termination"), details))
        }
        Answer::Refuse => {
            (Some(Duration::ZERO), broken(&reset_text("remote connection failure"), REFUSED_DETAILS))
        }
        Answer::ResetMidResponse(response) => {
            let mut events = vec![GrpcEvent::Initial(headers(&response, Duration::ZERO, http2))];
            // All pieces but the last have arrived.
            let arrived = response.body.split_last().map(|(_, arrived)| arrived.concat()).unwrap_or_default();
            let mut arrived = &arrived[..];
            events.extend(std::iter::from_fn(|| next(&mut arrived)).map(GrpcEvent::Message));
            events.extend(error(INTERNAL, b"via_upstream"));
            (Some(Duration::ZERO), events)
        }
        Answer::Hang => (None, Vec::new()),
    }
}

fn headers(response: &Response, after: Duration, http2: bool) -> HeaderMap {
    let mut map = answer_headers(response, false);
    if http2 {
        // HTTP/2 has its own framing.
        for name in ["content-length", "transfer-encoding"] {
            if response.headers.get(name).is_none() {
                map.remove(name.as_bytes());
            }
        }
    }
    map.set(b"x-envoy-upstream-service-time", after.as_millis().to_string().as_bytes());
    map
}

fn of_response(response: &Response, after: Duration, http2: bool) -> Vec<GrpcEvent> {
    let map = headers(response, after, http2);
    let ends = response.body().is_empty() && response.trailers.0.is_empty();
    let empty = || GrpcEvent::Initial(HeaderMap::new(Kind::Response));
    if ends && (response.status == 200 || map.first(b"grpc-status").is_some()) {
        return [vec![empty()], end(map)].concat();
    }
    if response.status != 200 {
        return [vec![empty()], error(from_http(response.status), b"via_upstream")].concat();
    }
    let mut events = vec![GrpcEvent::Initial(map)];
    let mut body = &response.body()[..];
    while !body.is_empty() {
        match next(&mut body) {
            Some(message) => events.push(GrpcEvent::Message(message)),
            None => return [events, error(INTERNAL, b"via_upstream")].concat(),
        }
    }
    if response.trailers.0.is_empty() {
        return [events, error(UNKNOWN, b"via_upstream")].concat();
    }
    [events, end(HeaderMap::from_fields(Kind::ResponseTrailers, &response.trailers))].concat()
}

/// Splits the next message off a body, if it is complete and valid.
fn next(body: &mut &[u8]) -> Option<Vec<u8>> {
    let (prefix, rest) = body.split_first_chunk::<5>()?;
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
    let (message, rest) = rest.split_at_checked(length).filter(|_| prefix[0] <= 1)?;
    *body = rest;
    Some(message.to_vec())
}

/// Returns the end of a stream with these trailers, which may also be in the headers.
fn end(map: HeaderMap) -> Vec<GrpcEvent> {
    let status = map.first(b"grpc-status").map(|text| {
        let status = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        status.filter(|status| *status <= MAX_STATUS).unwrap_or(INVALID)
    });
    let message = map.first(b"grpc-message").map(<[u8]>::to_vec).unwrap_or_default();
    let close = GrpcEvent::Close(status.unwrap_or(UNKNOWN), explained(&message, "via_upstream"));
    vec![GrpcEvent::Trailing(map), close]
}

/// Returns the end of a stream that Envoy itself ends.
fn error(status: u32, message: &[u8]) -> Vec<GrpcEvent> {
    vec![
        GrpcEvent::Trailing(HeaderMap::new(Kind::ResponseTrailers)),
        GrpcEvent::Close(status, message.to_vec()),
    ]
}

/// Returns the events of a broken connection: the callout's router responds in place of the upstream, in gRPC
/// form with headers only.
pub(super) fn broken(text: &str, details: &str) -> Vec<GrpcEvent> {
    let mut map = HeaderMap::new(Kind::Response);
    let status = UNAVAILABLE.to_string();
    for (name, value) in [
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", &status),
        ("grpc-message", text),
    ] {
        map.add(name.as_bytes(), value.as_bytes());
    }
    vec![
        GrpcEvent::Initial(HeaderMap::new(Kind::Response)),
        GrpcEvent::Trailing(map),
        GrpcEvent::Close(UNAVAILABLE, explained(text.as_bytes(), details)),
    ]
}

/// Returns the message of a status, followed by Envoy's response code details.
fn explained(message: &[u8], details: &str) -> Vec<u8> {
    match message {
        b"" => details.into(),
        message => [message, b"{", details.as_bytes(), b"}"].concat(),
    }
}
