//! The ABI as Envoy has it: proxy-wasm 0.2.1, and of WASI what a filter may legitimately need.
//!
//! The lists are those of proxy-wasm-cpp-host: `FOR_ALL_HOST_FUNCTIONS` and its ABI-specific companions in
//! `include/proxy-wasm/exports.h`, and `WasmBase::getFunctions` in `src/wasm.cc`.

use walrus::ValType;

/// The one ABI version that is shipped.
pub const VERSION: &str = "0.2.1";

/// The export by which Envoy recognises it.
pub const MARKER: &str = "proxy_abi_version_0_2_1";

/// Envoy loads a module that has none of these, and then fails each host call that returns bytes.
pub const ALLOCATORS: [&str; 2] = ["malloc", "proxy_on_memory_allocate"];

/// Called once when the module is loaded: by way of `_start`, or by way of `_initialize` and then `main`.
pub const ENTRY: [&str; 2] = ["_initialize", "_start"];

/// What `_initialize` is followed by.
pub const MAIN: [&str; 2] = ["main", "__main_void"];

/// A callback, and when having it is the same as not having it.
#[derive(Clone, Copy, Debug)]
pub struct Callback {
    /// The export's name.
    pub name: &'static str,
    /// How many i32 it takes; Envoy refuses a module where the types differ.
    pub params: usize,
    /// What an absent one counts as: none returns nothing, and else this.
    pub absent: Option<i32>,
}

impl Callback {
    /// Its type.
    pub fn matches(&self, params: &[ValType], results: &[ValType]) -> bool {
        params == vec![ValType::I32; self.params] && results == vec![ValType::I32; self.absent.iter().count()]
    }
}

const fn returns(name: &'static str, params: usize, absent: i32) -> Callback {
    Callback { name, params, absent: Some(absent) }
}

const fn event(name: &'static str, params: usize) -> Callback {
    Callback { name, params, absent: None }
}

/// Everything Envoy may call, each of which it skips where it is absent: `src/context.cc` and `src/wasm.cc` of the
/// host, where a stream goes on (0) and start, configuration and end count as agreed to (1).
pub const CALLBACKS: [Callback; 28] = [
    event("proxy_on_context_create", 2),
    returns("proxy_on_vm_start", 2, 1),
    returns("proxy_on_configure", 2, 1),
    returns("proxy_validate_configuration", 2, 1),
    event("proxy_on_tick", 1),
    returns("proxy_on_request_headers", 3, 0),
    returns("proxy_on_request_body", 3, 0),
    returns("proxy_on_request_trailers", 2, 0),
    returns("proxy_on_request_metadata", 2, 0),
    returns("proxy_on_response_headers", 3, 0),
    returns("proxy_on_response_body", 3, 0),
    returns("proxy_on_response_trailers", 2, 0),
    returns("proxy_on_response_metadata", 2, 0),
    event("proxy_on_http_call_response", 5),
    event("proxy_on_grpc_receive_initial_metadata", 3),
    event("proxy_on_grpc_receive", 3),
    event("proxy_on_grpc_receive_trailing_metadata", 3),
    event("proxy_on_grpc_close", 3),
    event("proxy_on_queue_ready", 2),
    event("proxy_on_foreign_function", 3),
    returns("proxy_on_done", 1, 1),
    event("proxy_on_log", 1),
    event("proxy_on_delete", 1),
    returns("proxy_on_new_connection", 1, 0),
    returns("proxy_on_downstream_data", 3, 0),
    returns("proxy_on_upstream_data", 3, 0),
    event("proxy_on_downstream_connection_close", 2),
    event("proxy_on_upstream_connection_close", 2),
];

/// The callback of that name.
pub fn callback(name: &str) -> Option<&'static Callback> {
    CALLBACKS.iter().find(|c| c.name == name)
}

/// What a module may import from `env`.
pub const HOST_FUNCTIONS: [&str; 39] = [
    "proxy_add_header_map_value",
    "proxy_call_foreign_function",
    "proxy_close_stream",
    "proxy_continue_stream",
    "proxy_define_metric",
    "proxy_dequeue_shared_queue",
    "proxy_done",
    "proxy_enqueue_shared_queue",
    "proxy_get_buffer_bytes",
    "proxy_get_buffer_status",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_size",
    "proxy_get_header_map_value",
    "proxy_get_log_level",
    "proxy_get_metric",
    "proxy_get_property",
    "proxy_get_shared_data",
    "proxy_get_status",
    "proxy_grpc_call",
    "proxy_grpc_cancel",
    "proxy_grpc_close",
    "proxy_grpc_send",
    "proxy_grpc_stream",
    "proxy_http_call",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_register_shared_queue",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_resolve_shared_queue",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_effective_context",
    "proxy_set_header_map_pairs",
    "proxy_set_property",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
];

/// What a module may import from `wasi_snapshot_preview1`. Envoy offers more names than these and answers them with
/// ENOSYS; a filter that reaches for a file or a socket is one that was written for another place.
pub const WASI_FUNCTIONS: [&str; 6] =
    ["clock_time_get", "environ_get", "environ_sizes_get", "fd_write", "proc_exit", "random_get"];

/// Whether a module may import this.
pub fn may_import(module: &str, name: &str) -> bool {
    match module {
        "env" => HOST_FUNCTIONS.contains(&name),
        "wasi_snapshot_preview1" => WASI_FUNCTIONS.contains(&name),
        _ => false,
    }
}
