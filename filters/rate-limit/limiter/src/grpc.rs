//! gRPC over HTTP/2, limited to unary calls.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use std::convert::Infallible;

pub(crate) const UNIMPLEMENTED: u32 = 12;
pub(crate) const INVALID_ARGUMENT: u32 = 3;
pub(crate) const UNAVAILABLE: u32 = 14;

/// Returns the message of an uncompressed frame.
pub(crate) fn message(body: &[u8]) -> Option<&[u8]> {
    let (head, message) = body.split_at_checked(5)?;
    let length = u32::from_be_bytes(head[1..].try_into().ok()?);
    (head[0] == 0 && usize::try_from(length).ok()? == message.len()).then_some(message)
}

/// Returns an answer with a message.
pub(crate) fn answer(message: &[u8]) -> Response<BoxBody<Bytes, Infallible>> {
    let length = u32::try_from(message.len()).expect("message is shorter than 4 GiB");
    let mut frame = vec![0];
    frame.extend(length.to_be_bytes());
    frame.extend(message);
    let trailers =
        HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from(0))]);
    let body = Full::new(Bytes::from(frame)).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(body.boxed());
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// Returns an answer with a status and no message.
pub(crate) fn status(status: u32) -> Response<BoxBody<Bytes, Infallible>> {
    let mut response = Response::new(Full::default().boxed());
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response.headers_mut().insert("grpc-status", HeaderValue::from(status));
    response
}
