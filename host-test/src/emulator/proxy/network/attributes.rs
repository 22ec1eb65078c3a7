//! Properties of a connection, for network filters. The properties of requests and responses also exist
//! there, with values that describe the connection.

use super::Connection;
use super::tcp_proxy::CONFIGURED;
use crate::emulator::proxy::stream::FilterState;
use crate::emulator::state::Value;
use crate::emulator::world::World;

/// The prefix of filter state keys that `proxy_set_property` writes.
const PREFIX: &str = "wasm.";

/// Returns the value of a property of a connection.
pub(crate) fn find(world: &World, connection: &Connection, path: &[&str]) -> Option<Value> {
    let c = connection;
    let text = |s: &str| Some(Value::Str(s.into()));
    let number = |n: usize| Some(Value::Int(n as i64));
    match path {
        ["connection", "id"] | ["connection_id"] => Some(Value::UInt(c.id)),
        ["connection", "mtls"] => Some(Value::Bool(false)),
        ["connection", "requested_server_name"] => text(""),
        ["source", "address"] => text(&format!("127.0.0.1:{}", c.port())),
        ["source", "port"] => Some(Value::Int(i64::from(c.port()))),
        ["destination", "address"] => text("127.0.0.1:10001"),
        ["destination", "port"] => Some(Value::Int(10_001)),
        ["upstream", rest] => upstream(c, rest),
        ["request", "time"] => {
            let ago = world.clock.now().saturating_sub(c.started).as_nanos() as u64;
            Some(Value::Timestamp((world.clock.unix_nanos() - ago).cast_signed()))
        }
        ["request", "size" | "total_size"] => number(c.bytes_received),
        ["response", "size" | "total_size"] => number(c.bytes_sent),
        ["request" | "response", "headers_bytes"] => number(0),
        ["response", "flags"] => Some(Value::Int(c.flags)),
        ["request" | "response", "headers"] | ["response", "trailers"] => Some(Value::Map(Vec::new())),
        ["xds", "cluster_name"] => text(CONFIGURED).filter(|_| c.attempted),
        ["xds", "cluster_metadata"] => c.attempted.then(|| Value::Message(Vec::new())),
        ["xds", "listener_direction"] => Some(Value::Int(0)),
        ["xds", "filter_chain_name"] => text(""),
        ["xds", "listener_metadata"] | ["metadata"] => Some(Value::Message(Vec::new())),
        ["metadata", "filter_metadata" | "typed_filter_metadata"]
        | ["xds", "listener_metadata", "filter_metadata"] => Some(Value::Map(Vec::new())),
        ["xds", "cluster_metadata", "filter_metadata"] => c.attempted.then(|| Value::Map(Vec::new())),
        ["filter_state", key] => c.filter_state.get(*key).map(FilterState::to_value),
        [name] => c.filter_state.get(&format!("{PREFIX}{name}")).map(FilterState::to_value),
        _ => None,
    }
}

fn upstream(c: &Connection, name: &str) -> Option<Value> {
    let text = |s: &str| Some(Value::Str(s.into()));
    match name {
        "address" if c.attempted => text("127.0.0.1:20001"),
        "port" if c.attempted => Some(Value::Int(20_001)),
        "local_address" if c.connected => text(&format!("127.0.0.1:{}", c.port() + 10_000)),
        "num_endpoints" if c.attempted => Some(Value::UInt(1)),
        "locality" if c.attempted => text(""),
        "cx_pool_ready_duration" if c.connected || c.refused => Some(Value::Duration(0)),
        "transport_failure_reason" if c.refused => text("delayed connect error: Connection refused"),
        "transport_failure_reason" => text(""),
        "request_attempt_count" => Some(Value::UInt(u64::from(c.attempted))),
        _ => None,
    }
}

/// Returns whether a property exists but cannot be serialised: tables of attributes, and empty values.
pub(crate) fn is_unwritable(c: &Connection, path: &[&str]) -> bool {
    match path {
        ["request" | "response" | "connection" | "source" | "destination" | "upstream" | "filter_state"] => {
            true
        }
        ["upstream_filter_state"] => c.connected,
        ["xds", "upstream_host_metadata" | "upstream_host_locality_metadata"] => c.attempted,
        _ => false,
    }
}
