//! Packs a linked module into the module that is shipped.
//!
//! Envoy enters the VM for every callback that a module exports, even if the callback does nothing. A linker
//! cannot know which callbacks do nothing; [`pack`] finds and removes them. It then removes all code that
//! only they reached, names and debug information, and optimises the rest with [`Binaryen`]. It rejects
//! imports that a filter must not have, and adds a [`Manifest`]. The same input gives the same bytes.

#![allow(clippy::disallowed_methods, reason = "a native tool")]

pub mod abi;
mod binaryen;
pub mod build;
mod families;
pub mod file_type;
mod manifest;
pub mod paths;
mod prune;

pub use binaryen::Binaryen;
pub use families::{MetricFamily, StatsTag};
pub use manifest::{Inspection, Manifest, Signature, inspect};

use sha2::{Digest, Sha256};
use walrus::{Module, ModuleConfig};

/// Options of [`pack`], and the contents of the manifest.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Name of the filter's package.
    pub name: String,
    /// Version of the package.
    pub version: String,
    /// JSON Schema of the configuration.
    pub schema: Option<serde_json::Value>,
    /// Keep only these callbacks. For a module whose SDK exports every callback and dispatches internally, so
    /// that none of them looks empty.
    pub keep_only: Option<Vec<String>>,
    /// Keep the names of functions, for readable backtraces. Functions are then not inlined, moved or merged.
    pub keep_names: bool,
    /// Accept a module without callbacks for events, for a measurement.
    pub no_callbacks: bool,
    /// The optimiser. `None` leaves the code as compiled.
    pub binaryen: Option<Binaryen>,
}

impl Options {
    /// Returns a text that changes if the packed bytes may change: with the options and with the code of the
    /// packer.
    pub fn fingerprint(&self) -> String {
        let sources = [
            include_str!("lib.rs"),
            include_str!("abi.rs"),
            include_str!("binaryen.rs"),
            include_str!("families.rs"),
            include_str!("file_type.rs"),
            include_str!("manifest.rs"),
            include_str!("prune.rs"),
        ];
        format!("{:x?} {self:?}", Sha256::digest(sources.concat()))
    }
}

/// The reason why a module cannot be shipped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not a valid module.
    #[error("not a valid module: {0}")]
    Invalid(String),
    /// It has no supported ABI version.
    #[error("missing export `{}`: only ABI {} is supported", abi::MARKER, abi::VERSION)]
    Abi,
    /// It has no allocator, so host calls that return bytes would fail.
    #[error("missing allocator: expected export `malloc` or `proxy_on_memory_allocate`")]
    NoAllocator,
    /// It has no entry function, so constructors would not run.
    #[error("missing entry function: expected export `_initialize` or `_start`")]
    NoEntry,
    /// The linker wrapped the exports. If no function calls `__wasm_call_ctors`, wasm-ld treats the module as
    /// a command: each export then runs constructors and destructors around every call.
    #[error("the linker wrapped every callback: `_initialize` must call `__wasm_call_ctors`")]
    CommandExports,
    /// It has no memory, so the host could not read anything.
    #[error("missing export `memory`")]
    NoMemory,
    /// It exports no callback for an event, so its author forgot to export the filter. Envoy would load the
    /// module.
    #[error(
        "exports no callback for requests, connections or other events, so every request would pass: write \
         `#[tollgate::filter]` above the implementation and call `tollgate::module!(TypeOfTheFilter)`, or export a \
         function such as `proxy_on_request_headers`"
    )]
    NoCallbacks,
    /// It exports a function that looks like a callback, but that no host calls.
    #[error("unknown callback `{0}`: no host calls it, check the spelling")]
    UnknownCallback(String),
    /// A callback has the wrong signature, so Envoy would reject the module.
    #[error("callback `{name}` has signature `{found}`, expected `{expected}`")]
    Signature {
        /// Name of the callback.
        name: String,
        /// Signature in the module.
        found: String,
        /// Signature in the ABI.
        expected: String,
    },
    /// The module has no such callback to keep.
    #[error("cannot keep callback `{0}`: the module does not export it")]
    NothingToKeep(String),
    /// Binaryen failed.
    #[error("wasm-opt: {0}")]
    Binaryen(String),
    /// It has imports that a filter must not have.
    #[error("unsupported imports {}: expected host calls of proxy-wasm {} and a few functions of WASI", .0.join(", "), abi::VERSION)]
    Imports(Vec<String>),
}

/// Packs a module.
pub fn pack(wasm: &[u8], options: &Options) -> Result<Vec<u8>, Error> {
    let mut module = parse(wasm, options.keep_names)?;
    let callbacks = prune::exports(&mut module, options)?;
    walrus::passes::gc::run(&mut module);
    prune::check_imports(&module)?;
    remove_custom_sections(&mut module)?;
    Manifest {
        name: options.name.clone(),
        version: options.version.clone(),
        abi: abi::VERSION.into(),
        callbacks,
        schema: options.schema.clone(),
    }
    .write(&mut module)?;
    let wasm = module.emit_wasm();
    match &options.binaryen {
        // Binaryen merges identical functions; a backtrace would then show the wrong name.
        Some(binaryen) if !options.keep_names => binaryen.optimise(&wasm),
        _ => Ok(wasm),
    }
}

/// Removes names, debug information and all other custom sections but that of the metrics, and nothing else.
/// Rejects a module without callbacks, as [`pack`] does.
pub fn strip(wasm: &[u8], options: &Options) -> Result<Vec<u8>, Error> {
    let mut module = parse(wasm, false)?;
    prune::check_callbacks(&module, options)?;
    remove_custom_sections(&mut module)?;
    Ok(module.emit_wasm())
}

fn parse(wasm: &[u8], names: bool) -> Result<Module, Error> {
    file_type::check(wasm)?;
    let mut config = ModuleConfig::new();
    config.generate_name_section(names).generate_producers_section(false);
    config.parse(wasm).map_err(|why| Error::Invalid(format!("{why:#}")))
}

/// Removes custom sections. Keeps the families of metrics, in one section and sorted.
fn remove_custom_sections(module: &mut Module) -> Result<(), Error> {
    let all: Vec<_> = module.customs.iter().map(|(id, section)| (id, section.name().to_owned())).collect();
    let mut families = Vec::new();
    for (id, name) in all {
        if let (Some(section), families::SECTION) = (module.customs.delete(id), name.as_str()) {
            families.extend_from_slice(&section.data(&walrus::IdsToIndices::default()));
        }
    }
    MetricFamily::write(&MetricFamily::read(&families)?, module);
    Ok(())
}
