//! HTTP callouts: Envoy, `context.cc`, `httpCall`, and `source/common/http/async_client_impl.cc`.

use super::{TIMED_OUT, answer_headers, reset_body, send};
use crate::Answer;
use crate::emulator::context::CallAnswer;
use crate::emulator::event::Idle;
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::proxy::retry::{BACK_OFF, Policy, RetryReason};
use crate::emulator::proxy::router::CONTROLS;
use crate::emulator::state::Status;
use crate::emulator::wire;
use crate::emulator::world::{Event, World};
use std::time::Duration;

/// A larger response fails the callout (`http.async_response_buffer_limit`).
const MAX_ANSWER_SIZE: usize = 32 << 20;

/// The arguments of an HTTP callout.
#[derive(Debug)]
pub(crate) struct Call {
    pub cluster: String,
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub body: Vec<u8>,
    /// The timeout in milliseconds; 0 means no timeout.
    pub timeout: u64,
}

/// The result of a callout: a response, which Envoy may have generated itself, or `None` if it failed without
/// a response.
pub(crate) type Outcome = Option<CallAnswer>;

/// Starts a callout and returns its token.
pub(crate) fn start(world: &mut World, vm: usize, root: u32, call: Call) -> Result<u32, Status> {
    let upstream =
        world.upstreams.iter().position(|u| u.spec.name == call.cluster).ok_or(Status::BadArgument)?;
    let mut headers = HeaderMap::new(Kind::Request);
    for (name, value) in &call.headers {
        headers.add(name, value);
    }
    if [":path", ":method", ":authority"].iter().any(|name| headers.first(name.as_bytes()).is_none()) {
        return Err(Status::BadArgument);
    }
    let token = world.vms[vm].token(0);
    let problem = wire::problem(&headers);
    let thread = world.vms[vm].thread;
    // A failure while the callout is being started has no callback. This includes a header that the codec
    // rejects on an existing connection, which is then closed.
    let state = &mut world.upstreams[upstream];
    if state.spec.empty || (problem.is_some() && state.take_idle(thread).is_some()) {
        return Err(Status::InternalFailure);
    }
    if !call.body.is_empty() {
        headers.set(b"content-length", call.body.len().to_string().as_bytes());
    }
    let (after, outcome, idle) = match problem {
        // Without a connection, the callout's router responds with an error.
        Some(problem) => (Some(Duration::ZERO), local_answer(503, &problem), None),
        None => outcome(world, (thread, upstream), headers, &call),
    };
    let timeout = Duration::from_millis(call.timeout);
    let event = |outcome, idle| Event::HttpCall { vm, root, token, outcome, idle };
    let timed_out = !timeout.is_zero() && after.is_none_or(|after| after >= timeout);
    if timed_out {
        world.clock.after(timeout, event(local_answer(504, TIMED_OUT.as_bytes()), None));
    } else if let Some(after) = after {
        world.clock.after(after, event(outcome, idle));
    }
    world.context_mut(vm, root).root.http_calls.insert(token);
    Ok(token)
}

/// Returns the result of a callout, when it arrives, if ever, and the connection that is then idle. Request
/// trailers are never sent.
fn outcome(
    world: &mut World,
    (thread, upstream): (usize, usize),
    mut headers: HeaderMap,
    call: &Call,
) -> (Option<Duration>, Outcome, Option<Idle>) {
    let mut policy = Policy::new(None, &headers);
    let asked = headers.text("x-envoy-upstream-rq-timeout-ms").and_then(|ms| ms.trim().parse().ok());
    let expected = asked.unwrap_or(call.timeout);
    CONTROLS.iter().for_each(|name| headers.remove(name.as_bytes()));
    headers.set(b"x-envoy-internal", b"true");
    if expected > 0 {
        headers.set(b"x-envoy-expected-rq-timeout-ms", expected.to_string().as_bytes());
    }
    let bodiless = matches!(headers.first(b":method"), Some(b"GET" | b"HEAD" | b"DELETE" | b"CONNECT"));
    if headers.first(b"content-length").is_none() && !bodiless {
        headers.set(b"content-length", b"0");
    }
    let mut waited = Duration::ZERO;
    let (mut chunked, mut retried) = (false, false);
    loop {
        let (answer, connection) = send(world, thread, upstream, &headers, &call.body, chunked);
        let idle = connection.filter(|_| matches!(answer, Answer::Reply { .. }));
        let came_back = match &answer {
            Answer::Reply { response, .. } => Some(answer_headers(response, false)),
            _ => None,
        };
        let why = match &answer {
            Answer::Reply { .. } => came_back.as_ref().map(RetryReason::Answer),
            Answer::Refuse => Some(RetryReason::Refused),
            Answer::Reset => Some(RetryReason::Reset),
            _ => None,
        };
        let in_time = call.timeout == 0 || waited.as_millis() < u128::from(call.timeout);
        if !in_time || !why.is_some_and(|why| policy.consume_retry(why)) {
            let (after, outcome) = result_of(answer, headers.first(b":method") == Some(b"HEAD"), retried);
            let idle = idle.map(|connection| (upstream, Box::new(connection)));
            return (after.map(|after| waited + after), outcome, idle);
        }
        if let Some(connection) = idle {
            world.upstreams[upstream].put_idle(thread, connection);
        }
        if let Answer::Reply { after, .. } = answer {
            waited += after;
        }
        waited += BACK_OFF;
        retried = true;
        if headers.first(b"content-length").is_none() {
            // Envoy does not know that the second attempt has no body.
            headers.set(b"transfer-encoding", b"chunked");
            chunked = true;
        }
    }
}

/// Converts an upstream's answer into a result and its delay.
fn result_of(answer: Answer, to_head: bool, retried: bool) -> (Option<Duration>, Outcome) {
    match answer {
        Answer::Reply { response, after } => {
            let mut headers = answer_headers(&response, to_head);
            let latency = after.as_millis().to_string();
            headers.set(b"x-envoy-upstream-service-time", latency.as_bytes());
            let trailers = (!response.trailers.0.is_empty() && !to_head)
                .then(|| HeaderMap::from_fields(Kind::ResponseTrailers, &response.trailers));
            let body = if to_head { Vec::new() } else { response.body() };
            let fits = body.len() <= MAX_ANSWER_SIZE;
            (Some(after), fits.then_some(CallAnswer { headers, body, trailers }))
        }
        Answer::Reset => {
            (Some(Duration::ZERO), local_answer(503, &reset_body("connection termination", retried)))
        }
        Answer::Refuse => {
            (Some(Duration::ZERO), local_answer(503, &reset_body("remote connection failure", retried)))
        }
        Answer::ResetMidResponse(_) => (Some(Duration::ZERO), None),
        Answer::Hang => (None, None),
        Answer::Grpc { initial_metadata, messages, status, message, after } => {
            let mut headers = HeaderMap::new(Kind::Response);
            headers.add(b":status", b"200");
            headers.add(b"content-type", b"application/grpc");
            initial_metadata.0.iter().for_each(|(name, value)| headers.add(name, value));
            let mut trailers = HeaderMap::new(Kind::ResponseTrailers);
            trailers.add(b"grpc-status", status.to_string().as_bytes());
            trailers.add(b"grpc-message", &message);
            let body = messages.iter().flat_map(|m| super::grpc::frame(m)).collect();
            (Some(after), Some(CallAnswer { headers, body, trailers: Some(trailers) }))
        }
    }
}

/// Returns the response that Envoy generates when an upstream fails.
fn local_answer(status: u16, body: &[u8]) -> Outcome {
    let mut headers = HeaderMap::new(Kind::Response);
    headers.add(b":status", status.to_string().as_bytes());
    headers.add(b"content-length", body.len().to_string().as_bytes());
    headers.add(b"content-type", b"text/plain");
    Some(CallAnswer { headers, body: body.to_vec(), trailers: None })
}
