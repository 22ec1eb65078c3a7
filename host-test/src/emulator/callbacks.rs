//! The callbacks that Envoy knows, and their types: `proxy-wasm-cpp-host`, `include/proxy-wasm/wasm.h`,
//! FOR_ALL_MODULE_FUNCTIONS. It looks for all of them when a module is loaded, and one of another type is refused.

use super::linking::AbiVersion;

/// A callback: all its parameters are numbers, and so is its result.
#[derive(Debug)]
pub(crate) struct Callback {
    pub name: &'static str,
    params: usize,
    pub returns: bool,
}

const fn gives(name: &'static str, params: usize) -> Callback {
    Callback { name, params, returns: true }
}

const fn takes(name: &'static str, params: usize) -> Callback {
    Callback { name, params, returns: false }
}

/// All of them.
pub(crate) const ALL: [Callback; 28] = [
    gives("proxy_on_request_headers", 3),
    gives("proxy_on_request_body", 3),
    gives("proxy_on_request_trailers", 2),
    gives("proxy_on_request_metadata", 2),
    gives("proxy_on_response_headers", 3),
    gives("proxy_on_response_body", 3),
    gives("proxy_on_response_trailers", 2),
    gives("proxy_on_response_metadata", 2),
    takes("proxy_on_context_create", 2),
    takes("proxy_on_log", 1),
    gives("proxy_on_done", 1),
    takes("proxy_on_delete", 1),
    gives("proxy_on_vm_start", 2),
    gives("proxy_on_configure", 2),
    gives("proxy_validate_configuration", 2),
    takes("proxy_on_tick", 1),
    takes("proxy_on_queue_ready", 2),
    takes("proxy_on_http_call_response", 5),
    takes("proxy_on_grpc_receive", 3),
    takes("proxy_on_grpc_close", 3),
    takes("proxy_on_grpc_receive_initial_metadata", 3),
    takes("proxy_on_grpc_receive_trailing_metadata", 3),
    takes("proxy_on_foreign_function", 3),
    gives("proxy_on_new_connection", 1),
    gives("proxy_on_downstream_data", 3),
    gives("proxy_on_upstream_data", 3),
    takes("proxy_on_downstream_connection_close", 2),
    takes("proxy_on_upstream_connection_close", 2),
];

/// Parameters that no callback has more of.
pub(crate) const MOST: usize = 5;

impl Callback {
    /// How many parameters it has. The oldest modules are not told whether headers are all there is.
    pub fn params(&self, abi: AbiVersion) -> usize {
        let headers = matches!(self.name, "proxy_on_request_headers" | "proxy_on_response_headers");
        if headers && abi == AbiVersion::V0_1_0 { 2 } else { self.params }
    }

    /// Whether it is looked for in modules of a version.
    pub fn is_of(&self, abi: AbiVersion) -> bool {
        abi > AbiVersion::V0_1_0 || self.name != "proxy_on_foreign_function"
    }
}

/// Its place among all.
pub(crate) fn find(name: &str) -> Option<usize> {
    ALL.iter().position(|callback| callback.name == name)
}
