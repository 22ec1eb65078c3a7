//! Responses to rejected requests.
//!
//! Status and text are Envoy's. The challenge follows RFC 6750 section 3; it begins like Envoy's and has more
//! parameters. No part of a request is copied unchanged: the realm and a redirect contain its URL
//! percent-encoded, the realm without the query and the redirect without tokens.

mod body;
mod challenge;
mod redirect;
#[cfg(test)]
mod tests;
mod url;

use crate::plan::Plan;
use crate::{Reason, Refusal};
use tollgate_policy::{RequestFacts, grpc_status_of};

/// Value of `Retry-After` (RFC 9110 section 10.2.3) when the filter could not decide. Fetches are retried
/// within seconds.
const RETRY_AFTER_SECONDS: &[u8] = b"1";

/// Returns the response to a request that is rejected for `reason`. `scopes` are the required scopes, for
/// [`Reason::InsufficientScope`].
pub fn refusal<'s>(
    reason: Reason,
    scopes: impl Iterator<Item = &'s str>,
    request: &RequestFacts<'_>,
    plan: &Plan,
) -> Refusal {
    let config = &plan.config;
    let status = match reason.status() {
        0 => config.enforcement.status_on_error.code,
        status => status,
    };
    let answer = |status, headers, body| Refusal {
        reason,
        status,
        grpc_status: grpc_status_of(status),
        headers,
        body,
    };
    let grpc = is_grpc(request);
    if status == 401
        && !grpc
        && let Some(redirect) = &config.failure_response.redirect
        && redirect::applies(redirect, request)
    {
        let location = redirect::location(redirect, request, plan);
        let headers = vec![("location".into(), location), ("cache-control".into(), b"no-store".to_vec())];
        return answer(redirect.status.unwrap_or(302), headers, Vec::new());
    }
    let mut headers = Vec::new();
    if status == 503 {
        headers.push(("retry-after".into(), RETRY_AFTER_SECONDS.to_vec()));
    }
    if config.strip_failure_response {
        return answer(status, headers, Vec::new());
    }
    if challenge::applies(reason, status) {
        let realm = config.failure_response.realm.as_deref();
        let metadata = plan.resource(request).map(|resource| resource.metadata_url.as_str());
        headers.push(("www-authenticate".into(), challenge::of(reason, realm, scopes, metadata, request)));
    }
    // A gRPC client receives the body as `grpc-message`, which is for people.
    let format = if grpc { Default::default() } else { config.failure_response.body_format };
    let (content_type, body) = body::of(reason, status, format);
    headers
        .extend(content_type.map(|content_type| ("content-type".into(), content_type.as_bytes().to_vec())));
    answer(status, headers, body)
}

/// Whether this is a gRPC request, as in Envoy's `Grpc::Common::hasGrpcContentType`.
fn is_grpc(request: &RequestFacts<'_>) -> bool {
    let content_type = request.headers.first("content-type").unwrap_or_default();
    content_type
        .strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}
