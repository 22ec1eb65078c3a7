//! A response that takes the place of another.

use crate::config::FallbackResponse;
use crate::safe::is_grpc_type;
use crate::{Head, Reason, duration, kept};
use tollgate_policy::{Refusal, grpc_status_of};

/// Headers that the response of a callout keeps to itself.
const DROPPED: [&[u8]; 6] =
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"trailer"];

const STATUS: &str = "grpc-status";

/// Fields of the status of a gRPC response.
const STATUS_FIELDS: [&str; 3] = [STATUS, "grpc-message", "grpc-status-details-bin"];

/// gRPC status of a response without one: `UNKNOWN`.
const UNKNOWN: u8 = 2;

/// A response that takes the place of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replacement {
    /// HTTP status.
    pub status: u16,
    /// Headers, without pseudo-headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Body.
    pub body: Vec<u8>,
    /// Trailers.
    pub trailers: Vec<(String, Vec<u8>)>,
}

impl Replacement {
    /// Creates one from the response of a callout. Drops names that are not text, and headers of the
    /// connection.
    pub(crate) fn new(head: Head<'_>, body: &[u8]) -> Self {
        // A response to a `HEAD` request has a length and no body.
        let kept = |(name, _): &&(&[u8], &[u8])| {
            let is_dropped = DROPPED.contains(name) || (*name == b"content-length" && !body.is_empty());
            !name.starts_with(b":") && !is_dropped
        };
        Self {
            status: head.status,
            headers: head.headers.0.iter().filter(kept).filter_map(pair).collect(),
            body: body.to_vec(),
            trailers: head.trailers.0.iter().filter_map(pair).collect(),
        }
    }

    /// Creates the configured response to a client, as it replaces that of a gRPC or of another upstream.
    pub(crate) fn from_config(response: &FallbackResponse, is_grpc: bool) -> Self {
        let named = response.headers.iter();
        let mut headers: Vec<_> = named
            .map(|header| (header.name.name().as_str().to_owned(), header.value.as_bytes().to_vec()))
            .collect();
        if !is_grpc {
            return Self {
                status: response.status,
                headers,
                body: response.body.clone().into_bytes(),
                ..Self::default()
            };
        }
        let mut status = Self::grpc_error(response.grpc_status, &response.body);
        headers.append(&mut status.headers);
        Self { headers, ..status }
    }

    /// Creates the response to a gRPC client that has only a status.
    fn grpc_error(code: u8, message: &str) -> Self {
        let headers = vec![("content-type".to_owned(), b"application/grpc".to_vec())];
        let mut trailers = vec![(STATUS.to_owned(), code.to_string().into_bytes())];
        if !message.is_empty() {
            trailers.push(("grpc-message".into(), percent_encoded(message).into_bytes()));
        }
        Self { status: 200, headers, trailers, ..Self::default() }
    }

    /// Returns it as a response to a gRPC client whose headers and trailers are sent separately: the status
    /// is in the trailers. A response that is not gRPC becomes its status.
    pub(crate) fn into_grpc(mut self) -> Self {
        let content_type = self.headers.iter().find(|(name, _)| name == "content-type");
        if self.status != 200 || !content_type.is_some_and(|(_, value)| is_grpc_type(value)) {
            return Self::grpc_error(grpc_status_of(self.status), &format!("HTTP status {}", self.status));
        }
        let is_status = |(name, _): &(String, Vec<u8>)| STATUS_FIELDS.contains(&name.as_str());
        let (status, headers) = self.headers.into_iter().partition(is_status);
        self.headers = headers;
        let has_status = |fields: &[(String, Vec<u8>)]| fields.iter().any(|(name, _)| name == STATUS);
        if !has_status(&self.trailers) {
            self.trailers.extend::<Vec<_>>(status);
            if !has_status(&self.trailers) {
                self.trailers.push((STATUS.into(), UNKNOWN.to_string().into_bytes()));
            }
        }
        self
    }

    /// Number of bytes that it takes.
    pub(crate) fn size(&self) -> usize {
        kept::size(&self.headers) + kept::size(&self.trailers) + self.body.len()
    }

    /// Returns it as a reply of the filter. Trailers are lost.
    pub fn into_refusal(self, reason: Reason) -> Refusal<Reason> {
        let status = |(name, value): &(String, Vec<u8>)| {
            (name == STATUS).then(|| duration::number(value).and_then(|code| u8::try_from(code).ok()))?
        };
        let grpc_status = self.trailers.iter().chain(&self.headers).find_map(status).unwrap_or(14);
        let own = self.headers.into_iter().filter(|(name, _)| name != "content-length");
        let headers = own.map(|(name, value)| (name.into(), value)).collect();
        Refusal { reason, status: self.status, grpc_status, headers, body: self.body }
    }
}

fn pair((name, value): &(&[u8], &[u8])) -> Option<(String, Vec<u8>)> {
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
