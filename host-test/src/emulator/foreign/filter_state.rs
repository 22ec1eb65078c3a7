//! `set_envoy_filter_state` and `declare_property`.
//!
//! Envoy creates a filter state object from bytes only through a factory that is registered for its key, so
//! the keys and their valid values are a closed list. Each was tried on Envoy 1.40.

use super::ForeignContext;
use super::proto::{Malformed, fields};
use crate::emulator::state::{Status, Value};
use std::net::{IpAddr, SocketAddr};

/// Stores an object in the filter state. Arguments: 1 key, 2 value, 3 span.
///
/// Fails with [`Status::NotFound`] for a key without a factory and in a root context, and with
/// [`Status::BadArgument`] for malformed arguments and for a value that the factory rejects.
pub fn set(args: &[u8], cx: &mut dyn ForeignContext) -> Result<Vec<u8>, Status> {
    let (key, value, span) = set_arguments(args).map_err(|Malformed| Status::BadArgument)?;
    match made(key, value) {
        None => Err(Status::NotFound),
        Some(None) => Err(Status::BadArgument),
        // Envoy checks the value before the context.
        Some(Some(_)) if !cx.is_stream() => Err(Status::NotFound),
        Some(Some(value)) => nothing_but(cx.set_filter_state(key, value.into(), span)),
    }
}

fn set_arguments(args: &[u8]) -> Result<(&str, &str, u32), Malformed> {
    let (mut key, mut value, mut span) = ("", "", 0);
    for (number, field) in fields(args)? {
        match number {
            1 => key = field.text()?.unwrap_or(key),
            2 => value = field.text()?.unwrap_or(value),
            3 => span = field.number().map_or(span, known_span),
            _ => {}
        }
    }
    Ok((key, value, span))
}

/// Returns the object that the factory for `key` creates from `value`: `None` without a factory, `Some(None)`
/// if the factory rejects the value.
fn made(key: &str, value: &str) -> Option<Option<String>> {
    let kept = || Some(value.to_owned());
    Some(match key {
        "envoy.string"
        | "envoy.hashable_string"
        | "envoy.network.application_protocols"
        | "envoy.network.network_namespace"
        | "envoy.network.upstream_server_name"
        | "envoy.network.upstream_subject_alt_names"
        | "envoy.router.debug_config"
        | "envoy.tcp_proxy.cluster"
        | "envoy.tcp_proxy.disable_tunneling"
        | "envoy.upstream.dynamic_host" => kept(),
        "envoy.bool" => {
            let at = BOOLEANS.iter().position(|word| value.eq_ignore_ascii_case(word));
            at.map(|at| (at < BOOLEANS.len() / 2).to_string())
        }
        "envoy.network.ip" => value.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 0).to_string()),
        ORIGINAL_LOCAL | ORIGINAL_REMOTE | ORIGINAL => value.parse::<SocketAddr>().ok().and_then(|_| kept()),
        "envoy.ratelimit.hits_addend" => value.trim().parse::<u32>().ok().map(|n| n.to_string()),
        "envoy.tcp_proxy.per_connection_idle_timeout_ms" => {
            value.trim().parse::<u64>().ok().and_then(|_| kept())
        }
        "envoy.upstream.dynamic_port" => value.trim().parse::<u32>().ok().and_then(|_| kept()),
        _ => return None,
    })
}

const ORIGINAL: &str = "envoy.network.transport_socket.original_dst_address";
const ORIGINAL_LOCAL: &str = "envoy.filters.listener.original_dst.local_ip";
const ORIGINAL_REMOTE: &str = "envoy.filters.listener.original_dst.remote_ip";

/// Returns what an object reads back as. Most objects are text; some cannot be read; addresses have fields.
pub fn read(key: &str, value: &str, field: Option<&str>) -> Option<Value> {
    let address = matches!(key, ORIGINAL | ORIGINAL_LOCAL | ORIGINAL_REMOTE);
    let address = address.then(|| value.parse::<SocketAddr>().ok()).flatten();
    match (key, address, field) {
        ("envoy.network.application_protocols" | "envoy.router.debug_config", ..) => None,
        (_, Some(_), None) => Some(Value::Map(Vec::new())),
        (_, Some(at), Some("ip")) => Some(Value::Str(at.ip().to_string())),
        (_, Some(at), Some("port")) => Some(Value::Int(at.port().into())),
        (_, None, None) => Some(Value::Str(value.into())),
        (_, _, Some(_)) => None,
    }
}

/// The booleans that Abseil's `SimpleAtob` accepts in any case; the first half is true.
const BOOLEANS: [&str; 10] = ["true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"];

/// Declares a property. Arguments: 1 name, 2 readonly, 3 type, 4 schema, 5 span.
///
/// The schema is used only by access loggers and is ignored. Fails with [`Status::BadArgument`] if the
/// arguments are malformed or the name is already declared.
pub fn declare(args: &[u8], cx: &mut dyn ForeignContext) -> Result<Vec<u8>, Status> {
    let (name, readonly, kind, span) = declare_arguments(args).map_err(|Malformed| Status::BadArgument)?;
    nothing_but(cx.declare_property(name, readonly, kind, span))
}

fn declare_arguments(args: &[u8]) -> Result<(&str, bool, u32, u32), Malformed> {
    let (mut name, mut readonly, mut kind, mut span) = ("", false, 0, 0);
    for (number, field) in fields(args)? {
        match number {
            1 => name = field.text()?.unwrap_or(name),
            2 => readonly = field.number().map_or(readonly, |bit| bit != 0),
            3 => kind = field.number().map_or(kind, |kind| known(kind, 3)),
            5 => span = field.number().map_or(span, known_span),
            _ => {}
        }
    }
    Ok((name, readonly, kind, span))
}

fn known_span(span: u64) -> u32 {
    known(span, 2)
}

/// Replaces an unknown enum number by the enum's first value.
fn known(number: u64, last: u32) -> u32 {
    u32::try_from(number).ok().filter(|&number| number <= last).unwrap_or(0)
}

fn nothing_but(status: Status) -> Result<Vec<u8>, Status> {
    match status {
        Status::Ok => Ok(Vec::new()),
        status => Err(status),
    }
}
