//! gRPC callouts: Envoy, `context.cc`, `grpcCall` and `grpcStream`, and
//! `source/common/grpc/async_client_impl.cc`.

mod answer;
mod target;

use super::{call as call_upstream, received};
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::state::Status;
use crate::emulator::world::{Action, Event, World};
use base64::Engine;
use std::time::Duration;
use target::Target;

const CALL: u32 = 1;
const STREAM: u32 = 2;
const KIND: u32 = 3;

/// Status codes of gRPC.
const UNKNOWN: u32 = 2;
const PERMISSION_DENIED: u32 = 7;
const UNIMPLEMENTED: u32 = 12;
const INTERNAL: u32 = 13;
const UNAVAILABLE: u32 = 14;
const UNAUTHENTICATED: u32 = 16;

/// The path and metadata of a call.
#[derive(Debug)]
pub(crate) struct Request {
    pub path: String,
    pub metadata: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The reason why a call is not started.
#[derive(Debug)]
pub(crate) enum StartError {
    Status(Status),
    /// Envoy's whole process would abort.
    Abort(String),
}

/// An event that a call or stream receives.
#[derive(Clone, Debug)]
pub(crate) enum GrpcEvent {
    Initial(HeaderMap),
    Message(Vec<u8>),
    Trailing(HeaderMap),
    Close(u32, Vec<u8>),
}

/// An open call or stream.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    upstream: usize,
    request: HeaderMap,
    sent: Vec<u8>,
    /// The request has ended, so it was sent to the upstream.
    pub request_ended: bool,
    /// The filter closed its side. Sending the last message does not close it.
    pub local_closed: bool,
    pub remote_closed: bool,
}

/// Adds gRPC's prefix to a message: the "not compressed" flag and the length.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u32).to_be_bytes();
    [&[0][..], &length, message].concat()
}

/// Starts a unary call.
pub(crate) fn call(
    world: &mut World,
    (vm, root): (usize, u32),
    target: &[u8],
    request: Request,
    message: Vec<u8>,
    timeout: u32,
) -> Result<u32, StartError> {
    let (token, mut open) = prepare(world, (vm, root), CALL, target, &request, Some(timeout))?;
    open.sent = frame(&message);
    // Envoy treats 0 as no timeout. The upstream may still obey the header.
    let timeout = if timeout == 0 { Duration::MAX } else { Duration::from_millis(u64::from(timeout)) };
    if timeout < Duration::MAX {
        open.request.set(b"x-envoy-expected-rq-timeout-ms", timeout.as_millis().to_string().as_bytes());
    }
    let (at, events) = send_request(world, &mut open);
    let mut last = None;
    for piece in events {
        match piece {
            GrpcEvent::Message(message) => last = Some(message),
            GrpcEvent::Close(0, _) => {
                let what = last.take().map_or(GrpcEvent::Close(INTERNAL, Vec::new()), GrpcEvent::Message);
                schedule(world, (vm, root), token, at.filter(|at| *at < timeout), what);
            }
            GrpcEvent::Close(status, message) => {
                schedule(
                    world,
                    (vm, root),
                    token,
                    at.filter(|at| *at < timeout),
                    GrpcEvent::Close(status, message),
                );
            }
            GrpcEvent::Initial(_) | GrpcEvent::Trailing(_) => {}
        }
    }
    if at.is_none_or(|at| at >= timeout) {
        let message = "upstream request timeout{response_timeout}";
        let at = (timeout < Duration::MAX).then_some(timeout);
        schedule(world, (vm, root), token, at, GrpcEvent::Close(UNAVAILABLE, message.into()));
    }
    world.context_mut(vm, root).root.grpc_calls.insert(token, open);
    Ok(token)
}

/// Opens a stream.
pub(crate) fn open(
    world: &mut World,
    (vm, root): (usize, u32),
    target: &[u8],
    request: Request,
) -> Result<u32, StartError> {
    let (token, open) = prepare(world, (vm, root), STREAM, target, &request, None)?;
    world.context_mut(vm, root).root.grpc_calls.insert(token, open);
    Ok(token)
}

fn prepare(
    world: &mut World,
    (vm, root): (usize, u32),
    kind: u32,
    target: &[u8],
    request: &Request,
    timeout: Option<u32>,
) -> Result<(u32, Open), StartError> {
    let (cluster, authority) = match Target::parse(target) {
        Target::Cluster(name, authority) => (name, authority),
        Target::Nothing => {
            let shown = target.escape_ascii();
            let why =
                format!("Envoy aborts: \"{shown}\" is a GrpcService without a target (panic: unset oneof)");
            return Err(StartError::Abort(why));
        }
        Target::Unparsable => {
            let name = String::from_utf8_lossy(target).into_owned();
            if !world.upstreams.iter().any(|u| u.spec.name == name) {
                return Err(StartError::Status(Status::ParseFailure));
            }
            (name, None)
        }
    };
    let token = world.vms[vm].token(kind);
    let Some(upstream) = world.upstreams.iter().position(|u| u.spec.name == cluster) else {
        // `proxy_on_grpc_close` is called with a token that the filter never received.
        let message = b"Cluster not available".to_vec();
        let close = Action::Grpc { root, token, what: GrpcEvent::Close(UNAVAILABLE, message) };
        world.vms[vm].deferred.push_back(close);
        return Err(StartError::Status(Status::InternalFailure));
    };
    if world.upstreams[upstream].spec.empty {
        // Envoy calls a stream's callbacks from within this host call; here they run at the end of the
        // callback.
        let events = answer::broken("no healthy upstream", "no_healthy_upstream");
        let all = events.into_iter().filter(|what| kind == STREAM || matches!(what, GrpcEvent::Close(..)));
        let all: Vec<_> = all.map(|what| Action::Grpc { root, token, what }).collect();
        world.vms[vm].deferred.extend(all);
        return Err(StartError::Status(Status::InternalFailure));
    }
    let authority = authority.as_deref().unwrap_or(&cluster);
    let mut headers = HeaderMap::new(Kind::Request);
    for (name, value) in [(":method", "POST"), (":path", request.path.as_str()), (":authority", authority)] {
        headers.add(name.as_bytes(), value.as_bytes());
    }
    headers.add(b"te", b"trailers");
    if let Some(timeout) = timeout {
        headers.add(b"grpc-timeout", format!("{timeout}m").as_bytes());
    }
    headers.add(b"content-type", b"application/grpc");
    for (name, value) in &request.metadata {
        headers.add(name, value);
    }
    // The filter passes raw bytes; the wire format is base64.
    let binary: Vec<_> =
        headers.pairs().iter().filter(|(name, _)| name.ends_with(b"-bin")).cloned().collect();
    for (name, value) in binary {
        headers.remove(&name);
        headers.add(&name, base64::engine::general_purpose::STANDARD.encode(value).as_bytes());
    }
    headers.set(b"x-envoy-internal", b"true");
    let open = Open {
        upstream,
        request: headers,
        sent: Vec::new(),
        request_ended: false,
        local_closed: false,
        remote_closed: false,
    };
    Ok((token, open))
}

fn schedule(world: &mut World, (vm, root): (usize, u32), token: u32, at: Option<Duration>, what: GrpcEvent) {
    if let Some(at) = at {
        world.clock.after(at, Event::Grpc { vm, root, token, what });
    }
}

/// Converts an HTTP status: gRPC, `doc/http-grpc-status-mapping.md`.
pub(crate) fn from_http(status: u16) -> u32 {
    match status {
        400 => INTERNAL,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        404 => UNIMPLEMENTED,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => UNKNOWN,
    }
}

/// Sends a message on a stream. The scripted upstream answers when it has received all messages.
pub(crate) fn send(
    world: &mut World,
    (vm, root): (usize, u32),
    token: u32,
    message: Vec<u8>,
    end: bool,
) -> Status {
    if token & KIND != STREAM {
        return Status::BadArgument;
    }
    let calls = &mut world.context_mut(vm, root).root.grpc_calls;
    let Some(open) = calls.get_mut(&token) else { return Status::NotFound };
    if !open.request_ended {
        open.sent.extend(frame(&message));
        if end {
            finish(world, (vm, root), token);
        }
    }
    Status::Ok
}

/// Ends the request of a stream.
fn finish(world: &mut World, (vm, root): (usize, u32), token: u32) {
    let Some(mut open) = world.context_mut(vm, root).root.grpc_calls.remove(&token) else { return };
    if !open.request_ended && !open.remote_closed {
        let (at, events) = send_request(world, &mut open);
        for what in events {
            schedule(world, (vm, root), token, at, what);
        }
    }
    world.context_mut(vm, root).root.grpc_calls.insert(token, open);
}

/// Sends the request to the upstream. Returns when the answer arrives, and its events.
fn send_request(world: &mut World, open: &mut Open) -> (Option<Duration>, Vec<GrpcEvent>) {
    open.request_ended = true;
    let http2 = world.upstreams[open.upstream].spec.http2;
    if !http2 {
        open.request.set(b"transfer-encoding", b"chunked");
    }
    let request = received(&open.request, std::mem::take(&mut open.sent), None);
    answer::events(call_upstream(world, open.upstream, request), http2)
}

/// Cancels a call or a stream: it receives no further events. The upstream has received what was sent.
pub(crate) fn cancel(world: &mut World, (vm, root): (usize, u32), token: u32) -> Status {
    if !matches!(token & KIND, CALL | STREAM) {
        return Status::BadArgument;
    }
    match world.context_mut(vm, root).root.grpc_calls.remove(&token) {
        Some(mut open) => {
            if !open.request_ended {
                let request = received(&open.request, std::mem::take(&mut open.sent), None);
                call_upstream(world, open.upstream, crate::UpstreamRequest { ended: false, ..request });
            }
            Status::Ok
        }
        None => Status::NotFound,
    }
}

/// Closes this side of a stream, or cancels a unary call.
pub(crate) fn close(world: &mut World, (vm, root): (usize, u32), token: u32) -> Status {
    match token & KIND {
        CALL => cancel(world, (vm, root), token),
        STREAM => {
            let calls = &mut world.context_mut(vm, root).root.grpc_calls;
            let Some(open) = calls.get_mut(&token) else { return Status::NotFound };
            if open.remote_closed {
                calls.remove(&token);
            } else {
                open.local_closed = true;
                finish(world, (vm, root), token);
            }
            Status::Ok
        }
        _ => Status::BadArgument,
    }
}
