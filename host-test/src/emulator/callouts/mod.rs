//! Callouts to the scenario's upstreams, on the virtual clock.

pub(crate) mod grpc;
pub(crate) mod http;

use super::header_map::{HeaderMap, Kind};
use super::wire;
use super::world::World;
use crate::{Answer, Response, UpstreamRequest};

/// Envoy's response body for a refused connection.
pub(crate) const REFUSED: &str =
    "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";
/// Envoy's response body for a connection that closes before it answers.
pub(crate) const TERMINATED: &str =
    "upstream connect error or disconnect/reset before headers. reset reason: connection termination";
/// The response code details of these two.
pub(crate) const REFUSED_DETAILS: &str = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}";
pub(crate) const TERMINATED_DETAILS: &str = "upstream_reset_before_response_started{connection_termination}";
/// Envoy's response body for a timeout.
pub(crate) const TIMED_OUT: &str = "upstream request timeout";

/// Sends a callout to an upstream and returns its answer. An upstream that refuses the connection does not
/// record the request.
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

/// Returns the next scripted answer of an upstream for a request.
pub(crate) fn answer(world: &mut World, upstream: usize, request: &UpstreamRequest) -> Answer {
    let state = &mut world.upstreams[upstream];
    state.turns.turn(&state.spec, &request.path).unwrap_or(Answer::Hang)
}

/// Returns the response headers as they are on the wire: the fields, then the framing unless a field sets it.
///
/// Responses to HEAD and responses with a bodiless status have no framing.
pub(crate) fn answer_headers(response: &Response, to_head: bool) -> HeaderMap {
    let mut map = HeaderMap::new(Kind::Response);
    map.add(b":status", response.status.to_string().as_bytes());
    for (name, value) in &response.headers.0 {
        map.add(name, value.trim_ascii());
    }
    // Envoy's codec drops this header.
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

/// Builds the request that an upstream records.
pub(crate) fn received(headers: &HeaderMap, body: Vec<u8>, trailers: Option<&HeaderMap>) -> UpstreamRequest {
    let text = |name| headers.text(name).unwrap_or_default();
    let (method, path) = wire::request_line(&text(":method"), &text(":path"));
    // A message with a content length cannot have trailers.
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
