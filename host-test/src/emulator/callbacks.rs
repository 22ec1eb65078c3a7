//! The callbacks that Envoy knows, and their types: `proxy-wasm-cpp-host`, `include/proxy-wasm/wasm.h`,
//! `FOR_ALL_MODULE_FUNCTIONS`. Envoy looks up all of them when it loads a module, and rejects an export of
//! another type.

use super::linking::AbiVersion;

/// A callback. All its parameters are `i32`, and so is its result.
#[derive(Debug)]
pub(crate) struct Callback {
    pub name: &'static str,
    params: usize,
    pub returns: bool,
}

const fn returns(name: &'static str, params: usize) -> Callback {
    Callback { name, params, returns: true }
}

const fn returns_nothing(name: &'static str, params: usize) -> Callback {
    Callback { name, params, returns: false }
}

/// All callbacks.
pub(crate) const ALL: [Callback; 28] = [
    returns("proxy_on_request_headers", 3),
    returns("proxy_on_request_body", 3),
    returns("proxy_on_request_trailers", 2),
    returns("proxy_on_request_metadata", 2),
    returns("proxy_on_response_headers", 3),
    returns("proxy_on_response_body", 3),
    returns("proxy_on_response_trailers", 2),
    returns("proxy_on_response_metadata", 2),
    returns_nothing("proxy_on_context_create", 2),
    returns_nothing("proxy_on_log", 1),
    returns("proxy_on_done", 1),
    returns_nothing("proxy_on_delete", 1),
    returns("proxy_on_vm_start", 2),
    returns("proxy_on_configure", 2),
    returns("proxy_validate_configuration", 2),
    returns_nothing("proxy_on_tick", 1),
    returns_nothing("proxy_on_queue_ready", 2),
    returns_nothing("proxy_on_http_call_response", 5),
    returns_nothing("proxy_on_grpc_receive", 3),
    returns_nothing("proxy_on_grpc_close", 3),
    returns_nothing("proxy_on_grpc_receive_initial_metadata", 3),
    returns_nothing("proxy_on_grpc_receive_trailing_metadata", 3),
    returns_nothing("proxy_on_foreign_function", 3),
    returns("proxy_on_new_connection", 1),
    returns("proxy_on_downstream_data", 3),
    returns("proxy_on_upstream_data", 3),
    returns_nothing("proxy_on_downstream_connection_close", 2),
    returns_nothing("proxy_on_upstream_connection_close", 2),
];

/// The largest number of parameters of any callback.
pub(crate) const MAX_PARAMS: usize = 5;

impl Callback {
    /// Returns the number of parameters. In ABI 0.1.0 header callbacks have no `end_of_stream`.
    pub fn params(&self, abi: AbiVersion) -> usize {
        let headers = matches!(self.name, "proxy_on_request_headers" | "proxy_on_response_headers");
        if headers && abi == AbiVersion::V0_1_0 { 2 } else { self.params }
    }

    /// Returns whether Envoy looks up this callback in modules of an ABI version.
    pub fn exists_in(&self, abi: AbiVersion) -> bool {
        abi > AbiVersion::V0_1_0 || self.name != "proxy_on_foreign_function"
    }
}

/// Returns whether a callback has this name. Starting a module counts as `_initialize`.
pub fn is_callback(name: &str) -> bool {
    name == "_initialize" || find(name).is_some()
}

/// Returns the index of a callback in [`ALL`].
pub(crate) fn find(name: &str) -> Option<usize> {
    ALL.iter().position(|callback| callback.name == name)
}
