//! A response that takes the place of another.

use crate::config::FallbackResponse;
use crate::safe::is_grpc_type;
use crate::{Head, Reason, duration, kept};
use tollgate_policy::replay::{Field, Response};
use tollgate_policy::{Refusal, grpc_status_of};

/// Headers that the response of a callout keeps to itself.
const DROPPED: [&[u8]; 6] =
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"trailer"];

const STATUS: &str = "grpc-status";

/// Fields of the status of a gRPC response.
const STATUS_FIELDS: [&str; 3] = [STATUS, "grpc-message", "grpc-status-details-bin"];

/// gRPC status of a response without one: `UNKNOWN`.
const UNKNOWN: u8 = 2;

/// Returns the response to a callout, for a client. Drops names that are not text, and headers of the
/// connection.
pub(crate) fn of_callout(head: Head<'_>, body: &[u8]) -> Response {
    // A response to a `HEAD` request has a length and no body.
    let kept = |(name, _): &&(&[u8], &[u8])| {
        let is_dropped = DROPPED.contains(name) || (*name == b"content-length" && !body.is_empty());
        !name.starts_with(b":") && !is_dropped
    };
    Response {
        status: head.status,
        headers: head.headers.0.iter().filter(kept).filter_map(pair).collect(),
        body: body.to_vec(),
        trailers: head.trailers.0.iter().filter_map(pair).collect(),
    }
}

/// Returns the configured response, as it replaces that of a gRPC or of another upstream.
pub(crate) fn of_config(response: &FallbackResponse, is_grpc: bool) -> Response {
    let named = response.headers.iter();
    let mut headers: Vec<_> = named
        .map(|header| (header.name.name().as_str().to_owned(), header.value.as_bytes().to_vec()))
        .collect();
    if !is_grpc {
        let body = response.body.clone().into_bytes();
        return Response { status: response.status, headers, body, ..Response::default() };
    }
    let mut status = grpc_error(response.grpc_status, &response.body);
    headers.append(&mut status.headers);
    Response { headers, ..status }
}

/// Returns the response to a gRPC client that has only a status.
fn grpc_error(code: u8, message: &str) -> Response {
    let headers = vec![("content-type".to_owned(), b"application/grpc".to_vec())];
    let mut trailers = vec![(STATUS.to_owned(), code.to_string().into_bytes())];
    if !message.is_empty() {
        trailers.push(("grpc-message".into(), percent_encoded(message).into_bytes()));
    }
    Response { status: 200, headers, trailers, ..Response::default() }
}

/// Returns a response to a gRPC client whose headers and trailers are sent separately: the status is in the
/// trailers. A response that is not gRPC becomes its status.
pub(crate) fn into_grpc(mut response: Response) -> Response {
    let content_type = response.headers.iter().find(|(name, _)| name == "content-type");
    let status = response.status;
    if status != 200 || !content_type.is_some_and(|(_, value)| is_grpc_type(value)) {
        return grpc_error(grpc_status_of(status), &format!("HTTP status {status}"));
    }
    let is_status = |(name, _): &Field| STATUS_FIELDS.contains(&name.as_str());
    let (status, headers) = response.headers.into_iter().partition(is_status);
    response.headers = headers;
    let has_status = |fields: &[Field]| fields.iter().any(|(name, _)| name == STATUS);
    if !has_status(&response.trailers) {
        response.trailers.extend::<Vec<_>>(status);
        if !has_status(&response.trailers) {
            response.trailers.push((STATUS.into(), UNKNOWN.to_string().into_bytes()));
        }
    }
    response
}

/// Number of bytes that a response takes.
pub(crate) fn size(response: &Response) -> usize {
    kept::size(&response.headers) + kept::size(&response.trailers) + response.body.len()
}

/// Returns a response as a reply of the filter. Trailers are lost.
pub(crate) fn into_refusal(response: Response, reason: Reason) -> Refusal<Reason> {
    let status = |(name, value): &Field| {
        (name == STATUS).then(|| duration::number(value).and_then(|code| u8::try_from(code).ok()))?
    };
    let grpc_status = response.trailers.iter().chain(&response.headers).find_map(status).unwrap_or(14);
    let own = response.headers.into_iter().filter(|(name, _)| name != "content-length");
    let headers = own.map(|(name, value)| (name.into(), value)).collect();
    Refusal { reason, status: response.status, grpc_status, headers, body: response.body }
}

fn pair((name, value): &(&[u8], &[u8])) -> Option<Field> {
    Some((core::str::from_utf8(name).ok()?.to_owned(), value.to_vec()))
}

/// Encodes a text for `grpc-message` (`PROTOCOL-HTTP2.md` of gRPC).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
