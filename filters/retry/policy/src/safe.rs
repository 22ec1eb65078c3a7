//! Requests that may be sent more than once.

use crate::config::Safe;
use tollgate_policy::{Headers, RequestFacts};

/// Returns whether a request is a gRPC call: `content-type` is `application/grpc`, alone or with a suffix
/// (`Grpc::Common::isGrpcRequestHeaders` in Envoy).
pub(crate) fn is_grpc(facts: &RequestFacts<'_>) -> bool {
    has_grpc_type(facts.headers)
}

/// Returns whether a request or a response has the content type of gRPC.
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
        let by_key = self.idempotency_key && facts.headers.all(b"idempotency-key").any(|key| !key.is_empty());
        by_key
            || if is_grpc {
                self.grpc_methods.iter().any(|method| method.matches(facts.path_only()))
            } else {
                self.methods.iter().any(|method| method.as_bytes() == facts.method)
            }
    }

    /// Returns whether the announced body is larger than the maximum. A length that is not a number counts as
    /// too large.
    pub(crate) fn announces_too_much(&self, facts: &RequestFacts<'_>) -> bool {
        facts.headers.first("content-length").is_some_and(|length| {
            crate::duration::number(length.trim_ascii())
                .is_none_or(|length| length > self.max_request_bytes.into())
        })
    }
}
