//! From a file to something that can be instantiated.
//!
//! Compiling takes a hundred times longer than running, so a module is compiled once in a process, and its machine
//! code is kept beside the build for the next one. What is kept there is found by the hash of the module and the
//! version of the engine; whatever is wrong with it, the module is compiled again.

mod cache;

use super::vm::HostState;
use cache::Cache;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, SystemTime};
use wasmtime::{
    Config, Engine, Export, Extern, ExternType, Instance, InstancePre, Linker, Memory, Module, Ref, Store,
    Table,
};

/// How often a running module looks at the clock.
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(20);
/// How long a module may take to compile. One of a megabyte takes ten seconds where the compiler is not optimised.
const COMPILES_IN: Duration = Duration::from_secs(300);
/// A file that was changed less than this ago may be changed again without a sign of it.
const SETTLED: Duration = Duration::from_secs(2);

/// What running code does beside running. There is an engine for each, and machine code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Metering {
    /// Looks at the clock.
    Time,
    /// Looks at the clock, and counts instructions.
    Instructions,
}

static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| {
    let engines = [false, true].map(|fuel| {
        let mut config = Config::new();
        config.epoch_interruption(true);
        config.consume_fuel(fuel);
        // Tests start hundreds of VMs: reserving address space for each by the gigabyte costs more than it saves.
        config.memory_reservation(64 << 20);
        config.memory_guard_size(64 << 10);
        Engine::new(&config).expect("this configuration is one that the engine has")
    });
    let beating = engines.clone();
    std::thread::Builder::new()
        .name("epoch".into())
        .spawn(move || {
            loop {
                std::thread::sleep(HEARTBEAT);
                beating.iter().for_each(Engine::increment_epoch);
            }
        })
        .expect("a thread can be started");
    engines
});

/// The versions of the ABI that Envoy loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AbiVersion {
    /// `proxy_abi_version_0_1_0`.
    V0_1_0,
    /// `proxy_abi_version_0_2_0`.
    V0_2_0,
    /// `proxy_abi_version_0_2_1`.
    V0_2_1,
}

/// A module that Envoy would load.
pub(crate) struct Code {
    instance: Instantiated,
    pub abi: AbiVersion,
    pub hash: String,
    pub metering: Metering,
}

/// As much as can be done before there is a VM.
enum Instantiated {
    Almost(InstancePre<HostState>),
    /// It imports what is made for each VM.
    NotYet(Module, &'static Linker<HostState>),
}

impl Code {
    /// A new instance, and the memory that host calls see: what is exported, by whatever name, and the last one of
    /// several; or else what was made because it is imported (proxy-wasm-cpp-host, `src/v8/v8.cc`, link).
    pub fn instantiate(&self, store: &mut Store<HostState>) -> wasmtime::Result<(Instance, Option<Memory>)> {
        let mut memory = None;
        let instance = match &self.instance {
            Instantiated::Almost(instance) => instance.instantiate(&mut *store)?,
            Instantiated::NotYet(module, linker) => {
                let mut linker = Linker::clone(linker);
                for import in module.imports() {
                    let made: Extern = match import.ty() {
                        ExternType::Memory(ty) => (*memory.insert(Memory::new(&mut *store, ty)?)).into(),
                        ExternType::Table(ty) => {
                            let null = Ref::null(ty.element().heap_type());
                            Table::new(&mut *store, ty, null)?.into()
                        }
                        _ => continue,
                    };
                    linker.define(&mut *store, import.module(), import.name(), made)?;
                }
                linker.instantiate(&mut *store, module)?
            }
        };
        let exported = instance.exports(&mut *store).filter_map(Export::into_memory).last();
        Ok((instance, exported.or(memory)))
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Code").field("abi", &self.abi).field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// The engine that code of this kind runs on.
pub(crate) fn engine(metering: Metering) -> &'static Engine {
    &ENGINES[metering as usize]
}

/// What can be seen of a file without reading it.
#[derive(Debug, PartialEq, Eq)]
struct Looks(SystemTime, u64, u64);

fn looks(path: &Path) -> Option<Looks> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(Looks(metadata.modified().ok()?, metadata.len(), std::os::unix::fs::MetadataExt::ino(&metadata)))
}

/// Loads the module in a file, or says in Envoy's words why not. A file that looks as it did is not read again.
pub(crate) fn open(path: &Path, metering: Metering) -> Result<Arc<Code>, String> {
    type Known = HashMap<(PathBuf, Metering), (Looks, Arc<Code>)>;
    static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
    let looked_at = SystemTime::now();
    let now = looks(path);
    let key = (path.to_path_buf(), metering);
    if let Some((looks, code)) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&key)
        && now.as_ref() == Some(looks)
    {
        return Ok(Arc::clone(code));
    }
    let wasm =
        std::fs::read(path).map_err(|why| format!("cannot read the module {}: {why}", path.display()))?;
    let code = load(&wasm, metering)?;
    if let Some(now) = now.filter(|Looks(changed, ..)| *changed + SETTLED < looked_at) {
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (now, Arc::clone(&code)));
    }
    Ok(code)
}

/// Loads the bytes of a module, or says in Envoy's words why not. Two that ask for one module wait for one compiler;
/// others are not held up.
fn load(wasm: &[u8], metering: Metering) -> Result<Arc<Code>, String> {
    type Loading = Arc<OnceLock<Result<Arc<Code>, String>>>;
    static LOADED: LazyLock<Mutex<HashMap<(String, Metering), Loading>>> = LazyLock::new(Mutex::default);
    let hash: String = Sha256::digest(wasm).iter().map(|b| format!("{b:02x}")).collect();
    let place = {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(loaded.entry((hash.clone(), metering)).or_default())
    };
    place
        .get_or_init(|| {
            let module =
                Cache::of_this_build(metering).get(&hash, || compile(wasm, metering, COMPILES_IN))?;
            let abi = abi(&module).ok_or("Missing or unknown Proxy-Wasm ABI version")?;
            check_imports(&module, abi)?;
            let linker = linker(abi, metering);
            let only_calls = module.imports().all(|import| matches!(import.ty(), ExternType::Func(_)));
            let instance = if only_calls {
                let almost = linker.instantiate_pre(&module);
                Instantiated::Almost(
                    almost.map_err(|error| format!("Failed to load Wasm module: {}", chain(&error)))?,
                )
            } else {
                Instantiated::NotYet(module, linker)
            };
            Ok(Arc::new(Code { instance, abi, hash: hash.clone(), metering }))
        })
        .clone()
}

/// Compiles a module, in a thread of its own: nothing stops the compiler, but nobody need wait for it.
fn compile(wasm: &[u8], metering: Metering, patience: Duration) -> Result<Module, String> {
    let (told, result) = mpsc::channel();
    let wasm = wasm.to_vec();
    std::thread::Builder::new()
        .name("compiler".into())
        // As much as the main thread has: code is nested as deeply as whoever wrote it likes.
        .stack_size(8 << 20)
        .spawn(move || told.send(Module::new(engine(metering), wasm)))
        .expect("a thread can be started");
    match result.recv_timeout(patience) {
        Ok(Ok(module)) => Ok(module),
        Ok(Err(error)) => Err(format!("Failed to load Wasm bytecode: {}", chain(&error))),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(format!("Failed to load Wasm bytecode: still compiling after `{patience:?}`"))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err("Failed to load Wasm bytecode: the compiler panicked".into())
        }
    }
}

/// Envoy looks for functions of these names, and takes the first.
fn abi(module: &Module) -> Option<AbiVersion> {
    module.exports().filter(|e| matches!(e.ty(), ExternType::Func(_))).find_map(|e| match e.name() {
        "proxy_abi_version_0_1_0" => Some(AbiVersion::V0_1_0),
        "proxy_abi_version_0_2_0" => Some(AbiVersion::V0_2_0),
        "proxy_abi_version_0_2_1" => Some(AbiVersion::V0_2_1),
        _ => None,
    })
}

fn check_imports(module: &Module, abi: AbiVersion) -> Result<(), String> {
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        if matches!(import.ty(), ExternType::Memory(_) | ExternType::Table(_)) {
            continue;
        }
        let Some(call) = super::abi::find(from, name, abi) else {
            return Err(format!("Failed to load Wasm module due to a missing import: {from}.{name}"));
        };
        let fits = match import.ty() {
            ExternType::Func(ty) => {
                let wanted = call.ty(engine(Metering::Time));
                ty.params().map(|t| t.to_string()).eq(wanted.params().map(|t| t.to_string()))
                    && ty.results().map(|t| t.to_string()).eq(wanted.results().map(|t| t.to_string()))
            }
            _ => false,
        };
        if !fits {
            return Err(format!("Failed to load Wasm module due to an import type mismatch: {from}.{name}"));
        }
    }
    Ok(())
}

/// What a module of this version may import. Made once: there are a hundred calls, and VMs by the hundred.
fn linker(abi: AbiVersion, metering: Metering) -> &'static Linker<HostState> {
    static LINKERS: LazyLock<[[Linker<HostState>; 3]; 2]> = LazyLock::new(|| {
        [Metering::Time, Metering::Instructions].map(|metering| {
            [AbiVersion::V0_1_0, AbiVersion::V0_2_0, AbiVersion::V0_2_1].map(|abi| link(abi, metering))
        })
    });
    &LINKERS[metering as usize][abi as usize]
}

fn link(abi: AbiVersion, metering: Metering) -> Linker<HostState> {
    let engine = engine(metering);
    let mut linker = Linker::new(engine);
    for call in super::abi::all(abi) {
        for module in call.modules {
            let prepared = super::abi::Prepared::from(call);
            // Unchecked, because what the checks cost is a third of what a call costs.
            // SAFETY: `enter` reads and writes what the type of the same signature says.
            let linked = unsafe {
                linker.func_new_unchecked(module, call.name, call.ty(engine), move |caller, values| {
                    super::abi::enter(&prepared, caller, values)
                })
            };
            linked.expect("every host call is named once");
        }
    }
    linker
}

/// An error of the engine and what is behind it, on one line.
pub(crate) fn chain(error: &wasmtime::Error) -> String {
    format!("{error:#}").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_that_takes_too_long_is_not_waited_for() {
        let functions = "(func (result i32) (i32.const 1))".repeat(2_000);
        let wasm = wat::parse_str(format!("(module {functions})")).unwrap();
        let why = compile(&wasm, Metering::Time, Duration::ZERO).unwrap_err();
        assert_eq!(why, "Failed to load Wasm bytecode: still compiling after `0ns`");
        assert!(compile(&wasm, Metering::Time, COMPILES_IN).is_ok());
    }

    #[test]
    fn a_file_that_has_changed_is_read_again() {
        let module = |more: &str| {
            let text = format!(r#"(module (func (export "proxy_abi_version_0_2_1")) {more})"#);
            wat::parse_str(text).unwrap()
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        let hash = || open(file.path(), Metering::Time).unwrap().hash.clone();
        std::fs::write(file.path(), module("(func $a)")).unwrap();
        let first = hash();
        assert_eq!(hash(), first);
        std::fs::write(file.path(), module("(func $b)")).unwrap();
        assert_ne!(hash(), first, "of the same length, and a moment later");
    }
}
