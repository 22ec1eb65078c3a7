//! A VM: an instance of a module with its memory, and the calls into it.

use super::callbacks;
use super::linking::{AbiVersion, Code, HEARTBEAT, Metering};
use super::meters::Spent;
use super::traps::Failure;
use super::world::World;
use std::time::Duration;
use wasmtime::{
    Func, FuncType, Instance, Memory, ResourceLimiter, Store, Trap, TypedFunc, Val, ValRaw, ValType,
};

/// Limit on linear memory, as in `proxy-wasm-cpp-host`, `include/proxy-wasm/limits.h`.
const MEMORY_LIMIT: usize = 1 << 30;
/// Limit on table elements, as V8's `kV8MaxWasmTableSize`.
const TABLE_LIMIT: usize = 10_000_000;
/// The most fuel that a call can have.
const MAX_FUEL: u64 = u64::MAX >> 1;

/// Why a host call is rejected: a VM may make only a few calls while it starts or allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restriction {
    None,
    /// The module's start section runs.
    Instantiating,
    /// `_initialize`, `main` or `_start` runs.
    Starting,
    /// The host called `malloc` or `proxy_on_memory_allocate`.
    Allocating,
}

/// The data that host calls reach through their store.
pub struct HostState {
    /// All state apart from this VM. It is here while the VM runs, and in the emulator otherwise; the other
    /// of the two holds an empty placeholder. The stack frames of the emulator below a running VM hold only
    /// ids, so host calls may change the state in any way.
    pub(crate) world: Box<World>,
    /// The index of this VM.
    pub(crate) vm: usize,
    /// The callback that runs; empty while the module starts.
    pub(crate) callback: &'static str,
    /// The context that the callback was called with.
    pub(crate) current: u32,
    /// The context set by `proxy_set_effective_context`, or 0.
    pub(crate) effective: u32,
    pub(crate) restricted: Restriction,
    pub(crate) memory: Option<Memory>,
    pub(crate) allocate: Option<TypedFunc<u32, u32>>,
    /// The reason why the VM has failed, although its callback still runs.
    pub(crate) broken: Option<Failure>,
    limits: Limits,
}

impl std::fmt::Debug for HostState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostState")
            .field("vm", &self.vm)
            .field("callback", &self.callback)
            .finish_non_exhaustive()
    }
}

/// The memory limit of a VM, and its use.
#[derive(Debug, Default)]
struct Limits {
    /// Bytes of linear memory.
    memory: usize,
    before: usize,
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, to: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.before = current;
        let fits = to <= MEMORY_LIMIT;
        if fits {
            self.memory = to;
        }
        Ok(fits)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory = self.before;
        Ok(())
    }

    fn table_growing(&mut self, _: usize, to: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(to <= TABLE_LIMIT)
    }
}

/// A running instance of a module.
#[derive(Debug)]
pub(crate) struct Vm {
    store: Store<HostState>,
    /// In the order of [`callbacks::ALL`].
    callbacks: Box<[Option<Func>]>,
    abi: AbiVersion,
    metering: Metering,
    beats: u64,
    /// The memory size that was last reported to the meters.
    memory: usize,
}

impl Vm {
    /// Instantiates and starts a module. The VM holds `world` meanwhile. The error is in Envoy's words.
    pub fn start(
        code: &Code,
        index: usize,
        patience: Duration,
        world: &mut Box<World>,
    ) -> Result<Self, String> {
        let state = HostState {
            world: Box::default(),
            vm: index,
            callback: "",
            current: 0,
            effective: 0,
            restricted: Restriction::Instantiating,
            memory: None,
            allocate: None,
            broken: None,
            limits: Limits::default(),
        };
        let mut store = Store::new(code.engine, state);
        store.limiter(|state| &mut state.limits);
        let (callbacks, memory) = (Box::default(), 0);
        let beats = beats(patience);
        let mut vm = Self { store, callbacks, abi: code.abi, metering: code.metering, beats, memory };
        let ordered = world.faults.callback("_initialize");
        std::mem::swap(world, &mut vm.store.data_mut().world);
        let given = vm.allow(ordered);
        let started = vm.boot(code);
        std::mem::swap(world, &mut vm.store.data_mut().world);
        vm.account(world, "_initialize", 0, given);
        vm.store.data_mut().restricted = Restriction::None;
        started.map(|()| vm)
    }

    fn boot(&mut self, code: &Code) -> Result<(), String> {
        let store = &mut self.store;
        let failed = |what: &str, error: &wasmtime::Error| format!("{what}: {}", Failure::from_error(error));
        let (instance, memory) =
            code.instantiate(store).map_err(|e| failed("Failed to initialize Wasm code", &e))?;
        let state = store.data_mut();
        (state.memory, state.restricted) = (memory, Restriction::Starting);
        let function = |store: &mut Store<HostState>, name: &str| instance.get_func(&mut *store, name);
        // proxy-wasm-cpp-host looks for `malloc` first (`src/wasm.cc`, `getFunctions`); the ABI text says
        // otherwise.
        let allocator = ["malloc", "proxy_on_memory_allocate"]
            .iter()
            .find_map(|name| Some((name, function(store, name)?)))
            .ok_or("Wasm module is missing malloc function.")?;
        let (name, allocator) = allocator;
        let allocator = allocator
            .typed::<u32, u32>(&*store)
            .map_err(|_| format!("Bad function signature for: {name}"))?;
        store.data_mut().allocate = Some(allocator);
        self.callbacks = find_callbacks(store, instance, code.abi)?;
        let initialize = function(store, "_initialize");
        let main = initialize.and_then(|_| function(store, "main"));
        let (main, name_of_main, args) = match main {
            Some(main) => (Some(main), "main", 2),
            None => (initialize.and_then(|_| function(store, "__main_void")), "__main_void", 0),
        };
        let start = if initialize.is_some() { None } else { function(store, "_start") };
        let mut entries = Vec::new();
        for (name, entry, args, results) in
            [("_initialize", initialize, 0, 0), (name_of_main, main, args, 1), ("_start", start, 0, 0)]
        {
            let Some(entry) = entry else { continue };
            if !is_of_type(&entry.ty(&*store), args, results) {
                return Err(format!("Bad function signature for: {name}"));
            }
            entries.push((name, entry, vec![Val::I32(0); args], vec![Val::I32(0); results]));
        }
        for (name, entry, args, mut results) in entries {
            entry.call(&mut *store, &args, &mut results).map_err(|e| {
                let last = store.data().world.trace.last().join("\n");
                failed(&format!("Function: {name} failed"), &e) + "\n" + &last
            })?;
        }
        Ok(())
    }

    /// Calls a callback with `context` as its first argument. `Ok(None)`: the module does not export it.
    /// `Err`: it trapped.
    pub fn call(
        &mut self,
        world: &mut Box<World>,
        name: &str,
        context: u32,
        args: &[u32],
    ) -> Result<Option<u32>, Failure> {
        let Some(place) = callbacks::find(name) else { return Ok(None) };
        let Some(function) = self.callbacks[place] else { return Ok(None) };
        let callback = &callbacks::ALL[place];
        // Missing arguments are 0; surplus arguments are not passed.
        let mut values = [ValRaw::u32(0); callbacks::MAX_PARAMS];
        for (value, arg) in values.iter_mut().zip(std::iter::once(&context).chain(args)) {
            *value = ValRaw::u32(*arg);
        }
        let ordered = world.faults.callback(callback.name);
        let state = self.store.data_mut();
        state.callback = callback.name;
        state.current = context;
        // The effective context does not outlive a callback (proxy-wasm-cpp-host, `SaveRestoreContext`).
        state.effective = 0;
        state.restricted = Restriction::None;
        std::mem::swap(world, &mut state.world);
        let given = self.allow(ordered);
        let count = callback.params(self.abi).max(usize::from(callback.returns));
        // SAFETY: `find_callbacks` has checked that the function takes `callback.params()` numbers and
        // returns one if the callback does, and the function belongs to this store.
        let outcome =
            unsafe { function.call_unchecked(&mut self.store, std::ptr::from_mut(&mut values[..count])) };
        std::mem::swap(world, &mut self.store.data_mut().world);
        self.account(world, callback.name, context, given);
        if let Some(broken) = self.store.data_mut().broken.take() {
            return Err(broken);
        }
        match outcome {
            Ok(()) => Ok(Some(if callback.returns { values[0].get_u32() } else { 0 })),
            Err(error) => {
                let mut failure = Failure::from_error(&error);
                let spent = error.downcast_ref::<Trap>() == Some(&Trap::OutOfFuel);
                if let Some(after) = ordered.filter(|_| spent) {
                    failure.reason = format!("trapped by an injected fault after {after} instructions");
                }
                Err(failure)
            }
        }
    }

    /// Sets the deadline, and the fuel if instructions are counted. Returns the fuel.
    fn allow(&mut self, ordered: Option<u64>) -> Option<u64> {
        self.store.set_epoch_deadline(self.beats);
        if self.metering == Metering::Time {
            return None;
        }
        let limit = self.store.data().world.meters.limit.unwrap_or(MAX_FUEL);
        let given = ordered.unwrap_or(limit).min(limit);
        self.store.set_fuel(given).expect("the engine counts instructions");
        Some(given)
    }

    /// Records the instructions and the memory that a callback used.
    fn account(&mut self, world: &mut World, callback: &'static str, context: u32, given: Option<u64>) {
        let vm = self.store.data().vm;
        if let Some(given) = given {
            let left = self.store.get_fuel().expect("the engine counts instructions");
            let (thread, instructions) = (world.thread_of(vm), given.saturating_sub(left));
            world.meters.spend(Spent { thread, context, callback, instructions });
        }
        let memory = self.store.data().limits.memory;
        if memory != self.memory {
            self.memory = memory;
            world.meters.mark(vm, world.vms[vm].thread, callback, memory);
        }
    }

    /// Returns the size of the linear memory in bytes.
    pub fn memory_size(&self) -> usize {
        self.store.data().limits.memory
    }
}

/// Finds all callbacks that a module exports.
fn find_callbacks(
    store: &mut Store<HostState>,
    instance: Instance,
    abi: AbiVersion,
) -> Result<Box<[Option<Func>]>, String> {
    let mut found = vec![None; callbacks::ALL.len()];
    for (place, callback) in found.iter_mut().zip(&callbacks::ALL).filter(|(_, c)| c.exists_in(abi)) {
        let Some(function) = instance.get_func(&mut *store, callback.name) else { continue };
        let (params, results) = (callback.params(abi), usize::from(callback.returns));
        if !is_of_type(&function.ty(&*store), params, results) {
            return Err(format!("Bad function signature for: {}", callback.name));
        }
        *place = Some(function);
    }
    Ok(found.into())
}

/// Returns whether a function takes `params` and returns `results` numbers, all `i32`.
fn is_of_type(ty: &FuncType, params: usize, results: usize) -> bool {
    let mut types = ty.params().chain(ty.results());
    ty.params().len() == params && ty.results().len() == results && types.all(|ty| matches!(ty, ValType::I32))
}

fn beats(patience: Duration) -> u64 {
    u64::try_from(patience.as_millis() / HEARTBEAT.as_millis()).unwrap_or(u64::MAX >> 1).max(1) + 1
}
