//! Loads a module from a file and prepares it for instantiation.
//!
//! Compiling takes a hundred times longer than running. A module is therefore compiled once per process, and
//! its machine code is cached for later processes, next to the build or in a folder of the user. The cache
//! key is the hash of the module and of the engine; an invalid cache entry is compiled again.

mod cache;

use super::vm::HostState;
use cache::Cache;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError, mpsc};
use std::time::{Duration, SystemTime};
use wasmtime::{
    Config, Engine, Export, Extern, ExternType, Instance, InstancePre, Linker, Memory, Module, OptLevel, Ref,
    Store, Strategy, Table,
};

/// Interval at which a running module checks its deadline.
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(20);
/// Time limit for compiling a module. Cranelift without optimisation took 27 s for a module of 600 KB.
const COMPILE_TIMEOUT: Duration = Duration::from_secs(300);
/// A file that changed more recently than this may change again without a visible sign.
const MIN_FILE_AGE: Duration = Duration::from_secs(2);

/// The instrumentation of compiled code. Each kind has its own engine and machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Metering {
    /// Checks the deadline.
    Time,
    /// Checks the deadline and counts instructions.
    Instructions,
}

/// A compiler. Each has its own engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compiler {
    /// Compiles in one pass. Where the compiler itself is not optimised, it takes a tenth of Cranelift's
    /// time.
    Winch,
    /// Supports everything that Winch does not.
    Cranelift,
}

impl Compiler {
    /// The compilers to try for a module, in this order.
    const ALL: &[Self] = match cfg!(target_arch = "x86_64") {
        true => &[Self::Winch, Self::Cranelift],
        false => &[Self::Cranelift],
    };

    /// Returns the engine for this instrumentation.
    fn engine(self, metering: Metering) -> &'static Engine {
        &ENGINES[self.index()][metering as usize]
    }

    fn index(self) -> usize {
        let index = Self::ALL.iter().position(|compiler| *compiler == self);
        index.expect("the compiler supports this machine")
    }
}

static ENGINES: LazyLock<Vec<[Engine; 2]>> = LazyLock::new(|| {
    let create = |compiler: &Compiler| {
        [false, true].map(|fuel| {
            let mut config = Config::new();
            config.strategy(match compiler {
                Compiler::Winch => Strategy::Winch,
                Compiler::Cranelift => Strategy::Cranelift,
            });
            config.epoch_interruption(true);
            config.consume_fuel(fuel);
            // Most modules run for milliseconds and take seconds to compile.
            config.cranelift_opt_level(OptLevel::None);
            // Tests start hundreds of VMs: reserving gigabytes of address space for each costs more than it
            // saves.
            config.memory_reservation(64 << 20);
            config.memory_guard_size(64 << 10);
            Engine::new(&config).expect("the engine rejects its configuration")
        })
    };
    let engines: Vec<_> = Compiler::ALL.iter().map(create).collect();
    let beating = engines.clone();
    std::thread::Builder::new()
        .name("epoch".into())
        .spawn(move || {
            loop {
                std::thread::sleep(HEARTBEAT);
                beating.iter().flatten().for_each(Engine::increment_epoch);
            }
        })
        .expect("failed to start a thread");
    engines
});

/// The ABI versions that Envoy supports.
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
    linkage: Linkage,
    pub abi: AbiVersion,
    pub hash: String,
    pub metering: Metering,
    pub engine: &'static Engine,
}

/// The module, linked as far as possible without a VM.
enum Linkage {
    PreLinked(InstancePre<HostState>),
    /// The module imports memories or tables, which are created for each VM.
    NeedsLinking(Module, &'static Linker<HostState>),
}

impl Code {
    /// Creates an instance. Returns it with the memory that host calls access: the last exported memory,
    /// whatever its name, or else the imported memory (proxy-wasm-cpp-host, `src/v8/v8.cc`, `link`).
    pub fn instantiate(&self, store: &mut Store<HostState>) -> wasmtime::Result<(Instance, Option<Memory>)> {
        let mut memory = None;
        let instance = match &self.linkage {
            Linkage::PreLinked(instance) => instance.instantiate(&mut *store)?,
            Linkage::NeedsLinking(module, linker) => {
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

/// Metadata by which a changed file is recognised without reading it.
#[derive(Debug, PartialEq, Eq)]
struct FileStamp {
    modified: SystemTime,
    len: u64,
    inode: u64,
}

impl FileStamp {
    fn from_path(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { modified: metadata.modified().ok()?, len: metadata.len(), inode: metadata.ino() })
    }
}

/// Loads the module in a file, or returns Envoy's error. A file with unchanged metadata is not read again.
pub(crate) fn open(path: &Path, metering: Metering) -> Result<Arc<Code>, String> {
    type Known = HashMap<(PathBuf, Metering), (FileStamp, Arc<Code>)>;
    static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
    let checked_at = SystemTime::now();
    let now = FileStamp::from_path(path);
    let key = (path.to_path_buf(), metering);
    if let Some((stamp, code)) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&key)
        && now.as_ref() == Some(stamp)
    {
        return Ok(Arc::clone(code));
    }
    let wasm =
        std::fs::read(path).map_err(|why| format!("cannot read the module `{}`: {why}", path.display()))?;
    let code = load(&wasm, metering)?;
    if let Some(now) = now.filter(|stamp| stamp.modified + MIN_FILE_AGE < checked_at) {
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (now, Arc::clone(&code)));
    }
    Ok(code)
}

/// Loads a module from bytes, or returns Envoy's error. Concurrent calls for the same module share one
/// compilation; other modules are not delayed.
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
            if let Some(what) = tollgate_pack::file_type::describe(wasm) {
                return Err(format!("Failed to load Wasm bytecode: {what}"));
            }
            let (module, compiler) = compiled(&hash, wasm, metering)?;
            let engine = compiler.engine(metering);
            let abi = abi(&module).ok_or("Missing or unknown Proxy-Wasm ABI version")?;
            check_imports(&module, abi, engine)?;
            let linker = linker(abi, compiler, metering);
            let only_calls = module.imports().all(|import| matches!(import.ty(), ExternType::Func(_)));
            let linkage = if only_calls {
                let linked = linker.instantiate_pre(&module);
                Linkage::PreLinked(
                    linked.map_err(|error| format!("Failed to load Wasm module: {}", chain(&error)))?,
                )
            } else {
                Linkage::NeedsLinking(module, linker)
            };
            Ok(Arc::new(Code { linkage, abi, hash: hash.clone(), metering, engine }))
        })
        .clone()
}

/// Returns the machine code of a module, from the cache or from the first compiler that supports it. The
/// error is that of the last compiler.
fn compiled(hash: &str, wasm: &[u8], metering: Metering) -> Result<(Module, Compiler), String> {
    let mut failure = String::new();
    for compiler in Compiler::ALL {
        let engine = compiler.engine(metering);
        match Cache::for_this_program(engine).get(hash, || compile(wasm, engine, COMPILE_TIMEOUT)) {
            Ok(module) => return Ok((module, *compiler)),
            Err(why) => failure = why,
        }
    }
    Err(failure)
}

/// Compiles a module in a separate thread. The compiler cannot be stopped, but the caller waits at most
/// `patience`.
fn compile(wasm: &[u8], engine: &'static Engine, patience: Duration) -> Result<Module, String> {
    let (sender, result) = mpsc::channel();
    let wasm = wasm.to_vec();
    std::thread::Builder::new()
        .name("compiler".into())
        // The stack size of the main thread, because code may be deeply nested.
        .stack_size(8 << 20)
        .spawn(move || sender.send(Module::new(engine, wasm)))
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

/// Returns the ABI version: Envoy takes the first function that has one of these names.
fn abi(module: &Module) -> Option<AbiVersion> {
    module.exports().filter(|e| matches!(e.ty(), ExternType::Func(_))).find_map(|e| match e.name() {
        "proxy_abi_version_0_1_0" => Some(AbiVersion::V0_1_0),
        "proxy_abi_version_0_2_0" => Some(AbiVersion::V0_2_0),
        "proxy_abi_version_0_2_1" => Some(AbiVersion::V0_2_1),
        _ => None,
    })
}

fn check_imports(module: &Module, abi: AbiVersion, engine: &Engine) -> Result<(), String> {
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
                let wanted = call.ty(engine);
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

/// Returns the linker for an ABI version. Created once, because there are a hundred host calls and hundreds
/// of VMs.
fn linker(abi: AbiVersion, compiler: Compiler, metering: Metering) -> &'static Linker<HostState> {
    type Linkers = [[Linker<HostState>; 3]; 2];
    static LINKERS: LazyLock<Vec<Linkers>> = LazyLock::new(|| {
        let abis = [AbiVersion::V0_1_0, AbiVersion::V0_2_0, AbiVersion::V0_2_1];
        let linked = |engine: &Engine| abis.map(|abi| link(abi, engine));
        ENGINES.iter().map(|engines| engines.each_ref().map(linked)).collect()
    });
    &LINKERS[compiler.index()][metering as usize][abi as usize]
}

fn link(abi: AbiVersion, engine: &Engine) -> Linker<HostState> {
    let mut linker = Linker::new(engine);
    for call in super::abi::all(abi) {
        for module in call.modules {
            let prepared = super::abi::Prepared::from(call);
            // Unchecked, because the checks take a third of the time of a host call.
            // SAFETY: `enter` reads and writes the types of the same signature.
            let linked = unsafe {
                linker.func_new_unchecked(module, call.name, call.ty(engine), move |caller, values| {
                    super::abi::enter(&prepared, caller, values)
                })
            };
            linked.expect("a host call is defined twice");
        }
    }
    linker
}

/// Formats an error of the engine and its causes on one line.
pub(crate) fn chain(error: &wasmtime::Error) -> String {
    format!("{error:#}").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_not_wait_for_a_slow_compiler() {
        let functions = "(func (result i32) (i32.const 1))".repeat(2_000);
        let wasm = wat::parse_str(format!("(module {functions})")).unwrap();
        let why = compile(&wasm, Compiler::Cranelift.engine(Metering::Time), Duration::ZERO).unwrap_err();
        assert_eq!(why, "Failed to load Wasm bytecode: still compiling after `0ns`");
        assert!(compile(&wasm, Compiler::Cranelift.engine(Metering::Time), COMPILE_TIMEOUT).is_ok());
    }

    #[test]
    fn the_next_compiler_gets_what_one_does_not_support() {
        let compiler = |body: &str| {
            let wasm = wat::parse_str(format!("(module (func $a {body}))")).unwrap();
            // A new hash, so that no earlier run has cached the code.
            let hash =
                format!("{:x}", SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos());
            compiled(&hash, &wasm, Metering::Time).unwrap().1
        };
        assert_eq!(compiler("nop"), Compiler::ALL[0]);
        assert_eq!(compiler("return_call $a"), Compiler::Cranelift);
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
        assert_ne!(hash(), first, "changed a moment later, with the same length");
    }
}
