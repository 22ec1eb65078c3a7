//! Bodies of rejections.

use super::Body;
use crate::Reason;
use serde_json::{Map, Value};

/// Contents of a body.
pub(super) struct Refused<'a> {
    pub(super) reason: Reason,
    pub(super) status: u16,
    /// Names of the policies that had no room. The first one rejects the request.
    pub(super) policies: &'a [&'a str],
    /// Time until there is room, in seconds.
    pub(super) retry_after: Option<u64>,
}

/// Returns the content type, unless it is the `text/plain` that the host sets, and the body. For gRPC the
/// body is text, because the host sends it as a message and sets the content type itself.
pub(super) fn of<'a>(body: &'a Body, refused: &Refused<'_>, grpc: bool) -> (Option<&'a [u8]>, Vec<u8>) {
    let text = || refused.reason.name().as_bytes().to_vec();
    match body {
        Body::Text => (None, text()),
        Body::Empty => (None, Vec::new()),
        Body::Inline { content_type: None, body } => (None, body.clone()),
        Body::Inline { content_type: Some(content_type), body } if grpc => {
            let is_text = content_type.as_bytes().starts_with(b"text/");
            (None, if is_text { body.clone() } else { text() })
        }
        Body::Json | Body::Problem if grpc => (None, text()),
        Body::Inline { content_type: Some(content_type), body } => {
            (Some(content_type.as_bytes()), body.clone())
        }
        Body::Json => (Some(b"application/json"), json(refused)),
        Body::Problem => (Some(b"application/problem+json"), problem(refused)),
    }
}

fn json(refused: &Refused<'_>) -> Vec<u8> {
    let mut members = Map::new();
    members.insert("error".into(), words(refused.reason).error.into());
    members.insert("reason".into(), refused.reason.name().into());
    if let Some(policy) = refused.policies.first() {
        members.insert("policy".into(), (*policy).into());
    }
    if let Some(seconds) = refused.retry_after {
        members.insert("retry_after".into(), seconds.into());
    }
    Value::Object(members).to_string().into_bytes()
}

/// Returns a problem of draft-ietf-httpapi-ratelimit-headers-11 section 5, with the types and titles that it
/// registers.
fn problem(refused: &Refused<'_>) -> Vec<u8> {
    let Words { kind, title, .. } = words(refused.reason);
    let mut members = Map::new();
    members.insert("type".into(), kind.into());
    members.insert("title".into(), title.into());
    members.insert("status".into(), refused.status.into());
    members.insert("reason".into(), refused.reason.name().into());
    if !refused.policies.is_empty() {
        members.insert("violated-policies".into(), refused.policies.into());
    }
    Value::Object(members).to_string().into_bytes()
}

/// Description of a reason for clients.
struct Words {
    /// Value of `error`.
    error: &'static str,
    /// Type of the problem.
    kind: &'static str,
    /// Title of the problem.
    title: &'static str,
}

fn words(reason: Reason) -> Words {
    match reason {
        Reason::LocalLimit | Reason::Concurrency | Reason::ServiceLimit => Words {
            error: "rate_limited",
            kind: "https://iana.org/assignments/http-problem-types#quota-exceeded",
            title: "Quota Exceeded",
        },
        Reason::ServiceUnavailable | Reason::SharedState | Reason::HostError => Words {
            error: "temporarily_unavailable",
            kind: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
            title: "Temporary Reduced Capacity",
        },
        Reason::InvalidPath => Words { error: "invalid_request", kind: "about:blank", title: "Bad Request" },
    }
}
