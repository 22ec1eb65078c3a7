//! Callouts to the scenario's upstreams, on the virtual clock.

pub(crate) mod grpc;
pub(crate) mod http;

use super::header_map::{HeaderMap, Kind};
use super::proxy::connection::Connection;
use super::wire;
use super::world::World;
use crate::{Answer, Response, UpstreamRequest};

/// The response code details of a refused connection.
pub(crate) const REFUSED_DETAILS: &str = "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}";
/// Envoy's response body for a timeout.
pub(crate) const TIMED_OUT: &str = "upstream request timeout";

/// Returns Envoy's response body for a connection that breaks, of the first attempt or of a later one.
pub(crate) fn reset_body(how: &str, retried: bool) -> Vec<u8> {
    let text = reset_text(how);
    let text =
        if retried { text.replace("reset reason", "retried and the latest reset reason") } else { text };
    text.into_bytes()
}

/// Returns Envoy's words for a connection that breaks.
pub(crate) fn reset_text(how: &str) -> String {
    format!("upstream connect error or disconnect/reset before headers. reset reason: {how}")
}

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

/// Sends an HTTP callout over an idle connection, or over a new one. Returns the answer, and the connection
/// unless it was refused.
pub(crate) fn send(
    world: &mut World,
    thread: usize,
    upstream: usize,
    headers: &HeaderMap,
    body: &[u8],
    chunked: bool,
) -> (Answer, Option<Connection>) {
    let state = &mut world.upstreams[upstream];
    if state.spec.http2 {
        return (call(world, upstream, received(headers, body.to_vec(), None)), None);
    }
    let idle = state.take_idle(thread);
    let Some(mut connection) = idle.or_else(|| state.connect()) else { return (Answer::Refuse, None) };
    let bytes = [wire::request_head(headers), wire::data(chunked, body), wire::end(chunked, None)].concat();
    let mut seen = Vec::new();
    let answer = connection.read(&bytes, state, &mut seen).unwrap_or(Answer::Hang);
    state.received.extend_from_slice(&seen);
    state.called.extend(seen);
    (answer, Some(connection))
}

/// Returns the next scripted answer of an upstream for a request.
fn answer(world: &mut World, upstream: usize, request: &UpstreamRequest) -> Answer {
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
