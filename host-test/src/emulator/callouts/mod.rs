//! Callouts to the scenario's upstreams, on the virtual clock.

pub(crate) mod grpc;
pub(crate) mod http;

use super::header_map::{HeaderMap, Kind};
use super::wire;
use super::world::World;
use crate::{Answer, Response, UpstreamRequest};

/// Envoy's words for a connection that is refused.
pub(crate) const REFUSED: &str =
    "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";
/// For one that closes before it answers.
pub(crate) const TERMINATED: &str =
    "upstream connect error or disconnect/reset before headers. reset reason: connection termination";
/// The details of the two.
pub(crate) const REFUSED_DETAILS: &str = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}";
pub(crate) const TERMINATED_DETAILS: &str = "upstream_reset_before_response_started{connection_termination}";
/// For an answer that does not come in time.
pub(crate) const TIMED_OUT: &str = "upstream request timeout";

/// Hands a callout to an upstream. What it does about it; one that refuses has seen nothing.
pub(crate) fn call(world: &mut World, upstream: usize, request: UpstreamRequest) -> Answer {
    let state = &world.upstreams[upstream];
    let request = UpstreamRequest { cluster: state.spec.name.clone(), ..request };
    let answer = answer(world, upstream, &request);
    if !matches!(answer, Answer::Refuse) {
        let state = &mut world.upstreams[upstream];
        state.received.push(request.clone());
        state.called.push(request);
    }
    answer
}

/// What an upstream does about a request.
pub(crate) fn answer(world: &mut World, upstream: usize, request: &UpstreamRequest) -> Answer {
    let state = &mut world.upstreams[upstream];
    state.turns.turn(&state.spec, &request.path).unwrap_or(Answer::Hang)
}

/// The header of an answer as it is on the wire: its fields, then the framing, unless it has one of its own.
///
/// The answer to HEAD, and those that have no body by their status, are silent about one.
pub(crate) fn answer_headers(response: &Response, to_head: bool) -> HeaderMap {
    let mut map = HeaderMap::new(Kind::Response);
    map.add(b":status", response.status.to_string().as_bytes());
    for (name, value) in &response.headers.0 {
        map.add(name, value.trim_ascii());
    }
    // Envoy's codec keeps this to itself.
    map.remove(b"keep-alive");
    let given = |name| response.headers.get(name).is_some();
    let silent = to_head || matches!(response.status, 100..=199 | 204 | 304);
    if !silent && !given("content-length") && !given("transfer-encoding") {
        if response.body.len() > 1 || !response.trailers.0.is_empty() {
            map.add(b"transfer-encoding", b"chunked");
        } else {
            let length: usize = response.body.iter().map(Vec::len).sum();
            map.add(b"content-length", length.to_string().as_bytes());
        }
    }
    map
}

/// A request as an upstream sees it.
pub(crate) fn received(headers: &HeaderMap, body: Vec<u8>, trailers: Option<&HeaderMap>) -> UpstreamRequest {
    let text = |name| headers.text(name).unwrap_or_default();
    let (method, path) = wire::request_line(&text(":method"), &text(":path"));
    // A message with a length has no place for trailers.
    let trailers = trailers.filter(|_| headers.first(b"transfer-encoding").is_some());
    UpstreamRequest {
        cluster: String::new(),
        method,
        path,
        authority: text(":authority").into_owned(),
        headers: wire::read_back(headers.fields()),
        body,
        trailers: trailers.map(|trailers| wire::read_back(trailers.pairs())).unwrap_or_default(),
        ended: true,
    }
}
