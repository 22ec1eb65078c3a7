//! The border. Each file decodes the arguments of some host calls from guest memory, asks the plain state behind it,
//! and encodes the answer; the semantics are not here.
//!
//! The order of checks is that of `proxy-wasm-cpp-host`, `src/exports.cc`: types first, then memory, then the context.
//! It shows: an unknown map with a wild pointer is 2, a known one is 6.

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

/// Every call that a module of this version may import.
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

/// The call of this name, if a module of this version may import it.
pub(crate) fn find(module: &str, name: &str, abi: AbiVersion) -> Option<&'static Signature> {
    all(abi).find(|call| call.name == name && call.modules.contains(&module))
}

/// How a host call is written, `proxy_log(level, message)`, if a module of this version may import it.
pub fn host_call(name: &str, abi: AbiVersion) -> Option<String> {
    let call = all(abi).find(|call| call.name == name)?;
    let (given, wanted): (Vec<_>, Vec<_>) = call.parts().partition(|(_, kind)| !kind.starts_with(['o', 'O']));
    let list = |parts: Vec<(&str, &str)>| parts.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let results = if wanted.is_empty() { String::new() } else { format!(" -> {}", list(wanted)) };
    Some(format!("{name}({}){results}", list(given)))
}

/// A function that a module may import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The module it is imported from: `env`, `wasi_snapshot_preview1`.
    pub module: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The types of its parameters, `i32` or `i64`.
    pub params: Vec<String>,
    /// Whether it gives an `i32`.
    pub returns: bool,
}

/// All functions that a module of this version may import.
pub fn imports(abi: AbiVersion) -> Vec<Import> {
    let import = |call: &'static Signature, module| {
        let ty = call.ty(super::linking::engine(super::linking::Metering::Time));
        let params = ty.params().map(|ty| ty.to_string()).collect();
        Import { module, name: call.name, params, returns: call.returns }
    };
    all(abi).flat_map(|call| call.modules.iter().map(move |module| import(call, module))).collect()
}

/// The names of all host calls in `env`, for tests that go through them.
pub fn names(abi: AbiVersion) -> Vec<&'static str> {
    all(abi).filter(|call| call.name.starts_with("proxy_")).map(|call| call.name).collect()
}
