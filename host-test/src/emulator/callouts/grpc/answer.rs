//! What an upstream's answer is to a filter: Envoy, `source/common/grpc/async_client_impl.cc`, `AsyncStreamImpl`.

use super::{INTERNAL, News, UNAVAILABLE, UNKNOWN, from_http};
use crate::emulator::callouts::{REFUSED, REFUSED_DETAILS, TERMINATED, TERMINATED_DETAILS, answer_headers};
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::{Answer, Response};
use std::time::Duration;

/// `-1`, for a status that gRPC does not know.
const INVALID: u32 = u32::MAX;
/// The last that it knows.
const MOST: u32 = 16;

/// When an answer comes, and all that a stream hears of it.
pub(super) fn news(answer: Answer, http2: bool) -> (Option<Duration>, Vec<News>) {
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
        Answer::Reset => (Some(Duration::ZERO), broken(TERMINATED, TERMINATED_DETAILS)),
        Answer::Refuse => (Some(Duration::ZERO), broken(REFUSED, REFUSED_DETAILS)),
        Answer::ResetMidResponse(response) => {
            let mut news = vec![News::Initial(headers(&response, Duration::ZERO, http2))];
            // All but the last piece has come.
            let came = response.body.split_last().map(|(_, came)| came.concat()).unwrap_or_default();
            let mut came = &came[..];
            news.extend(std::iter::from_fn(|| next(&mut came)).map(News::Message));
            news.extend(error(INTERNAL, b"via_upstream"));
            (Some(Duration::ZERO), news)
        }
        Answer::Hang => (None, Vec::new()),
    }
}

fn headers(response: &Response, after: Duration, http2: bool) -> HeaderMap {
    let mut map = answer_headers(response, false);
    if http2 {
        // Which frames bodies itself.
        for name in ["content-length", "transfer-encoding"] {
            if response.headers.get(name).is_none() {
                map.remove(name.as_bytes());
            }
        }
    }
    map.set(b"x-envoy-upstream-service-time", after.as_millis().to_string().as_bytes());
    map
}

fn of_response(response: &Response, after: Duration, http2: bool) -> Vec<News> {
    let map = headers(response, after, http2);
    let ends = response.body().is_empty() && response.trailers.0.is_empty();
    let empty = || News::Initial(HeaderMap::new(Kind::Response));
    if ends && (response.status == 200 || map.first(b"grpc-status").is_some()) {
        return [vec![empty()], end(map)].concat();
    }
    if response.status != 200 {
        return [vec![empty()], error(from_http(response.status), b"via_upstream")].concat();
    }
    let mut news = vec![News::Initial(map)];
    let mut body = &response.body()[..];
    while !body.is_empty() {
        match next(&mut body) {
            Some(message) => news.push(News::Message(message)),
            None => return [news, error(INTERNAL, b"via_upstream")].concat(),
        }
    }
    if response.trailers.0.is_empty() {
        return [news, error(UNKNOWN, b"via_upstream")].concat();
    }
    [news, end(HeaderMap::of(Kind::ResponseTrailers, &response.trailers))].concat()
}

/// The next message of a body, if that is one.
fn next(body: &mut &[u8]) -> Option<Vec<u8>> {
    let (prefix, rest) = body.split_first_chunk::<5>()?;
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
    let (message, rest) = rest.split_at_checked(length).filter(|_| prefix[0] <= 1)?;
    *body = rest;
    Some(message.to_vec())
}

/// Trailers, be they among the headers, and what they say.
fn end(map: HeaderMap) -> Vec<News> {
    let status = map.first(b"grpc-status").map(|text| {
        let status = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        status.filter(|status| *status <= MOST).unwrap_or(INVALID)
    });
    let message = map.first(b"grpc-message").map(<[u8]>::to_vec).unwrap_or_default();
    let close = News::Close(status.unwrap_or(UNKNOWN), explained(&message, "via_upstream"));
    vec![News::Trailing(map), close]
}

/// Envoy itself ends the stream.
fn error(status: u32, message: &[u8]) -> Vec<News> {
    vec![News::Trailing(HeaderMap::new(Kind::ResponseTrailers)), News::Close(status, message.to_vec())]
}

/// The router of the call answers in place of the upstream, as it answers gRPC: with headers and nothing else.
pub(super) fn broken(text: &str, details: &str) -> Vec<News> {
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
        News::Initial(HeaderMap::new(Kind::Response)),
        News::Trailing(map),
        News::Close(UNAVAILABLE, explained(text.as_bytes(), details)),
    ]
}

/// The message of a status, and Envoy's response code details behind it.
fn explained(message: &[u8], details: &str) -> Vec<u8> {
    match message {
        b"" => details.into(),
        message => [message, b"{", details.as_bytes(), b"}"].concat(),
    }
}
