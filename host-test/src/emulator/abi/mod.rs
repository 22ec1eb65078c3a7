//! The host calls. Each file decodes the arguments of some host calls from guest memory, calls the plain
//! state, and encodes the result. The semantics are not here.
//!
//! Checks are in the order of `proxy-wasm-cpp-host`, `src/exports.cc`: types first, then memory, then the
//! context. The order is visible: an unknown map with an invalid pointer returns 2, a known map returns 6.

mod buffers;
mod call;
mod entry;
mod foreign;
mod grpc;
mod headers;
mod http_call;
mod log;
mod metrics;
mod properties;
mod queues;
mod shared_data;
mod stream;
mod time;
mod wasi;

pub(crate) use call::{Signature, Stop};
pub(crate) use entry::{Prepared, enter};

use super::linking::AbiVersion;

/// Returns all host calls that a module of this ABI version may import.
pub(crate) fn all(abi: AbiVersion) -> impl Iterator<Item = &'static Signature> {
    let groups: [&'static [Signature]; 14] = [
        log::CALLS,
        headers::CALLS,
        buffers::CALLS,
        properties::CALLS,
        shared_data::CALLS,
        queues::CALLS,
        http_call::CALLS,
        grpc::CALLS,
        metrics::CALLS,
        time::CALLS,
        stream::CALLS,
        foreign::CALLS,
        wasi::CALLS,
        wasi::EMSCRIPTEN,
    ];
    groups.into_iter().flatten().filter(move |call| call.since <= abi && abi <= call.until)
}

/// Returns the host call with this name, if a module of this ABI version may import it.
pub(crate) fn find(module: &str, name: &str, abi: AbiVersion) -> Option<&'static Signature> {
    all(abi).find(|call| call.name == name && call.modules.contains(&module))
}

/// Returns whether a module may import a host call of this name, or a WASI call.
pub fn is_host_call(name: &str) -> bool {
    let abis = [AbiVersion::V0_1_0, AbiVersion::V0_2_0, AbiVersion::V0_2_1];
    abis.into_iter().any(|abi| all(abi).any(|call| call.name == name))
}

/// Returns the declaration of a host call, for example `proxy_log(level, message)`, if a module of this ABI
/// version may import it.
pub fn host_call(name: &str, abi: AbiVersion) -> Option<String> {
    let call = all(abi).find(|call| call.name == name)?;
    let (given, wanted): (Vec<_>, Vec<_>) = call.parts().partition(|(_, kind)| !kind.starts_with(['o', 'O']));
    let list = |parts: Vec<(&str, &str)>| parts.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let results = if wanted.is_empty() { String::new() } else { format!(" -> {}", list(wanted)) };
    Some(format!("{name}({}){results}", list(given)))
}

/// A host function that a module may import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The module to import from, for example `env` or `wasi_snapshot_preview1`.
    pub module: &'static str,
    /// The name of the function.
    pub name: &'static str,
    /// The types of the parameters, `i32` or `i64`.
    pub params: Vec<String>,
    /// Whether the function returns an `i32`.
    pub returns: bool,
}

/// Returns all host functions that a module of this ABI version may import.
pub fn imports(abi: AbiVersion) -> Vec<Import> {
    let engine = wasmtime::Engine::default();
    let import = |call: &'static Signature, module| {
        let ty = call.ty(&engine);
        let params = ty.params().map(|ty| ty.to_string()).collect();
        Import { module, name: call.name, params, returns: call.returns }
    };
    all(abi)
        .flat_map(|call| call.modules.iter().map(|module| import(call, module)).collect::<Vec<_>>())
        .collect()
}

/// Returns the names of all `proxy_` host calls in `env`, for tests that iterate over them.
pub fn names(abi: AbiVersion) -> Vec<&'static str> {
    all(abi).filter(|call| call.name.starts_with("proxy_")).map(|call| call.name).collect()
}
