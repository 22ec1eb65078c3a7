//! From a file to something that can be instantiated.
//!
//! Compiling takes a hundred times longer than running, so a module is compiled once in a process, and its machine
//! code is kept beside the build for the next one. What is kept there is found by the hash of the module and the
//! version of the engine; whatever is wrong with it, the module is compiled again.

use super::vm::HostState;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;
use wasmtime::{Caller, Config, Engine, ExternType, Linker, Module, Val};

/// How often a running module looks at the clock.
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(20);

/// The engine's own number: its machine code is of no use to another version.
const ENGINE: &str = "wasmtime-48";

static SHARED: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // Tests start hundreds of VMs: reserving address space for each by the gigabyte costs more than it saves.
    config.memory_reservation(64 << 20);
    config.memory_guard_size(64 << 10);
    let engine = Engine::new(&config).expect("this configuration is one that the engine has");
    let beating = engine.clone();
    std::thread::Builder::new()
        .name("epoch".into())
        .spawn(move || {
            loop {
                std::thread::sleep(HEARTBEAT);
                beating.increment_epoch();
            }
        })
        .expect("a thread can be started");
    engine
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
#[derive(Debug)]
pub struct Code {
    pub(crate) module: Module,
    pub(crate) abi: AbiVersion,
    pub(crate) hash: String,
}

/// The shared engine.
pub(crate) fn engine() -> &'static Engine {
    &SHARED
}

/// Loads the bytes of a module, or says in Envoy's words why not.
pub(crate) fn load(wasm: &[u8]) -> Result<Arc<Code>, String> {
    static LOADED: LazyLock<Mutex<HashMap<String, Arc<Code>>>> = LazyLock::new(Mutex::default);
    let hash: String = Sha256::digest(wasm).iter().map(|b| format!("{b:02x}")).collect();
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(code) = loaded.get(&hash) {
        return Ok(Arc::clone(code));
    }
    let module = compile(wasm, &hash)?;
    let abi = abi(&module).ok_or("Missing or unknown Proxy-Wasm ABI version")?;
    check_imports(&module, abi)?;
    let code = Arc::new(Code { module, abi, hash: hash.clone() });
    loaded.insert(hash, Arc::clone(&code));
    Ok(code)
}

fn compile(wasm: &[u8], hash: &str) -> Result<Module, String> {
    let kept = cache().map(|folder| folder.join(format!("{hash}.{ENGINE}.cwasm")));
    if let Some(path) = kept.as_ref().filter(|p| p.is_file()) {
        // SAFETY: the file was written below by a process of the same user, under the name of what it holds, and is
        // renamed into place whole. The engine checks its own header, and refuses another version's or set-up's.
        if let Ok(module) = unsafe { Module::deserialize_file(engine(), path) } {
            return Ok(module);
        }
    }
    let module =
        Module::new(engine(), wasm).map_err(|e| format!("Failed to load Wasm bytecode: {}", chain(&e)))?;
    if let Some(path) = kept {
        // A cache that cannot be written costs time and nothing else.
        let _ = keep(&module, &path);
    }
    Ok(module)
}

fn keep(module: &Module, path: &std::path::Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut file, &module.serialize().map_err(std::io::Error::other)?)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// `target/emulator`, found from the running test: `target/debug/deps/name-hash`.
fn cache() -> Option<PathBuf> {
    let exe = std::env::current_exe().ok()?;
    let target = exe.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file())?;
    Some(target.join("emulator"))
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
        let Some(call) = super::abi::find(from, name, abi) else {
            return Err(format!("Failed to load Wasm module due to a missing import: {from}.{name}"));
        };
        let fits = match import.ty() {
            ExternType::Func(ty) => {
                let wanted = call.ty(engine());
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
pub(crate) fn linker(abi: AbiVersion) -> &'static Linker<HostState> {
    static LINKERS: LazyLock<[Linker<HostState>; 3]> =
        LazyLock::new(|| [AbiVersion::V0_1_0, AbiVersion::V0_2_0, AbiVersion::V0_2_1].map(link));
    &LINKERS[abi as usize]
}

fn link(abi: AbiVersion) -> Linker<HostState> {
    let mut linker = Linker::new(engine());
    for call in super::abi::all(abi) {
        for module in call.modules {
            let run = move |caller: Caller<'_, HostState>, args: &[Val], results: &mut [Val]| {
                super::abi::enter(call, caller, args, results)
            };
            linker
                .func_new(module, call.name, call.ty(engine()), run)
                .expect("every host call is named once");
        }
    }
    linker
}

/// An error of the engine and what is behind it, on one line.
pub(crate) fn chain(error: &wasmtime::Error) -> String {
    format!("{error:#}").replace('\n', " ")
}
