//! Responses to clients, and headers for upstreams.
//!
//! Only contains what the configuration enables: by default of [`Answers`], `retry-after` on rejections.

mod body;
mod combine;
mod fields;
mod older;

use crate::{Environment, HeaderChanges, Reason, Refusal};
use tollgate_counting::rate::Quota;
use tollgate_policy::{EditableName, HeaderField, HeaderValue, Headers, grpc_status_of};

/// Settings for responses to clients, and for headers for upstreams.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Status of a rejection by a limit. Default: 429.
    pub status: u16,
    /// Status of a rejection because the filter cannot decide. Default: 503.
    pub status_on_error: u16,
    /// Whether gRPC clients receive `RESOURCE_EXHAUSTED` instead of `UNAVAILABLE`:
    /// `rate_limited_as_resource_exhausted`.
    pub resource_exhausted: bool,
    /// Body of a rejection.
    pub body: Body,
    /// Whether rejections have `retry-after`, if the time until there is room is known. Default: true.
    pub retry_after: bool,
    /// Whether responses have `ratelimit` and `ratelimit-policy`.
    pub rate_limit_headers: bool,
    /// Whether responses have `x-ratelimit-limit`, `-remaining` and `-reset`: `enable_x_ratelimit_headers`.
    pub x_ratelimit_headers: bool,
    /// Whether responses have the headers of Kong, such as `x-ratelimit-limit-minute`.
    pub kong_headers: bool,
    /// Whether rejections by the service have `x-envoy-ratelimited`. Default: true.
    pub x_envoy_ratelimited: bool,
    /// Headers to add to rejections.
    pub response_headers: Vec<(EditableName, HeaderValue)>,
    /// Headers to add for the upstream when a limit is exceeded but not enforced.
    pub request_headers_when_not_enforced: Vec<(EditableName, HeaderValue)>,
}

/// Body of a rejection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// The name of the reason, as in Envoy.
    #[default]
    Text,
    /// A JSON object with `error`, `reason`, `policy` and `retry_after`.
    Json,
    /// Problem details (RFC 9457).
    Problem,
    /// An empty body.
    Empty,
    /// A configured text.
    Inline {
        /// Content type; `text/plain` if `None`.
        content_type: Option<HeaderValue>,
        /// Bytes of the body.
        body: Vec<u8>,
    },
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            status: 429,
            status_on_error: 503,
            resource_exhausted: false,
            body: Body::Text,
            retry_after: true,
            rate_limit_headers: false,
            x_ratelimit_headers: false,
            kong_headers: false,
            x_envoy_ratelimited: true,
            response_headers: Vec::new(),
            request_headers_when_not_enforced: Vec::new(),
        }
    }
}

/// Quota of a limit, for headers.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Name of the policy.
    pub policy: &'a str,
    /// Numbers of the quota.
    pub quota: Quota,
    /// Unit of the numbers.
    pub unit: Unit,
}

/// Unit of a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Requests, or their costs.
    #[default]
    Requests,
    /// Units of this number of bytes of content.
    ContentBytes(u64),
    /// Requests in flight. `window` and `reset` of the quota have no meaning.
    ConcurrentRequests,
}

impl Answers {
    /// Returns whether responses contain quotas.
    pub fn shows_standings(&self) -> bool {
        self.rate_limit_headers || self.x_ratelimit_headers || self.kong_headers
    }
}

/// Returns the changes to the response to an allowed request. `response` are its headers, if they have a
/// field to [combine](fields_to_combine), and `service` those of the rate limit service.
///
/// The headers of the service are added, as in Envoy. A header of the service replaces one of this filter.
pub fn headers(
    answers: &Answers,
    standings: &[Standing<'_>],
    response: Headers<'_>,
    service: Vec<HeaderField>,
) -> HeaderChanges {
    let mut changes = HeaderChanges::default();
    if answers.shows_standings() && !standings.is_empty() {
        fields::write(answers, standings, &[], response, &mut changes);
        for list in [&mut changes.set, &mut changes.add] {
            list.retain(|(name, _)| !has(&service, name));
        }
    }
    changes.add.extend(service);
    changes
}

/// Returns the names of the fields that the response of an upstream, or of another filter, may already have.
pub fn fields_to_combine(answers: &Answers) -> impl Iterator<Item = &'static str> + use<> {
    let fields = [
        (answers.rate_limit_headers, "ratelimit"),
        (answers.rate_limit_headers, "ratelimit-policy"),
        (answers.x_ratelimit_headers, older::X_REMAINING),
        (answers.kong_headers, older::REMAINING),
    ];
    fields.into_iter().filter_map(|(shown, name)| shown.then_some(name))
}

fn has(headers: &[HeaderField], name: &str) -> bool {
    headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
}

/// Returns the headers to add for the upstream when a limit is exceeded but not enforced.
pub fn not_enforced(answers: &Answers) -> Vec<HeaderField> {
    answers.request_headers_when_not_enforced.iter().map(configured).collect()
}

/// Cause of a rejection.
#[derive(Clone, Debug)]
pub struct Cause {
    /// Reason of the rejection.
    pub reason: Reason,
    /// Indices of the standings of the limits that had no room. The first one rejects the request.
    pub violated: Vec<usize>,
    /// Time until all of them have room, in nanoseconds.
    pub retry_after: Option<u64>,
    /// Body from the rate limit service. If empty, the configured body is used.
    pub raw_body: Vec<u8>,
    /// Headers from the rate limit service. They take precedence over generated ones.
    pub service: Vec<HeaderField>,
    /// Whether the client uses gRPC; see [`is_grpc`].
    pub grpc: bool,
}

impl Cause {
    /// Returns the cause of a rejection that is not about a limit.
    pub fn new(reason: Reason, grpc: bool) -> Self {
        let (violated, raw_body, service) = (Vec::new(), Vec::new(), Vec::new());
        Self { reason, violated, retry_after: None, raw_body, service, grpc }
    }
}

/// Returns the response to a rejected request.
pub fn refuse(answers: &Answers, standings: &[Standing<'_>], cause: Cause) -> Refusal {
    let Cause { reason, violated, retry_after, raw_body, service, grpc } = cause;
    let retry_after = retry_after.map(|nanos| seconds(nanos).max(1));
    let over_limit = matches!(reason, Reason::LocalLimit | Reason::Concurrency | Reason::ServiceLimit);
    let status = match reason {
        _ if over_limit => answers.status,
        Reason::InvalidPath => 400,
        _ => answers.status_on_error,
    };
    let grpc_status = match over_limit && answers.resource_exhausted {
        true => RESOURCE_EXHAUSTED,
        false => grpc_status_of(status),
    };
    let policies: Vec<_> =
        violated.iter().filter_map(|index| standings.get(*index)).map(|one| one.policy).collect();
    let refused = body::Refused { reason, status, policies: &policies, retry_after };
    let (content_type, body) = match raw_body.is_empty() {
        true => body::of(&answers.body, &refused, grpc),
        false => (None, raw_body),
    };
    let mut generated: Vec<HeaderField> = Vec::new();
    if let Some(content_type) = content_type {
        generated.push(("content-type".into(), content_type.to_vec()));
    }
    if let (true, Some(seconds)) = (answers.retry_after, retry_after) {
        generated.push(("retry-after".into(), seconds.to_string().into_bytes()));
    }
    if answers.shows_standings() && !standings.is_empty() {
        let mut changes = HeaderChanges::default();
        fields::write(answers, standings, &violated, Headers::default(), &mut changes);
        generated.append(&mut changes.set);
    }
    if reason == Reason::ServiceLimit && answers.x_envoy_ratelimited {
        generated.push(("x-envoy-ratelimited".into(), b"true".to_vec()));
    }
    let configured: Vec<_> = answers.response_headers.iter().map(configured).collect();
    // Configured headers, and those of the service, take precedence over generated ones.
    generated.retain(|(name, _)| !has(&configured, name) && !has(&service, name));
    let headers = generated.into_iter().chain(configured).chain(service).collect();
    Refusal { reason, status, grpc_status, headers, body }
}

/// Returns whether the client uses gRPC (`Grpc::Common::hasGrpcContentType`), so that it receives the body as
/// `grpc-message`. Makes no host call if the body does not depend on it.
pub fn is_grpc(answers: &Answers, env: &mut dyn Environment) -> bool {
    if matches!(answers.body, Body::Text | Body::Empty) {
        return false;
    }
    let content_type =
        env.host().property("request\0headers\0content-type").ok().flatten().unwrap_or_default();
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

const RESOURCE_EXHAUSTED: u8 = 8;

fn configured((name, value): &(EditableName, HeaderValue)) -> HeaderField {
    (name.name().as_str().to_owned().into(), value.as_bytes().to_vec())
}

/// Rounds up to seconds, so that a client that waits for this time does not return too early.
fn seconds(nanos: u64) -> u64 {
    nanos.div_ceil(1_000_000_000)
}

#[cfg(test)]
mod tests;
