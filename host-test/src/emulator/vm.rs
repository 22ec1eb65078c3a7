//! A VM: an instance of a module with its memory, and the way into it.

use super::abi::Stop;
use super::linking::{self, Code, HEARTBEAT};
use super::world::World;
use std::time::Duration;
use wasmtime::{Func, Instance, Memory, Store, StoreLimits, StoreLimitsBuilder, Val};

/// `proxy-wasm-cpp-host`, `include/proxy-wasm/limits.h`.
const MEMORY_LIMIT: usize = 1 << 30;

/// Why a host call is refused: the VM may only do a few things while it starts or allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restriction {
    None,
    /// `_initialize`, `main`, `_start`.
    Starting,
    /// `malloc` or `proxy_on_memory_allocate`, called by the host.
    Allocating,
}

/// What host calls reach through their store.
#[derive(Debug)]
pub struct HostState {
    /// Everything but this VM. It is here while the VM runs, and with the emulator otherwise; the other of the two has
    /// a hollow one. The frames of the emulator below a VM that runs know ids and nothing else, so that what comes back
    /// to them may be changed in any way.
    pub(crate) world: Box<World>,
    /// Which VM this is.
    pub(crate) vm: usize,
    /// The context that was called.
    pub(crate) current: u32,
    /// The context that `set_effective_context` chose, or 0.
    pub(crate) effective: u32,
    pub(crate) restricted: Restriction,
    pub(crate) memory: Option<Memory>,
    pub(crate) allocate: Option<Func>,
    limits: StoreLimits,
}

/// An instance.
#[derive(Debug)]
pub(crate) struct Vm {
    store: Store<HostState>,
    instance: Instance,
    patience: Duration,
}

impl Vm {
    /// Instantiates and starts a module. `world` is there while it starts; the error says in Envoy's words what failed.
    pub fn start(
        code: &Code,
        index: usize,
        patience: Duration,
        world: &mut Box<World>,
    ) -> Result<Self, String> {
        let state = HostState {
            world: Box::default(),
            vm: index,
            current: 0,
            effective: 0,
            restricted: Restriction::Starting,
            memory: None,
            allocate: None,
            limits: StoreLimitsBuilder::new().memory_size(MEMORY_LIMIT).build(),
        };
        let mut store = Store::new(linking::engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_epoch_deadline(beats(patience));
        std::mem::swap(world, &mut store.data_mut().world);
        let started = Self::boot(code, &mut store);
        std::mem::swap(world, &mut store.data_mut().world);
        store.data_mut().restricted = Restriction::None;
        started.map(|instance| Self { store, instance, patience })
    }

    fn boot(code: &Code, store: &mut Store<HostState>) -> Result<Instance, String> {
        let failed = |what: &str, e: &wasmtime::Error| format!("{what}: {}", linking::chain(e));
        let instance = linking::linker(code.abi)
            .instantiate(&mut *store, &code.module)
            .map_err(|e| failed("Failed to initialize Wasm code", &e))?;
        store.data_mut().memory = instance.get_memory(&mut *store, "memory");
        let function = |store: &mut Store<HostState>, name: &str| instance.get_func(&mut *store, name);
        // The host looks for `malloc` first (proxy-wasm-cpp-host, `src/wasm.cc`, getFunctions); the ABI says otherwise.
        let allocator = ["malloc", "proxy_on_memory_allocate"].iter().find_map(|name| function(store, name));
        let allocator = allocator.ok_or("Wasm module is missing malloc function.")?;
        allocator.typed::<u32, u32>(&*store).map_err(|e| failed("Wasm module has a strange malloc", &e))?;
        store.data_mut().allocate = Some(allocator);
        let entries: &[&str] = match function(store, "_initialize") {
            Some(_) if function(store, "main").is_some() => &["_initialize", "main"],
            Some(_) => &["_initialize", "__main_void"],
            None => &["_start"],
        };
        for name in entries {
            let Some(entry) = function(store, name) else { continue };
            let ty = entry.ty(&*store);
            let args = vec![Val::I32(0); ty.params().len()];
            let mut results = vec![Val::I32(0); ty.results().len()];
            entry.call(&mut *store, &args, &mut results).map_err(|e| {
                let last = store.data().world.trace.last().join("\n");
                format!("Function: {name} failed: {}\n{last}", linking::chain(&e))
            })?;
        }
        Ok(instance)
    }

    /// Calls a callback with `context` as its first argument. `Ok(None)`: it is not exported. `Err`: why it trapped.
    pub fn call(
        &mut self,
        world: &mut Box<World>,
        name: &str,
        context: u32,
        args: &[u32],
    ) -> Result<Option<u32>, String> {
        let Some(callback) = self.instance.get_func(&mut self.store, name) else { return Ok(None) };
        let ty = callback.ty(&self.store);
        let given = std::iter::once(context).chain(args.iter().copied());
        let args: Vec<_> = given.map(|arg| Val::I32(arg.cast_signed())).collect();
        let mut results = vec![Val::I32(0); ty.results().len()];
        let state = self.store.data_mut();
        state.current = context;
        // The effective context does not outlive an entry (proxy-wasm-cpp-host, `SaveRestoreContext`).
        state.effective = 0;
        state.restricted = Restriction::None;
        std::mem::swap(world, &mut state.world);
        self.store.set_epoch_deadline(beats(self.patience));
        let outcome = callback.call(&mut self.store, &args, &mut results);
        std::mem::swap(world, &mut self.store.data_mut().world);
        match outcome {
            Ok(()) => Ok(Some(results.first().and_then(Val::i32).unwrap_or(0).cast_unsigned())),
            Err(error) => Err(reason(&error)),
        }
    }

    /// Bytes of linear memory.
    pub fn memory_size(&self) -> usize {
        self.store.data().memory.map_or(0, |memory| memory.data_size(&self.store))
    }
}

fn beats(patience: Duration) -> u64 {
    u64::try_from(patience.as_millis() / HEARTBEAT.as_millis()).unwrap_or(u64::MAX).max(1) + 1
}

fn reason(error: &wasmtime::Error) -> String {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stop.to_string();
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::Interrupt) => {
            format!("still running when its time was up; {}", linking::chain(error))
        }
        _ => linking::chain(error),
    }
}
