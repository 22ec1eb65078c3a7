//! Requests that may be sent more than once.

use crate::config::Safe;
use tollgate_policy::{Headers, RequestFacts};

/// Headers that decide about the retries of a request. Most requests have none of them, so one pass finds
/// all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen<'a> {
    content_type: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    /// Whether the client may have sent headers that control the router.
    pub has_controls: bool,
}

impl<'a> Seen<'a> {
    /// Searches the headers of a request.
    pub fn new(headers: Headers<'a>) -> Self {
        let mut seen = Self::default();
        for (name, value) in headers.0 {
            match name.len() {
                12 if name.eq_ignore_ascii_case(b"content-type") => {
                    seen.content_type = seen.content_type.or(Some(value));
                }
                14 if name.eq_ignore_ascii_case(b"content-length") => {
                    seen.content_length = seen.content_length.or(Some(value));
                }
                _ => seen.has_controls |= name.starts_with(b"x-envoy-"),
            }
        }
        seen
    }

    /// Whether the request is a gRPC call: `content-type` is `application/grpc`, alone or with a suffix
    /// (`Grpc::Common::isGrpcRequestHeaders` in Envoy).
    pub fn is_grpc(&self) -> bool {
        self.content_type.is_some_and(is_grpc_type)
    }
}

/// Returns whether a response has the content type of gRPC.
pub(crate) fn has_grpc_type(headers: Headers<'_>) -> bool {
    is_grpc_type(headers.first("content-type").unwrap_or_default())
}

/// Returns whether a content type is that of gRPC.
pub(crate) fn is_grpc_type(content_type: &[u8]) -> bool {
    let suffix = content_type.strip_prefix(b"application/grpc");
    suffix.is_some_and(|suffix| suffix.first().is_none_or(|byte| b"+;".contains(byte)))
}

impl Safe {
    /// Returns whether a request may be sent more than once.
    pub(crate) fn allows(&self, facts: &RequestFacts<'_>, is_grpc: bool) -> bool {
        let is_listed = match is_grpc {
            true => self.grpc_methods.iter().any(|method| method.matches(facts.path_only())),
            false => self.methods.iter().any(|method| method.as_bytes() == facts.method),
        };
        let mut keys = facts.headers.all(b"idempotency-key");
        is_listed || self.idempotency_key && keys.any(|key| !key.is_empty())
    }

    /// Returns whether the announced body is larger than the maximum. A length that is not a number counts as
    /// too large.
    pub(crate) fn announces_too_much(&self, seen: &Seen<'_>) -> bool {
        seen.content_length.is_some_and(|length| {
            crate::duration::number(length.trim_ascii())
                .is_none_or(|length| length > self.max_request_bytes.into())
        })
    }
}
