//! Turns what the linker made into the module that is shipped.
//!
//! Envoy enters the VM for every callback that a module exports, wanted or not, and skips those it does not export. A
//! linker cannot know which callbacks do nothing; [`pack`] looks. It drops those, then everything only they reached,
//! then names, debug information and what is there twice, has [`Binaryen`] make the rest shorter, refuses imports that a
//! filter has no business with, and writes into the module what it is: [`Manifest`]. The same input gives the same bytes.

#![allow(clippy::disallowed_methods, reason = "a native tool")]

pub mod abi;
mod binaryen;
pub mod build;
mod manifest;
pub mod paths;
mod prune;
mod shrink;

pub use binaryen::Binaryen;
pub use manifest::{Inspection, Manifest, inspect};

use sha2::{Digest, Sha256};
use walrus::{Module, ModuleConfig};

/// What to do, and what to write into the module about itself.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The filter's package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The JSON Schema of its configuration.
    pub schema: Option<serde_json::Value>,
    /// Keep these callbacks and no others. For a module whose SDK exports every callback and dispatches itself, so
    /// that none of them looks empty.
    pub keep_only: Option<Vec<String>>,
    /// Keep the names of functions, for readable backtraces: nothing is inlined, moved or merged.
    pub keep_names: bool,
    /// What makes it shorter; `None` to leave the code as it was compiled.
    pub binaryen: Option<Binaryen>,
}

impl Options {
    /// Changes whenever the packed bytes might: with the options, and with the packer itself.
    pub fn fingerprint(&self) -> String {
        let sources = [
            include_str!("lib.rs"),
            include_str!("abi.rs"),
            include_str!("binaryen.rs"),
            include_str!("manifest.rs"),
            include_str!("prune.rs"),
            include_str!("shrink.rs"),
        ];
        format!("{:x?} {self:?}", Sha256::digest(sources.concat()))
    }
}

/// Why a module may not be shipped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no module.
    #[error("not a valid module: {0}")]
    Invalid(String),
    /// Envoy would refuse it, or another version of the ABI was meant.
    #[error("exports no `{}`: only ABI {} is shipped", abi::MARKER, abi::VERSION)]
    Abi,
    /// Host calls that return bytes would fail.
    #[error("exports neither `malloc` nor `proxy_on_memory_allocate`")]
    NoAllocator,
    /// Nothing would run the constructors.
    #[error("exports neither `_initialize` nor `_start`")]
    NoEntry,
    /// wasm-ld takes a module in which nothing calls `__wasm_call_ctors` for a command, and has each export run
    /// constructors and destructors around every call.
    #[error("the linker wrapped every callback: `_initialize` must call `__wasm_call_ctors`")]
    CommandExports,
    /// The host could not read anything.
    #[error("exports no `memory`")]
    NoMemory,
    /// Something that looks like a callback and would never be called.
    #[error("exports `{0}`, which no host calls: misspelt?")]
    UnknownCallback(String),
    /// Envoy would refuse it.
    #[error("exports `{name}` as {found}, which Envoy does not call so")]
    Signature {
        /// The callback.
        name: String,
        /// Its type.
        found: String,
    },
    /// A callback to be kept that is not there.
    #[error("has no callback `{0}` to keep")]
    NothingToKeep(String),
    /// Binaryen failed.
    #[error("wasm-opt: {0}")]
    Binaryen(String),
    /// Imports that are not on the list.
    #[error("imports {}, which filters may not: only proxy-wasm {} and a few of WASI", .0.join(", "), abi::VERSION)]
    Imports(Vec<String>),
}

/// The module as it is shipped.
pub fn pack(wasm: &[u8], options: &Options) -> Result<Vec<u8>, Error> {
    let mut module = parse(wasm, options.keep_names)?;
    let callbacks = prune::exports(&mut module, options.keep_only.as_deref())?;
    walrus::passes::gc::run(&mut module);
    prune::check_imports(&module)?;
    remove_custom_sections(&mut module);
    Manifest {
        name: options.name.clone(),
        version: options.version.clone(),
        abi: abi::VERSION.into(),
        callbacks,
        schema: options.schema.clone(),
    }
    .write(&mut module)?;
    let wasm = module.emit_wasm();
    // Of two functions that are the same a backtrace should name the right one.
    if options.keep_names {
        return Ok(wasm);
    }
    match &options.binaryen {
        Some(binaryen) => shrink::shrink(&binaryen.optimised(&wasm)?),
        None => shrink::shrink(&wasm),
    }
}

/// The module without names, debug information and other custom sections, and otherwise as it was.
pub fn strip(wasm: &[u8]) -> Result<Vec<u8>, Error> {
    let mut module = parse(wasm, false)?;
    remove_custom_sections(&mut module);
    Ok(module.emit_wasm())
}

fn parse(wasm: &[u8], names: bool) -> Result<Module, Error> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(names).generate_producers_section(false);
    config.parse(wasm).map_err(|why| Error::Invalid(format!("{why:#}")))
}

fn remove_custom_sections(module: &mut Module) {
    let all: Vec<_> = module.customs.iter().map(|(id, _)| id).collect();
    for id in all {
        module.customs.delete(id);
    }
}
