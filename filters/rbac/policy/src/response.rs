//! Responses to rejected requests.

use crate::config::Response;
use crate::rule::name_of;
use crate::{Plan, Reason, Refusal};
use tollgate_policy::{BodyFormat, HeaderField, Value as Json};

/// Status for gRPC clients with an invalid path: `INVALID_ARGUMENT`.
const INVALID_ARGUMENT: u8 = 3;
/// Status for gRPC clients whose request cannot be decided: `UNAVAILABLE`.
const UNAVAILABLE: u8 = 14;

/// Returns the response to a request that is rejected for a reason.
#[inline(never)]
pub(crate) fn refusal<'p>(plan: &'p Plan, reason: Reason<'p>) -> Refusal<'p> {
    let rule = reason.rule();
    let response = plan.response(rule);
    let (status, grpc_status, text) = match reason {
        Reason::Rule(_) | Reason::NoRule => (response.status, response.grpc_status, response.body.as_str()),
        Reason::InvalidPath(_) => (400, INVALID_ARGUMENT, reason.text()),
        Reason::HostError => (plan.status_on_error(), UNAVAILABLE, reason.text()),
    };
    let decided_by_policy = matches!(reason, Reason::Rule(_) | Reason::NoRule);
    let mut headers: Vec<HeaderField> = Vec::new();
    for header in response.headers.iter().filter(|_| decided_by_policy) {
        let name = header.name.name().as_str().to_owned();
        headers.push((name.into(), header.value.as_bytes().to_vec()));
    }
    let policy = (response.reveal_policy && decided_by_policy).then(|| name_of(rule));
    let (content_type, body) = body(response, status, text, policy);
    if let Some(content_type) = content_type {
        headers.push(("content-type".into(), content_type.into()));
    }
    Refusal { reason, status, grpc_status, headers, body }
}

/// Returns the content type, if it is not the host's default `text/plain`, and the body.
fn body(
    response: &Response,
    status: u16,
    text: &str,
    policy: Option<String>,
) -> (Option<&'static str>, Vec<u8>) {
    let mut members = serde_json::Map::new();
    let content_type = match response.body_format {
        BodyFormat::Empty => return (None, Vec::new()),
        BodyFormat::Text => {
            let policy = policy.map(|name| [" (policy ", &name, ")"].concat());
            return (None, [text, &policy.unwrap_or_default()].concat().into_bytes());
        }
        BodyFormat::Json => {
            members.insert("error".into(), text.into());
            "application/json"
        }
        BodyFormat::Problem => {
            members.insert("type".into(), "about:blank".into());
            members.insert("status".into(), status.into());
            members.insert("detail".into(), text.into());
            "application/problem+json"
        }
    };
    if let Some(policy) = policy {
        members.insert("policy".into(), policy.into());
    }
    (Some(content_type), Json::Object(members).to_string().into_bytes())
}
