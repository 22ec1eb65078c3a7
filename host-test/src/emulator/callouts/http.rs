//! HTTP callouts: Envoy, `context.cc`, `httpCall`, and `source/common/http/async_client_impl.cc`.

use super::{TIMED_OUT, reset_body, send};
use crate::Answer;
use crate::emulator::context::CallAnswer;
use crate::emulator::event::Idle;
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::proxy::answer::Arrival;
use crate::emulator::proxy::connection::closes;
use crate::emulator::proxy::retry::{BACK_OFF, Policy, RetryReason};
use crate::emulator::proxy::router::CONTROLS;
use crate::emulator::state::Status;
use crate::emulator::wire;
use crate::emulator::world::{Event, Part, World};
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
    let (result, idle) = match problem {
        // Without a connection, the callout's router responds with an error.
        Some(problem) => {
            (Finished { begun: None, after: Duration::ZERO, outcome: local_answer(503, &problem) }, None)
        }
        None => outcome(world, (thread, upstream), headers, &call),
    };
    let timeout = Duration::from_millis(call.timeout);
    let event = |outcome, idle| Event::HttpCall { vm, root, token, outcome, idle };
    let limit = if timeout.is_zero() { Duration::MAX } else { timeout };
    match result {
        Finished { after, outcome, .. } if after < limit => {
            world.clock.after(after, event(outcome, idle));
        }
        _ if timeout.is_zero() => {}
        // Without a response, because its headers have already arrived.
        Begun { after } | Finished { begun: Some(after), .. } if after < limit => {
            world.clock.after(timeout, event(None, None));
        }
        _ => {
            world.clock.after(timeout, event(local_answer(504, TIMED_OUT.as_bytes()), None));
        }
    }
    world.context_mut(vm, root).root.http_calls.insert(token);
    Ok(token)
}

/// The result of a callout without a timeout.
#[derive(Debug)]
enum CallResult {
    Finished {
        /// When the headers of the response arrived.
        begun: Option<Duration>,
        after: Duration,
        outcome: Outcome,
    },
    /// The response begins then, and never ends.
    Begun {
        after: Duration,
    },
    Nothing,
}
use CallResult::{Begun, Finished, Nothing};

/// Returns the result of a callout, and the connection that is then idle. Request trailers are never sent.
fn outcome(
    world: &mut World,
    (thread, upstream): (usize, usize),
    mut headers: HeaderMap,
    call: &Call,
) -> (CallResult, Option<Idle>) {
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
    let http2 = world.upstreams[upstream].spec.http2;
    loop {
        let (answer, connection) = send(world, thread, upstream, &headers, &call.body, chunked);
        let replied = matches!(answer, Answer::Reply { .. });
        let (refused, reset) = (matches!(answer, Answer::Refuse), matches!(answer, Answer::Reset));
        let arrival = Arrival::of(answer, headers.first(b":method") == Some(b"HEAD"), http2);
        let came_back = match arrival.parts.first() {
            Some(Part::Headers { map, .. }) if replied => Some(map),
            _ => None,
        };
        let kept = !arrival.overlong && !came_back.is_some_and(closes);
        let idle = connection.filter(|_| replied && kept);
        let why = match came_back {
            Some(map) => Some(RetryReason::Answer(map)),
            None if refused => Some(RetryReason::Refused),
            None if reset || replied && !arrival.parts.is_empty() => Some(RetryReason::Reset),
            None => None,
        };
        let in_time = call.timeout == 0 || waited.as_millis() < u128::from(call.timeout);
        if !in_time || !why.is_some_and(|why| policy.consume_retry(why)) {
            let idle = idle.map(|connection| (upstream, Box::new(connection)));
            return (result_of(arrival, waited, retried), idle);
        }
        if let Some(connection) = idle {
            world.upstreams[upstream].put_idle(thread, connection);
        }
        waited += arrival.after;
        waited += BACK_OFF;
        retried = true;
        if headers.first(b"content-length").is_none() {
            // Envoy does not know that the second attempt has no body.
            headers.set(b"transfer-encoding", b"chunked");
            chunked = true;
        }
    }
}

/// Converts what arrives from an upstream after some time into a result.
fn result_of(arrival: Arrival, waited: Duration, retried: bool) -> CallResult {
    let Arrival { after: latency, parts, waits, .. } = arrival;
    let begun = waited + latency;
    let mut after = begun;
    let mut waits = waits.into_iter();
    let mut answer: Outcome = None;
    for part in parts {
        after += waits.next().unwrap_or_default();
        let ended = match (part, &mut answer) {
            (Part::Headers { mut map, end }, _) => {
                let latency = latency.as_millis().to_string();
                map.set(b"x-envoy-upstream-service-time", latency.as_bytes());
                answer = Some(CallAnswer { headers: map, body: Vec::new(), trailers: None });
                end
            }
            (Part::Body { bytes, end }, Some(answer)) => {
                answer.body.extend(bytes);
                end
            }
            (Part::Trailers(map), Some(answer)) => {
                answer.trailers = Some(map);
                true
            }
            (Part::Broken(how), None) => {
                let status = if how == "protocol error" { 502 } else { 503 };
                let outcome = local_answer(status, &reset_body(how, retried));
                return Finished { begun: None, after, outcome };
            }
            // Without a response, because its headers have already arrived.
            (Part::Broken(_), Some(_)) => {
                return Finished { begun: Some(begun), after, outcome: None };
            }
            (Part::Body { .. } | Part::Trailers(_), None) => false,
        };
        if ended {
            let outcome = answer.filter(|answer| answer.body.len() <= MAX_ANSWER_SIZE);
            return Finished { begun: Some(begun), after, outcome };
        }
    }
    if answer.is_some() { Begun { after: begun } } else { Nothing }
}

/// Returns the response that Envoy generates when an upstream fails.
fn local_answer(status: u16, body: &[u8]) -> Outcome {
    let mut headers = HeaderMap::new(Kind::Response);
    headers.add(b":status", status.to_string().as_bytes());
    headers.add(b"content-length", body.len().to_string().as_bytes());
    headers.add(b"content-type", b"text/plain");
    Some(CallAnswer { headers, body: body.to_vec(), trailers: None })
}
