//! A response that takes the place of another.

use crate::config::FallbackResponse;
use crate::{Head, Reason, duration};
use tollgate_policy::Refusal;

/// Headers that the response of a callout keeps to itself.
const DROPPED: [&[u8]; 6] =
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade", b"trailer"];

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
        headers.push(("content-type".into(), b"application/grpc".to_vec()));
        let mut trailers = vec![("grpc-status".to_owned(), response.grpc_status.to_string().into_bytes())];
        if !response.body.is_empty() {
            trailers.push(("grpc-message".into(), percent_encoded(&response.body).into_bytes()));
        }
        Self { status: 200, headers, trailers, ..Self::default() }
    }

    /// Returns it as a reply of the filter. Trailers are lost.
    pub fn into_refusal(self, reason: Reason) -> Refusal<Reason> {
        let status = |(name, value): &(String, Vec<u8>)| {
            (name == "grpc-status")
                .then(|| duration::number(value).and_then(|code| u8::try_from(code).ok()))?
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
