//! The host calls as steps. Output addresses are not arguments here: the probe provides them and logs the
//! results.

use super::{Arg, Step};

/// A host call with any arguments.
pub fn call(name: &str, args: impl IntoIterator<Item = Arg>) -> Step {
    Step::Call(name.into(), args.into_iter().collect())
}

/// Serialises pairs as the ABI does.
pub fn pairs(list: &[(&str, &str)]) -> Vec<u8> {
    let owned: Vec<_> = list.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
    tollgate_host_test::emulator::state::pairs::encode(&owned)
}

/// Header maps by number.
pub mod map {
    #![allow(missing_docs, reason = "the names come from the ABI")]
    pub const REQUEST_HEADERS: u32 = 0;
    pub const REQUEST_TRAILERS: u32 = 1;
    pub const RESPONSE_HEADERS: u32 = 2;
    pub const RESPONSE_TRAILERS: u32 = 3;
    pub const GRPC_INITIAL_METADATA: u32 = 4;
    pub const GRPC_TRAILING_METADATA: u32 = 5;
    pub const CALL_HEADERS: u32 = 6;
    pub const CALL_TRAILERS: u32 = 7;
}

/// Buffers by number.
pub mod buffer {
    #![allow(missing_docs, reason = "the names come from the ABI")]
    pub const REQUEST_BODY: u32 = 0;
    pub const RESPONSE_BODY: u32 = 1;
    pub const DOWNSTREAM_DATA: u32 = 2;
    pub const UPSTREAM_DATA: u32 = 3;
    pub const CALL_BODY: u32 = 4;
    pub const GRPC_MESSAGE: u32 = 5;
    pub const VM_CONFIGURATION: u32 = 6;
    pub const PLUGIN_CONFIGURATION: u32 = 7;
    pub const CALL_DATA: u32 = 8;
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) => $call:literal [$($given:expr),*];)*) => { $(
        $(#[$doc])*
        pub fn $name($($arg: impl Into<Arg>),*) -> Step {
            call($call, [$($given.into()),*])
        }
    )* };
}

const OUT: Arg = Arg::OutBytes(None);
const NUMBER: Arg = Arg::Out32(None);

calls! {
    /// `proxy_log`.
    log(level, message) => "proxy_log" [level, message];
    /// `proxy_get_log_level`.
    get_log_level() => "proxy_get_log_level" [NUMBER];
    /// `proxy_get_status`.
    get_status() => "proxy_get_status" [NUMBER, OUT];
    /// `proxy_get_current_time_nanoseconds`.
    get_time() => "proxy_get_current_time_nanoseconds" [Arg::OutSome64];
    /// `proxy_set_tick_period_milliseconds`.
    set_tick(ms) => "proxy_set_tick_period_milliseconds" [ms];
    /// `proxy_get_property`; the path's segments are joined by NUL.
    get_property(path) => "proxy_get_property" [path, OUT];
    /// `proxy_get_property`; only the length of the value is logged.
    get_property_length(path) => "proxy_get_property" [path, Arg::OutLength];
    /// `proxy_set_property`.
    set_property(path, value) => "proxy_set_property" [path, value];
    /// `proxy_send_local_response`.
    reply(status, details, body, headers, grpc_status) =>
        "proxy_send_local_response" [status, details, body, headers, grpc_status];
    /// `proxy_get_header_map_value`.
    get_value(map, key) => "proxy_get_header_map_value" [map, key, OUT];
    /// `proxy_add_header_map_value`.
    add(map, key, value) => "proxy_add_header_map_value" [map, key, value];
    /// `proxy_replace_header_map_value`.
    replace(map, key, value) => "proxy_replace_header_map_value" [map, key, value];
    /// `proxy_remove_header_map_value`.
    remove(map, key) => "proxy_remove_header_map_value" [map, key];
    /// `proxy_get_header_map_pairs`.
    get_pairs(map) => "proxy_get_header_map_pairs" [map, OUT];
    /// `proxy_set_header_map_pairs`.
    set_pairs(map, pairs) => "proxy_set_header_map_pairs" [map, pairs];
    /// `proxy_get_header_map_size`.
    get_size(map) => "proxy_get_header_map_size" [map, NUMBER];
    /// `proxy_get_buffer_status`.
    buffer_status(buffer) => "proxy_get_buffer_status" [buffer, NUMBER, NUMBER];
    /// `proxy_get_buffer_bytes`.
    get_buffer(buffer, start, length) => "proxy_get_buffer_bytes" [buffer, start, length, OUT];
    /// `proxy_set_buffer_bytes`.
    set_buffer(buffer, start, length, bytes) => "proxy_set_buffer_bytes" [buffer, start, length, bytes];
    /// `proxy_http_call`; the token is kept in slot 0.
    http_call(cluster, headers, body, trailers, timeout) =>
        "proxy_http_call" [cluster, headers, body, trailers, timeout, Arg::Out32(Some(0))];
    /// `proxy_grpc_call`; the token is kept in slot 0.
    grpc_call(target, service, method, metadata, message, timeout) =>
        "proxy_grpc_call" [target, service, method, metadata, message, timeout, Arg::Out32(Some(0))];
    /// `proxy_grpc_stream`; the token is kept in slot 0.
    grpc_stream(target, service, method, metadata) =>
        "proxy_grpc_stream" [target, service, method, metadata, Arg::Out32(Some(0))];
    /// `proxy_grpc_send`.
    grpc_send(token, message, end) => "proxy_grpc_send" [token, message, end];
    /// `proxy_grpc_cancel`.
    grpc_cancel(token) => "proxy_grpc_cancel" [token];
    /// `proxy_grpc_close`.
    grpc_close(token) => "proxy_grpc_close" [token];
    /// `proxy_get_shared_data`; the CAS number is kept in slot 0 and not logged, because it counts all
    /// changes.
    get_shared(key) => "proxy_get_shared_data" [key, OUT, Arg::Out32(Some(0))];
    /// `proxy_set_shared_data`.
    set_shared(key, value, cas) => "proxy_set_shared_data" [key, value, cas];
    /// `proxy_register_shared_queue`; the token is kept in slot 0.
    register_queue(name) => "proxy_register_shared_queue" [name, Arg::Out32(Some(0))];
    /// `proxy_resolve_shared_queue`; the token is kept in slot 1.
    resolve_queue(vm_id, name) => "proxy_resolve_shared_queue" [vm_id, name, Arg::Out32(Some(1))];
    /// `proxy_enqueue_shared_queue`.
    enqueue(token, item) => "proxy_enqueue_shared_queue" [token, item];
    /// `proxy_dequeue_shared_queue`.
    dequeue(token) => "proxy_dequeue_shared_queue" [token, OUT];
    /// `proxy_define_metric`; the id is kept in slot 0.
    define_metric(kind, name) => "proxy_define_metric" [kind, name, Arg::Out32(Some(0))];
    /// `proxy_increment_metric`; the offset has 64 bits.
    increment_metric(id, offset) => "proxy_increment_metric" [id, offset];
    /// `proxy_record_metric`; the value has 64 bits.
    record_metric(id, value) => "proxy_record_metric" [id, value];
    /// `proxy_get_metric`.
    get_metric(id) => "proxy_get_metric" [id, Arg::Out64];
    /// `proxy_set_effective_context`.
    set_context(context) => "proxy_set_effective_context" [context];
    /// `proxy_done`.
    done() => "proxy_done" [];
    /// `proxy_call_foreign_function`; the first four bytes of the result are kept in slot 0.
    foreign(name, args) => "proxy_call_foreign_function" [name, args, Arg::OutBytes(Some(0))];
    /// `proxy_continue_stream`.
    continue_stream(kind) => "proxy_continue_stream" [kind];
    /// `proxy_close_stream`.
    close_stream(kind) => "proxy_close_stream" [kind];
}
