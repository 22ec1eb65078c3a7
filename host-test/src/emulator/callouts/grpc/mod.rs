//! gRPC callouts: Envoy, `context.cc`, grpcCall and grpcStream, and `source/common/grpc/async_client_impl.cc`.

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

/// gRPC's own numbers.
const UNKNOWN: u32 = 2;
const PERMISSION_DENIED: u32 = 7;
const UNIMPLEMENTED: u32 = 12;
const INTERNAL: u32 = 13;
const UNAVAILABLE: u32 = 14;
const UNAUTHENTICATED: u32 = 16;

/// Where to and with what.
#[derive(Debug)]
pub(crate) struct Request {
    pub path: String,
    pub metadata: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Why a call is not started.
#[derive(Debug)]
pub(crate) enum Refusal {
    Status(Status),
    /// On Envoy the whole process would be gone.
    Abort(String),
}

/// What happens to a call.
#[derive(Clone, Debug)]
pub(crate) enum News {
    Initial(HeaderMap),
    Message(Vec<u8>),
    Trailing(HeaderMap),
    Close(u32, Vec<u8>),
}

/// A call or a stream that is open.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    upstream: usize,
    request: HeaderMap,
    sent: Vec<u8>,
    /// The request has ended, so it was sent.
    pub said_all: bool,
    /// The filter closed it. To send the last message is not to close it.
    pub local_closed: bool,
    pub remote_closed: bool,
}

/// A message with gRPC's prefix: not compressed, and its length.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u32).to_be_bytes();
    [&[0][..], &length, message].concat()
}

/// Starts a call of one message.
pub(crate) fn call(
    world: &mut World,
    (vm, root): (usize, u32),
    target: &[u8],
    request: Request,
    message: Vec<u8>,
    timeout: u32,
) -> Result<u32, Refusal> {
    let (token, mut open) = prepare(world, (vm, root), CALL, target, &request, Some(timeout))?;
    open.sent = frame(&message);
    // No time at all is no limit to Envoy; the upstream may take the header at its word.
    let timeout = if timeout == 0 { Duration::MAX } else { Duration::from_millis(u64::from(timeout)) };
    if timeout < Duration::MAX {
        open.request.set(b"x-envoy-expected-rq-timeout-ms", timeout.as_millis().to_string().as_bytes());
    }
    let (at, news) = hand_over(world, &mut open);
    let mut last = None;
    for piece in news {
        match piece {
            News::Message(message) => last = Some(message),
            News::Close(0, _) => {
                let what = last.take().map_or(News::Close(INTERNAL, Vec::new()), News::Message);
                order(world, (vm, root), token, at.filter(|at| *at < timeout), what);
            }
            News::Close(status, message) => {
                order(world, (vm, root), token, at.filter(|at| *at < timeout), News::Close(status, message));
            }
            News::Initial(_) | News::Trailing(_) => {}
        }
    }
    if at.is_none_or(|at| at >= timeout) {
        let message = "upstream request timeout{response_timeout}";
        let at = (timeout < Duration::MAX).then_some(timeout);
        order(world, (vm, root), token, at, News::Close(UNAVAILABLE, message.into()));
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
) -> Result<u32, Refusal> {
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
) -> Result<(u32, Open), Refusal> {
    let (cluster, authority) = match Target::parse(target) {
        Target::Cluster(name, authority) => (name, authority),
        Target::Nothing => {
            let shown = target.escape_ascii();
            let why =
                format!("Envoy aborts: \"{shown}\" is a GrpcService without a target (panic: unset oneof)");
            return Err(Refusal::Abort(why));
        }
        Target::Unparsable => {
            let name = String::from_utf8_lossy(target).into_owned();
            if !world.upstreams.iter().any(|u| u.spec.name == name) {
                return Err(Refusal::Status(Status::ParseFailure));
            }
            (name, None)
        }
    };
    let token = world.vms[vm].token(kind);
    let Some(upstream) = world.upstreams.iter().position(|u| u.spec.name == cluster) else {
        // Closing comes for a token that nobody was given.
        let message = b"Cluster not available".to_vec();
        let close = Action::Grpc { root, token, what: News::Close(UNAVAILABLE, message) };
        world.vms[vm].deferred.push_back(close);
        return Err(Refusal::Status(Status::InternalFailure));
    };
    if world.upstreams[upstream].spec.empty {
        // A stream hears of it from within the very call, which is left to the end of the callback here.
        let news = answer::broken("no healthy upstream", "no_healthy_upstream");
        let all = news.into_iter().filter(|what| kind == STREAM || matches!(what, News::Close(..)));
        let all: Vec<_> = all.map(|what| Action::Grpc { root, token, what }).collect();
        world.vms[vm].deferred.extend(all);
        return Err(Refusal::Status(Status::InternalFailure));
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
    // Values are bytes to the filter, and base64 on the wire.
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
        said_all: false,
        local_closed: false,
        remote_closed: false,
    };
    Ok((token, open))
}

fn order(world: &mut World, (vm, root): (usize, u32), token: u32, at: Option<Duration>, what: News) {
    if let Some(at) = at {
        world.clock.after(at, Event::Grpc { vm, root, token, what });
    }
}

/// gRPC, `doc/http-grpc-status-mapping.md`.
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

/// Sends a message on a stream; the scripted upstream answers once it has all of them.
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
    if !open.said_all {
        open.sent.extend(frame(&message));
        if end {
            finish(world, (vm, root), token);
        }
    }
    Status::Ok
}

/// This side has said all.
fn finish(world: &mut World, (vm, root): (usize, u32), token: u32) {
    let Some(mut open) = world.context_mut(vm, root).root.grpc_calls.remove(&token) else { return };
    if !open.said_all && !open.remote_closed {
        let (at, news) = hand_over(world, &mut open);
        for what in news {
            order(world, (vm, root), token, at, what);
        }
    }
    world.context_mut(vm, root).root.grpc_calls.insert(token, open);
}

/// Hands the request over as it is, and says when the answer comes and what it is.
fn hand_over(world: &mut World, open: &mut Open) -> (Option<Duration>, Vec<News>) {
    open.said_all = true;
    let http2 = world.upstreams[open.upstream].spec.http2;
    if !http2 {
        open.request.set(b"transfer-encoding", b"chunked");
    }
    let request = received(&open.request, std::mem::take(&mut open.sent), None);
    answer::news(call_upstream(world, open.upstream, request), http2)
}

/// Gives up a call or a stream: nothing more comes of it. The upstream has seen what was sent.
pub(crate) fn cancel(world: &mut World, (vm, root): (usize, u32), token: u32) -> Status {
    if !matches!(token & KIND, CALL | STREAM) {
        return Status::BadArgument;
    }
    match world.context_mut(vm, root).root.grpc_calls.remove(&token) {
        Some(mut open) => {
            if !open.said_all {
                let request = received(&open.request, std::mem::take(&mut open.sent), None);
                call_upstream(world, open.upstream, crate::UpstreamRequest { ended: false, ..request });
            }
            Status::Ok
        }
        None => Status::NotFound,
    }
}

/// Closes this side of a stream; a call of one message is given up.
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
