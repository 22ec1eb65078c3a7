//! What clients and upstreams are told.
//!
//! Nothing is written that nobody asked for: with the default of a configuration that is `retry-after` on refusals.

mod body;
mod fields;

use crate::rate::Quota;
use crate::{Environment, Reason, Refusal};
use tollgate_policy::{EditableName, HeaderValue};

/// A header, as a host takes it.
pub type Header = (String, Vec<u8>);

/// What clients and upstreams are told, as it is configured.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The status of a refusal by a limit. Default: 429.
    pub status: u16,
    /// The status when a limit could not be asked. Default: 500.
    pub status_on_error: u16,
    /// `rate_limited_as_resource_exhausted`: gRPC clients get `RESOURCE_EXHAUSTED` in place of `UNAVAILABLE`.
    pub resource_exhausted: bool,
    /// The body of a refusal.
    pub body: Body,
    /// Refusals have `retry-after`, if it is known when there will be room. Default: true.
    pub retry_after: bool,
    /// All responses have `ratelimit` and `ratelimit-policy`.
    pub rate_limit_headers: bool,
    /// All responses have `x-ratelimit-limit`, `-remaining` and `-reset`: `enable_x_ratelimit_headers`.
    pub x_ratelimit_headers: bool,
    /// Refusals by the service have `x-envoy-ratelimited`. Default: true.
    pub x_envoy_ratelimited: bool,
    /// Added to refusals.
    pub response_headers: Vec<(EditableName, HeaderValue)>,
    /// Added for the upstream to what goes on in spite of a limit, since that is not enforced.
    pub request_headers_when_not_enforced: Vec<(EditableName, HeaderValue)>,
}

/// The body of a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// The reason's name, as Envoy has it.
    #[default]
    Text,
    /// An object with `error`, `reason`, the policy and when to come again.
    Json,
    /// Problem details (RFC 9457).
    Problem,
    /// None.
    Empty,
    /// This one.
    Inline {
        /// What it is; `text/plain` if not said.
        content_type: Option<HeaderValue>,
        /// What is sent.
        body: Vec<u8>,
    },
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            status: 429,
            status_on_error: 500,
            resource_exhausted: false,
            body: Body::Text,
            retry_after: true,
            rate_limit_headers: false,
            x_ratelimit_headers: false,
            x_envoy_ratelimited: true,
            response_headers: Vec::new(),
            request_headers_when_not_enforced: Vec::new(),
        }
    }
}

/// Where a limit stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// What clients know it by.
    pub policy: &'a str,
    /// Its numbers.
    pub quota: Quota,
    /// What they count.
    pub unit: Unit,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Requests, or what they are said to cost.
    #[default]
    Requests,
    /// So many bytes of content each.
    ContentBytes(u64),
    /// Requests in flight. Neither `window` nor `reset` of the quota means anything.
    ConcurrentRequests,
}

impl Answers {
    /// Whether responses say where limits stand.
    pub fn shows_standings(&self) -> bool {
        self.rate_limit_headers || self.x_ratelimit_headers
    }
}

/// What is added to the response of a request that went on.
pub fn headers(answers: &Answers, standings: &[Standing<'_>]) -> Vec<Header> {
    let mut headers = Vec::new();
    if answers.shows_standings() && !standings.is_empty() {
        fields::write(answers, standings, None, &mut headers);
    }
    headers
}

/// What is added for the upstream to a request that goes on in spite of a limit.
pub fn not_enforced(answers: &Answers) -> Vec<Header> {
    answers.request_headers_when_not_enforced.iter().map(configured).collect()
}

/// Why a request does not go on.
#[derive(Clone, Debug)]
pub struct Cause {
    /// Why.
    pub reason: Reason,
    /// Which of the limits had no room, as an index of the standings.
    pub violated: Option<usize>,
    /// When it will have, in nanoseconds from now.
    pub retry_after: Option<u64>,
    /// The body that the rate limit service wants; empty: the configured one.
    pub raw_body: Vec<u8>,
    /// Whether the client speaks gRPC; see [`is_grpc`].
    pub grpc: bool,
}

/// The answer to a request that does not go on.
pub fn refuse(answers: &Answers, standings: &[Standing<'_>], cause: Cause) -> Refusal {
    let Cause { reason, violated, retry_after, raw_body, grpc } = cause;
    let violated = violated.and_then(|index| Some((index, *standings.get(index)?)));
    let retry_after = retry_after.map(|nanos| seconds(nanos).max(1));
    let (status, grpc_status) = match reason {
        Reason::LocalLimit | Reason::Concurrency | Reason::ServiceLimit if answers.resource_exhausted => {
            (answers.status, RESOURCE_EXHAUSTED)
        }
        Reason::LocalLimit | Reason::Concurrency | Reason::ServiceLimit => (answers.status, UNAVAILABLE),
        Reason::ServiceUnavailable | Reason::SharedState | Reason::HostError => {
            (answers.status_on_error, UNAVAILABLE)
        }
    };
    let refused = body::Refused { reason, status, policy: violated.map(|(_, one)| one.policy), retry_after };
    let (content_type, body) = match raw_body.is_empty() {
        true => body::of(&answers.body, &refused, grpc),
        false => (None, raw_body),
    };
    let mut headers: Vec<Header> = Vec::new();
    if let Some(content_type) = content_type {
        headers.push(("content-type".into(), content_type.to_vec()));
    }
    if let (true, Some(seconds)) = (answers.retry_after, retry_after) {
        headers.push(("retry-after".into(), seconds.to_string().into_bytes()));
    }
    if answers.shows_standings() && !standings.is_empty() {
        let violated = violated.map(|(index, _)| fields::Violated { index, retry_after });
        fields::write(answers, standings, violated, &mut headers);
    }
    if reason == Reason::ServiceLimit && answers.x_envoy_ratelimited {
        headers.push(("x-envoy-ratelimited".into(), b"true".to_vec()));
    }
    // What the configuration says in so many words goes before what is said by itself.
    headers.retain(|(name, _)| !answers.response_headers.iter().any(|(own, _)| own.name().as_str() == name));
    headers.extend(answers.response_headers.iter().map(configured));
    Refusal { reason, status, grpc_status, headers, body }
}

/// Whether the client speaks gRPC (`Grpc::Common::hasGrpcContentType`). It gets the body as `grpc-message`. Not asked of
/// the host where that makes no difference.
pub fn is_grpc(answers: &Answers, env: &mut dyn Environment) -> bool {
    if matches!(answers.body, Body::Text | Body::Empty) {
        return false;
    }
    let content_type = env.property("request\0headers\0content-type").ok().flatten().unwrap_or_default();
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

const RESOURCE_EXHAUSTED: u8 = 8;
const UNAVAILABLE: u8 = 14;

fn configured((name, value): &(EditableName, HeaderValue)) -> Header {
    (name.name().as_str().to_owned(), value.as_bytes().to_vec())
}

/// Rounded up: who comes after that is not too early.
fn seconds(nanos: u64) -> u64 {
    nanos.div_ceil(1_000_000_000)
}

#[cfg(test)]
mod tests;
