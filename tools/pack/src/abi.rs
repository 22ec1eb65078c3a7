//! The ABI of Envoy: proxy-wasm 0.2.1, and the functions of WASI that a filter may need.
//!
//! The lists come from proxy-wasm-cpp-host: `FOR_ALL_HOST_FUNCTIONS` and its ABI-specific variants in
//! `include/proxy-wasm/exports.h`, and `WasmBase::getFunctions` in `src/wasm.cc`.

use walrus::ValType;

/// The only ABI version of shipped modules.
pub const VERSION: &str = "0.2.1";

/// The export by which Envoy recognises the ABI version.
pub const MARKER: &str = "proxy_abi_version_0_2_1";

/// The exports for all versions that Envoy supports. Envoy takes the first one that a module exports
/// (`src/v8/v8.cc` of the host, `getAbiVersion`).
pub const MARKERS: [&str; 3] = ["proxy_abi_version_0_1_0", "proxy_abi_version_0_2_0", MARKER];

/// Names of the allocator. Envoy loads a module without one, but then each host call that returns bytes
/// fails.
pub const ALLOCATORS: [&str; 2] = ["malloc", "proxy_on_memory_allocate"];

/// Entry functions. Envoy calls `_start`, or `_initialize` and then `main`, once when it loads the module.
pub const ENTRY: [&str; 2] = ["_initialize", "_start"];

/// Functions that Envoy calls after `_initialize`.
pub const MAIN: [&str; 2] = ["main", "__main_void"];

/// A callback, and the value that Envoy assumes if it is absent.
#[derive(Clone, Copy, Debug)]
pub struct Callback {
    /// Name of the export.
    pub name: &'static str,
    /// Number of parameters, all i32. Envoy rejects a module with another type.
    pub params: usize,
    /// The value that Envoy assumes if the callback is absent. `None` if the callback returns nothing.
    pub absent: Option<i32>,
}

impl Callback {
    /// Returns the expected type, for errors.
    pub(crate) fn signature(&self) -> String {
        format!(
            "{:?} -> {:?}",
            vec![ValType::I32; self.params],
            vec![ValType::I32; self.absent.iter().count()]
        )
    }

    /// Whether the callback has this type.
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

/// All callbacks that Envoy may call. Envoy skips absent callbacks (`src/context.cc` and `src/wasm.cc` of the
/// host): it then continues a stream (0), and treats start, configuration and end as successful (1).
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

/// Callbacks that a module may have for the sake of the others: Envoy calls them for no event.
const PREPARATION: [&str; 5] = [
    "proxy_on_context_create",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_validate_configuration",
    "proxy_on_done",
];

/// Whether this is a callback for an event: for a part of a request or of a connection, an answer, a tick, an
/// item in a queue, or the end of a stream. A module with no such callback does nothing.
pub fn is_event(name: &str) -> bool {
    callback(name).is_some() && !PREPARATION.contains(&name)
}

/// Returns the callback with this name.
pub fn callback(name: &str) -> Option<&'static Callback> {
    CALLBACKS.iter().find(|c| c.name == name)
}

/// Functions that a module may import from `env`.
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

/// Functions that a module may import from `wasi_snapshot_preview1`. Envoy offers more functions, but they
/// return ENOSYS. A module that uses files or sockets was not written for Envoy.
pub const WASI_FUNCTIONS: [&str; 6] =
    ["clock_time_get", "environ_get", "environ_sizes_get", "fd_write", "proc_exit", "random_get"];

/// Whether a module may import this function.
pub fn may_import(module: &str, name: &str) -> bool {
    match module {
        "env" => HOST_FUNCTIONS.contains(&name),
        "wasi_snapshot_preview1" => WASI_FUNCTIONS.contains(&name),
        _ => false,
    }
}
