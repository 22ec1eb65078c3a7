//! Responses to rejected requests.

use crate::plan::{Body, Breaker, Plan};
use crate::{Reason, Refusal};
use serde_json::{Map, Value};
use tollgate_policy::{BodyFormat, HeaderField, grpc_status_of};

/// Status for gRPC clients with an invalid request: `INVALID_ARGUMENT`.
const INVALID_ARGUMENT: u8 = 3;

/// Returns the response to a request that is rejected for a reason, for the breaker that rejected it.
/// `retry_after` is the time until the next probe, in nanoseconds.
pub(crate) fn refusal(
    plan: &Plan,
    breaker: Option<&Breaker>,
    reason: Reason,
    retry_after: Option<u64>,
) -> Refusal {
    let response = breaker.and_then(|breaker| breaker.response.as_ref()).unwrap_or(&plan.response);
    let (status, grpc_status) = match reason {
        reason if reason.is_invalid() => (400, INVALID_ARGUMENT),
        reason if reason.is_error() => {
            let status = plan.enforcement.status_on_error.code;
            (status, grpc_status_of(status))
        }
        _ => (response.status, response.grpc_status),
    };
    let decided = !reason.is_error() && !reason.is_invalid();
    let mut headers: Vec<HeaderField> = Vec::new();
    if decided {
        headers.extend(response.headers.iter().cloned());
    }
    let seconds = retry_after.map(|nanos| nanos.div_ceil(1_000_000_000).max(1));
    if let Some(seconds) = seconds.filter(|_| response.retry_after) {
        headers.push(("retry-after".into(), seconds.to_string().into_bytes()));
    }
    let (content_type, body) = match &response.body {
        Body::Text(content_type, body) if decided => {
            (content_type.as_ref().map(|value| value.as_bytes().to_vec()), body.clone())
        }
        Body::Text(..) => formatted(BodyFormat::Text, status, reason, breaker, seconds),
        Body::Format(format) => formatted(*format, status, reason, breaker, seconds),
    };
    if let Some(content_type) = content_type {
        headers.push(("content-type".into(), content_type));
    }
    Refusal { reason, status, grpc_status, headers, body }
}

/// Returns the content type, if it is not the host's default `text/plain`, and the body.
fn formatted(
    format: BodyFormat,
    status: u16,
    reason: Reason,
    breaker: Option<&Breaker>,
    seconds: Option<u64>,
) -> (Option<Vec<u8>>, Vec<u8>) {
    let name = tollgate_policy::Label::name(reason);
    let mut members = Map::new();
    let content_type = match format {
        BodyFormat::Empty => return (None, Vec::new()),
        BodyFormat::Text => return (None, name.into()),
        BodyFormat::Json => {
            members.insert("error".into(), "temporarily_unavailable".into());
            "application/json"
        }
        BodyFormat::Problem => {
            let kind = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
            members.insert("type".into(), kind.into());
            members.insert("title".into(), "Temporary Reduced Capacity".into());
            members.insert("status".into(), status.into());
            "application/problem+json"
        }
    };
    members.insert("reason".into(), name.into());
    if let Some(breaker) = breaker {
        members.insert("breaker".into(), breaker.name.as_str().into());
    }
    if let Some(seconds) = seconds {
        members.insert("retry_after".into(), seconds.into());
    }
    (Some(content_type.into()), Value::Object(members).to_string().into_bytes())
}
