//! Properties: Envoy, `context.cc`, `findValue`, and `source/extensions/filters/common/expr/context.cc`.
//!
//! A property is available where it is in Envoy. For example, properties read from the request headers are
//! available only while the headers are accessible, or in the access log.

use super::callouts::grpc;
use super::header_map::HeaderMap;
use super::proxy::network;
use super::proxy::stream::{FilterState, Stream};
use super::state::{Status, Value};
use super::structs::{inside, inside_metadata, message};
use super::world::World;
use crate::Node;
use std::collections::BTreeSet;

/// The prefix of filter state keys that `proxy_set_property` writes.
const PREFIX: &str = "wasm.";

/// Returns a property as bytes.
pub(crate) fn get(world: &World, vm: usize, id: u32, path: &[&str]) -> Result<Vec<u8>, Status> {
    if is_unwritable(world, vm, id, path) {
        return Err(Status::SerializationFailure);
    }
    find(world, vm, id, path).ok_or(Status::NotFound)?.serialize()
}

/// Returns whether a property exists but cannot be serialised: whole tables of attributes, and the empty
/// path.
fn is_unwritable(world: &World, vm: usize, id: u32, path: &[&str]) -> bool {
    if let Some(connection) = world.connection_of(vm, id).and_then(|id| world.connections.get(&id)) {
        return matches!(path, [] | ["xds"]) || network::is_unwritable(connection, path);
    }
    let stream = world.stream_of(vm, id).and_then(|id| world.streams.get(&id));
    match path {
        [] | ["xds"] => true,
        ["upstream_filter_state"] | ["xds", "upstream_host_locality_metadata"] => {
            stream.is_some_and(|s| s.router.headers.is_some())
        }
        ["request" | "response" | "connection" | "source" | "destination" | "upstream" | "filter_state"] => {
            stream.is_some()
        }
        // The upstream host has no metadata.
        ["xds", "upstream_host_metadata"] => stream.is_some_and(|s| s.router.headers.is_some()),
        _ => false,
    }
}

/// Sets a property of a stream. It is stored in the filter state, which other filters of the stream can read.
pub(crate) fn set(world: &mut World, vm: usize, id: u32, name: &str, value: Vec<u8>) -> Status {
    let root = world.root_of(vm, id);
    let prototype = world.context(vm, root).and_then(|c| c.root.prototypes.get(name).cloned());
    let Some(state) = world.filter_state(vm, id) else { return Status::NotFound };
    // State of another type is replaced.
    if let Some(old) = state.get_mut(&format!("{PREFIX}{name}")).filter(|old| !old.native) {
        if old.readonly {
            return Status::BadArgument;
        }
        old.value = value;
        return Status::Ok;
    }
    let (readonly, kind) = prototype.map_or((false, 0), |p| (p.readonly, p.kind));
    state.insert(format!("{PREFIX}{name}"), FilterState { value, readonly, kind, span: 0, native: false });
    Status::Ok
}

/// Returns the value of a property.
pub(crate) fn find(world: &World, vm: usize, id: u32, path: &[&str]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    let context = world.context(vm, id)?;
    let plugin = world.plugins.get(context.plugin)?;
    let text = |s: &str| Some(Value::Str(s.into()));
    match (*first, rest) {
        ("plugin_name", []) => return text(&plugin.filter.name),
        ("plugin_root_id", []) => return text(&plugin.filter.root_id),
        ("plugin_vm_id", []) => return text(&plugin.filter.vm_id),
        ("xds", ["node", rest @ ..]) => return node(&world.settings.node, rest),
        _ => {}
    }
    if let Some(connection) = context.connection.and_then(|id| world.connections.get(&id)) {
        return network::find(world, connection, path);
    }
    let stream = world.streams.get(&context.stream?)?;
    let request = (context.request.headers || context.logging).then_some(&stream.request_headers);
    let response = match context.response.headers {
        true => stream.called_headers(),
        false => stream.response_headers.as_ref().filter(|_| context.logging),
    };
    let response_trailers =
        (context.response.trailers || context.logging).then_some(stream.response_trailers.as_ref()).flatten();
    let over = context.logging || context.destroyed;
    match (*first, rest) {
        ("request", rest) => request_attribute(world, stream, request, over, rest),
        ("response", rest) => response_attribute(stream, response, response_trailers, over, rest),
        ("connection", ["id"]) | ("connection_id", []) => Some(Value::UInt(stream.id)),
        ("connection", [name]) => {
            let requested = stream.server_name.as_deref();
            super::tls::attribute(&world.settings, stream.certificate, requested, name)
        }
        ("source", ["address"]) => text(&stream.source().to_string()),
        ("source", ["port"]) => Some(Value::Int(i64::from(stream.source().port()))),
        ("destination", ["address"]) => text("127.0.0.1:10000"),
        ("destination", ["port"]) => Some(Value::Int(10_000)),
        ("upstream", rest) => upstream_attribute(stream, rest),
        ("xds", ["cluster_name"]) => known_cluster(world, stream).map(Value::Str),
        ("xds", ["route_name"]) => {
            stream.route.route(&world.settings).map(|route| Value::Str(route.name.clone()))
        }
        ("xds", ["route_metadata", path @ ..]) => {
            inside_metadata(&stream.route.route(&world.settings)?.metadata, path)
        }
        ("xds", ["virtual_host_name"]) => {
            stream.route.host(&world.settings).map(|host| Value::Str(host.name.clone()))
        }
        ("xds", ["virtual_host_metadata", path @ ..]) => {
            inside_metadata(&stream.route.host(&world.settings)?.metadata, path)
        }
        ("xds", ["cluster_metadata"]) => known_cluster(world, stream).map(|_| Value::Message(Vec::new())),
        ("xds", ["listener_direction"]) => Some(Value::Int(0)),
        ("xds", ["filter_chain_name"]) => text(""),
        ("metadata", path) => inside_metadata(&stream.metadata, path),
        ("xds", ["listener_metadata"]) => Some(Value::Message(Vec::new())),
        ("xds", ["listener_metadata", "filter_metadata"]) => Some(Value::Map(Vec::new())),
        ("xds", ["cluster_metadata", "filter_metadata"]) => {
            known_cluster(world, stream).map(|_| Value::Map(Vec::new()))
        }
        ("filter_state", [key, rest @ ..]) => {
            let state = stream.filter_state.get(*key)?;
            if !state.native {
                return Some(state.to_value());
            }
            let text = String::from_utf8_lossy(&state.value);
            super::foreign::read_filter_state(key, &text, rest.first().copied())
        }
        (name, []) => {
            let state = stream.filter_state.get(&format!("{PREFIX}{name}")).filter(|state| !state.native);
            state.map(FilterState::to_value)
        }
        _ => None,
    }
}

/// Returns the cluster that the route selects, if a cluster of that name exists.
fn known_cluster(world: &World, stream: &Stream) -> Option<String> {
    let name = stream.route.cluster.clone()?;
    world.upstreams.iter().any(|u| u.spec.name == name).then_some(name)
}

fn node(node: &Node, rest: &[&str]) -> Option<Value> {
    match rest {
        ["id"] => Some(Value::Str(node.id.clone())),
        ["cluster"] => Some(Value::Str(node.cluster.clone())),
        ["user_agent_name"] => Some(Value::Str("envoy".into())),
        ["metadata", path @ ..] => inside(&node.metadata, path),
        ["locality"] => Some(Value::Message(Vec::new())),
        ["locality", "region" | "zone" | "sub_zone"] => Some(Value::Str(String::new())),
        // Envoy also sends its build version here.
        [] => Some(Value::Message(message(node))),
        _ => None,
    }
}

fn header(map: Option<&HeaderMap>, name: &str) -> Option<Value> {
    Some(Value::Str(map?.text(name)?.into_owned()))
}

/// Returns a whole map or one of its values. An inaccessible map is empty. Each name is listed once; Envoy
/// lists them in no particular order.
fn map_value(map: Option<&HeaderMap>, rest: &[&str]) -> Option<Value> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match rest {
        [] => {
            let names: BTreeSet<_> = map.iter().flat_map(|map| map.pairs()).map(|(name, _)| name).collect();
            let entry = |name: &Vec<u8>| Some((text(name), Value::Bytes(map?.joined(name)?)));
            Some(Value::Map(names.into_iter().filter_map(entry).collect()))
        }
        [name] => map?.joined(name.as_bytes()).map(Value::Bytes),
        _ => None,
    }
}

fn request_attribute(
    world: &World,
    stream: &Stream,
    headers: Option<&HeaderMap>,
    over: bool,
    rest: &[&str],
) -> Option<Value> {
    let path = || headers.and_then(|h| h.text(":path"));
    let bytes = |n: usize| Some(Value::Int(n as i64));
    match rest {
        ["path"] => header(headers, ":path"),
        ["url_path"] => path().map(|p| Value::Str(p.split('?').next().unwrap_or_default().into())),
        ["query"] => path().map(|p| {
            let query = p.split_once('?').map_or("", |(_, query)| query);
            // A fragment is not part of the query.
            Value::Str(query.split('#').next().unwrap_or_default().into())
        }),
        ["host"] => header(headers, ":authority"),
        ["scheme"] => header(headers, ":scheme"),
        ["method"] => header(headers, ":method"),
        ["referer"] => header(headers, "referer"),
        ["useragent"] => header(headers, "user-agent"),
        ["id"] => header(headers, "x-request-id"),
        ["protocol"] => Some(Value::Str("HTTP/1.1".into())),
        ["headers", rest @ ..] => map_value(headers, rest),
        ["time"] => {
            let ago = world.clock.now().saturating_sub(stream.started).as_nanos() as u64;
            Some(Value::Timestamp((world.clock.unix_nanos() - ago).cast_signed()))
        }
        ["duration"] if over => Some(Value::Duration((world.clock.now() - stream.started).as_nanos() as i64)),
        ["size"] => bytes(
            headers
                .and_then(|h| h.text("content-length"))
                .and_then(|length| length.parse().ok())
                .unwrap_or(stream.request.seen),
        ),
        ["total_size"] => bytes(stream.request.seen + headers.map_or(0, HeaderMap::byte_size) as usize),
        ["headers_bytes"] => bytes(headers.map_or(0, HeaderMap::byte_size) as usize),
        _ => None,
    }
}

fn response_attribute(
    stream: &Stream,
    headers: Option<&HeaderMap>,
    trailers: Option<&HeaderMap>,
    over: bool,
    rest: &[&str],
) -> Option<Value> {
    // Envoy reports -1 for a value that is not a number.
    let number = |map: Option<&HeaderMap>, name| Some(map?.text(name)?.parse().unwrap_or(-1));
    let size = |map: Option<&HeaderMap>| i64::from(map.map_or(0, HeaderMap::byte_size));
    match rest {
        ["code"] => stream.code.map(|code| Value::Int(i64::from(code))),
        ["code_details"] => (!stream.details.is_empty() || stream.response_headers.is_some())
            .then(|| Value::Str(stream.details.clone())),
        ["flags"] => Some(Value::Int(stream.flags)),
        ["grpc_status"] => {
            let from_code = || stream.code.map(|code| i64::from(grpc::from_http(code)));
            let given = number(trailers, "grpc-status").or_else(|| number(headers, "grpc-status"));
            given.or_else(from_code).map(Value::Int)
        }
        ["size"] => Some(Value::Int(stream.client.size as i64)),
        ["total_size"] => Some(Value::Int(stream.client.size as i64 + size(headers) + size(trailers))),
        ["headers_bytes"] => Some(Value::Int(size(headers))),
        ["headers", rest @ ..] => map_value(headers, rest),
        ["trailers", rest @ ..] => map_value(trailers, rest),
        ["backend_latency"] if over => stream.router.latency.map(|l| Value::Duration(l.as_nanos() as i64)),
        _ => None,
    }
}

fn upstream_attribute(stream: &Stream, rest: &[&str]) -> Option<Value> {
    // Envoy picks a connection as soon as the request headers have passed all filters.
    let sent = stream.router.headers.is_some();
    match rest {
        ["address"] if sent => Some(Value::Str("127.0.0.1:20000".into())),
        ["port"] if sent => Some(Value::Int(20_000)),
        ["request_attempt_count"] => Some(Value::UInt(u64::from(stream.router.attempt.max(u32::from(sent))))),
        ["transport_failure_reason" | "locality"] if sent => Some(Value::Str(String::new())),
        ["local_address"] if sent => Some(Value::Str("127.0.0.1:30000".into())),
        ["cx_pool_ready_duration"] if sent => Some(Value::Duration(0)),
        ["num_endpoints"] if stream.route.cluster.is_some() => Some(Value::UInt(1)),
        _ => None,
    }
}
