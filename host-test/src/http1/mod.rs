//! HTTP/1.1 as the peers of a proxy write and read it. Both hosts use it: the real Envoy exchanges the bytes
//! over sockets, and the emulated one without them.

mod read;
mod write;

use crate::{Headers, Response, UpstreamRequest, Waits};
pub(crate) use read::{Kind, Message, Reader};
pub(crate) use write::{Outgoing, chunk, field, wait_before};

/// Converts the header of a request, which an upstream has received, into a record of it.
pub(crate) fn record(message: &Message) -> UpstreamRequest {
    let [method, path, _] = message.words();
    let mut headers = message.headers.clone();
    let authority = headers.get("host").map(|h| String::from_utf8_lossy(h).into_owned()).unwrap_or_default();
    headers.remove("host");
    UpstreamRequest {
        cluster: String::new(),
        method,
        path,
        authority,
        headers,
        body: Vec::new(),
        trailers: Headers::default(),
        ended: false,
    }
}

/// Returns the pieces in which an upstream writes its response to a request.
pub(crate) fn response_to(method: &str, response: &Response) -> Vec<Vec<u8>> {
    let reason = http::StatusCode::from_u16(response.status).ok().and_then(|s| s.canonical_reason());
    // RFC 9110 section 6.4.1: these responses have no body. No length is added to them (section 8.6).
    let bodiless = matches!(response.status, 100..=199 | 204 | 304);
    let silent = method == "HEAD" || bodiless;
    Outgoing {
        start: format!("HTTP/1.1 {} {}", response.status, reason.unwrap_or("Scripted")),
        first: &[],
        headers: &response.headers,
        body: if silent { &[] } else { &response.body },
        trailers: if silent { const { &Headers(Vec::new()) } } else { &response.trailers },
        waits: if silent { const { &Waits::new() } } else { &response.waits },
        with_empty_length: !silent,
    }
    .pieces()
}

/// Returns the head and a part of the body: all pieces except the last, or half of the only one. The body is
/// never complete; an empty one gets a length of 1.
pub(crate) fn part(mut pieces: Vec<Vec<u8>>, body: usize) -> Vec<Vec<u8>> {
    if body > 1 {
        pieces.pop();
    } else if let Some(only) = pieces.first_mut() {
        let head = only.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |at| at + 4);
        let half = (only.len() - head) / 2;
        only.truncate(head + half);
        if body == 0 {
            *only =
                String::from_utf8_lossy(only).replace("content-length: 0", "content-length: 1").into_bytes();
        }
    }
    pieces
}

/// Returns a response with only the part of its body that [`part`] sends.
pub(crate) fn broken_off(mut response: Response, to_head: bool, http2: bool) -> Response {
    response.waits.clear();
    if http2 {
        if let Some(last) = response.body.last_mut() {
            last.truncate(last.len() / 2);
        }
        return response;
    }
    let (method, kind) = if to_head { ("HEAD", Kind::ResponseToHead) } else { ("GET", Kind::Response) };
    let mut reader = Reader::new(kind);
    let mut body: Vec<Vec<u8>> = Vec::new();
    let mut seen = 0;
    for piece in part(response_to(method, &response), response.body.len()) {
        reader.push(&piece);
        let arrived = reader.begun().map(|message| message.body[seen..].to_vec()).unwrap_or_default();
        seen += arrived.len();
        body.push(arrived);
    }
    if let Some(message) = reader.begun() {
        response.headers = message.headers.clone();
    }
    response.body = body;
    response
}

/// Returns the response that a client has received, once it is complete, without `date`, which differs
/// between any two runs.
pub(crate) fn take_response(reader: &mut Reader) -> Option<Response> {
    let message = reader.take()?;
    let status = message.status();
    let mut headers = message.headers;
    headers.remove("date");
    let body = if message.body.is_empty() { Vec::new() } else { vec![message.body] };
    Some(Response { status, headers, body, waits: Waits::new(), trailers: message.trailers })
}
