//! gRPC callouts: Envoy, `context.cc`, grpcCall and grpcStream, and `source/common/grpc/async_client_impl.cc`.

use super::{
    REFUSED, REFUSED_DETAILS, TERMINATED, TERMINATED_DETAILS, answer_headers, call as call_upstream, received,
};
use crate::emulator::header_map::{HeaderMap, Kind};
use crate::emulator::state::Status;
use crate::emulator::world::{Action, Event, World};
use crate::{Answer, Headers};
use std::time::Duration;

const CALL: u32 = 1;
const STREAM: u32 = 2;
const KIND: u32 = 3;

/// gRPC's own numbers.
const UNKNOWN: u32 = 2;
const DEADLINE_EXCEEDED: u32 = 4;
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
    let token = world.vms[vm].token(CALL);
    let mut open = prepare(world, (vm, root), token, target, &request, Some(timeout))?;
    open.sent = frame(&message);
    let timeout = Duration::from_millis(u64::from(timeout));
    open.request.set(b"x-envoy-expected-rq-timeout-ms", timeout.as_millis().to_string().as_bytes());
    let (at, news) = answer(world, &mut open);
    let mut last = None;
    for piece in news {
        match piece {
            News::Message(message) => last = last.or(Some(message)),
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
        // No time at all is a deadline that has passed, not one that never comes.
        let (status, message) = if timeout.is_zero() {
            (DEADLINE_EXCEEDED, "")
        } else {
            (UNAVAILABLE, "upstream request timeout{response_timeout}")
        };
        order(world, (vm, root), token, Some(timeout), News::Close(status, message.into()));
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
    let token = world.vms[vm].token(STREAM);
    let open = prepare(world, (vm, root), token, target, &request, None)?;
    world.context_mut(vm, root).root.grpc_calls.insert(token, open);
    Ok(token)
}

fn prepare(
    world: &mut World,
    (vm, root): (usize, u32),
    token: u32,
    target: &[u8],
    request: &Request,
    timeout: Option<u32>,
) -> Result<Open, Refusal> {
    let cluster = match Target::parse(target) {
        Target::Cluster(name) => name,
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
            name
        }
    };
    let Some(upstream) = world.upstreams.iter().position(|u| u.spec.name == cluster) else {
        // Closing comes for a token that nobody was given.
        let message = b"Cluster not available".to_vec();
        let close = Action::GrpcClose { root, token, status: UNAVAILABLE, message };
        world.vms[vm].deferred.push_back(close);
        return Err(Refusal::Status(Status::InternalFailure));
    };
    let mut headers = HeaderMap::new(Kind::Request);
    for (name, value) in
        [(":method", "POST"), (":path", request.path.as_str()), (":authority", cluster.as_str())]
    {
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
    headers.set(b"x-envoy-internal", b"true");
    Ok(Open { upstream, request: headers, sent: Vec::new(), local_closed: false, remote_closed: false })
}

fn order(world: &mut World, (vm, root): (usize, u32), token: u32, at: Option<Duration>, what: News) {
    if let Some(at) = at {
        world.clock.after(at, Event::Grpc { vm, root, token, what });
    }
}

/// Hands the whole request over, and says when the answer comes and what it is.
fn answer(world: &mut World, open: &mut Open) -> (Option<Duration>, Vec<News>) {
    let request = received(&open.request, std::mem::take(&mut open.sent), None);
    let closed = |status, message: &str, details: &str| {
        vec![News::Close(status, explained(message.as_bytes(), details))]
    };
    match call_upstream(world, open.upstream, request) {
        Answer::Grpc { initial_metadata, messages, status, message, after } => {
            let mut initial = HeaderMap::new(Kind::Response);
            initial.add(b":status", b"200");
            initial.add(b"content-type", b"application/grpc");
            initial_metadata.0.iter().for_each(|(name, value)| initial.add(name, value));
            let latency = after.as_millis().to_string();
            initial.add(b"x-envoy-upstream-service-time", latency.as_bytes());
            let mut trailing = HeaderMap::new(Kind::ResponseTrailers);
            trailing.add(b"grpc-status", status.to_string().as_bytes());
            if !message.is_empty() {
                trailing.add(b"grpc-message", &message);
            }
            let mut news = vec![News::Initial(initial)];
            news.extend(messages.into_iter().map(News::Message));
            news.push(News::Trailing(trailing));
            news.push(News::Close(status, explained(&message, "via_upstream")));
            (Some(after), news)
        }
        Answer::Reply { response, after } => {
            let mut news = vec![News::Initial(answer_headers(&response, false))];
            let status = grpc_status(&response.trailers).or_else(|| grpc_status(&response.headers));
            let status = status.unwrap_or_else(|| from_http(response.status));
            news.push(News::Close(status, explained(b"", "via_upstream")));
            (Some(after), news)
        }
        Answer::Reset => (Some(Duration::ZERO), closed(UNAVAILABLE, TERMINATED, TERMINATED_DETAILS)),
        Answer::Refuse => (Some(Duration::ZERO), closed(UNAVAILABLE, REFUSED, REFUSED_DETAILS)),
        Answer::ResetMidResponse(response) => {
            let mut news = vec![News::Initial(answer_headers(&response, false))];
            news.push(News::Close(INTERNAL, Vec::new()));
            (Some(Duration::ZERO), news)
        }
        Answer::Hang => (None, Vec::new()),
    }
}

/// The message of a status, and Envoy's response code details behind it.
fn explained(message: &[u8], details: &str) -> Vec<u8> {
    match message {
        b"" => details.into(),
        message => [message, b"{", details.as_bytes(), b"}"].concat(),
    }
}

fn grpc_status(fields: &Headers) -> Option<u32> {
    std::str::from_utf8(fields.get("grpc-status")?).ok()?.parse().ok()
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
    open.sent.extend(frame(&message));
    if end {
        finish(world, (vm, root), token);
    }
    Status::Ok
}

/// This side has said all.
fn finish(world: &mut World, (vm, root): (usize, u32), token: u32) {
    let Some(mut open) = world.context_mut(vm, root).root.grpc_calls.remove(&token) else { return };
    if !open.local_closed && !open.remote_closed {
        open.local_closed = true;
        let (at, news) = answer(world, &mut open);
        for what in news {
            order(world, (vm, root), token, at, what);
        }
    }
    world.context_mut(vm, root).root.grpc_calls.insert(token, open);
}

/// Gives up a call or a stream: nothing more comes of it.
pub(crate) fn cancel(world: &mut World, (vm, root): (usize, u32), token: u32) -> Status {
    if !matches!(token & KIND, CALL | STREAM) {
        return Status::BadArgument;
    }
    match world.context_mut(vm, root).root.grpc_calls.remove(&token) {
        Some(_) => Status::Ok,
        None => Status::NotFound,
    }
}

/// Closes this side of a stream; a call of one message is given up.
pub(crate) fn close(world: &mut World, (vm, root): (usize, u32), token: u32) -> Status {
    match token & KIND {
        CALL => cancel(world, (vm, root), token),
        STREAM => {
            let calls = &mut world.context_mut(vm, root).root.grpc_calls;
            let Some(open) = calls.get(&token) else { return Status::NotFound };
            if open.remote_closed {
                calls.remove(&token);
            } else {
                finish(world, (vm, root), token);
            }
            Status::Ok
        }
        _ => Status::BadArgument,
    }
}

/// What Envoy makes of the bytes that name where a call goes: a serialised `envoy.config.core.v3.GrpcService`, and only
/// if they cannot be one, the name of a cluster.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    Cluster(String),
    Nothing,
    Unparsable,
}

impl Target {
    fn parse(bytes: &[u8]) -> Self {
        let Some(fields) = fields(bytes) else { return Self::Unparsable };
        let Some(envoy_grpc) = fields.iter().rev().find(|(number, _)| *number == 1).map(|(_, value)| value)
        else {
            return Self::Nothing;
        };
        let Some(inner) = envoy_grpc.and_then(self::fields) else { return Self::Unparsable };
        let name = inner.iter().rev().find(|(number, _)| *number == 1).and_then(|(_, value)| *value);
        Self::Cluster(String::from_utf8_lossy(name.unwrap_or_default()).into_owned())
    }
}

/// A number, and bytes if the field has any.
type Field<'a> = (u64, Option<&'a [u8]>);

/// The fields of a protobuf message, with their bytes if they have any; nothing if it is none.
fn fields(mut bytes: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => varint(&mut bytes).map(|_| None)?,
            1 => bytes.split_off(..8).map(|_| None)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Some(bytes.split_off(..length)?)
            }
            5 => bytes.split_off(..4).map(|_| None)?,
            _ => return None,
        };
        if tag >> 3 == 0 {
            return None;
        }
        found.push((tag >> 3, value));
    }
    Some(found)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_read_as_protobuf_have_no_target() {
        // Those that were seen to bring a real Envoy down.
        for name in ["", "users", "email", "inference", "h1"] {
            assert_eq!(Target::parse(name.as_bytes()), Target::Nothing, "{name}");
        }
        for name in ["authz", "ext_authz_cluster"] {
            assert_eq!(Target::parse(name.as_bytes()), Target::Unparsable, "{name}");
        }
    }

    #[test]
    fn a_service_names_its_cluster() {
        assert_eq!(Target::parse(b"\x0a\x07\x0a\x05authz"), Target::Cluster("authz".into()));
    }
}
