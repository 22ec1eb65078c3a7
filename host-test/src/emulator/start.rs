//! Loading filters: which VMs there are, on which threads, and what they are told.
//!
//! With N workers a filter is configured N + 2 times: in a canary, whose failure refuses the configuration and which is
//! thrown away, on the main thread, and on each worker (Envoy, `source/extensions/common/wasm/plugin.cc`). Filters that
//! agree in `vm_id`, VM configuration, code and environment share a VM on each thread.

use super::context::Context;
use super::linking::{self, Code};
use super::trace::{Effect, Which};
use super::vm::Vm;
use super::world::{Plugin, UpstreamState, VmState, World};
use super::{Emulator, PATIENCE};
use crate::scenario::Turns;
use crate::{Configuration, FailurePolicy, Filter, LogLevel, Refused, Response, Scenario, Upstream};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// `reload_config.backoff.base_interval`.
const RELOAD_AFTER: Duration = Duration::from_secs(1);

/// An emulator to be, for what must be known before the filters are loaded.
#[derive(Debug)]
pub struct Builder {
    world: Box<World>,
}

impl Builder {
    /// Makes host calls of this name fail, also those made while the filters are loaded.
    pub fn fault(mut self, call: &str, which: Which, effect: Effect) -> Self {
        self.world.faults.add(call, which, effect);
        self
    }

    /// Takes a callback that runs longer than this, by the wall's clock, for an endless loop.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.world.patience = patience;
        self
    }

    /// Loads the filters.
    pub fn start(mut self) -> Result<Emulator, Refused> {
        let world = &mut self.world;
        world.settings = world.scenario.settings.clone();
        let mut upstreams = world.scenario.upstreams.clone();
        if upstreams.is_empty() {
            upstreams.push(Upstream::replies("upstream", Response::new(200).chunk("ok")));
        }
        world.upstreams = upstreams
            .into_iter()
            .map(|spec| UpstreamState { spec, turns: Turns::default(), received: Vec::new() })
            .collect();
        world.workers = world.settings.workers.max(1);
        let mut emulator = Emulator { world: self.world };
        match emulator.load() {
            Ok(()) => Ok(emulator),
            Err(reason) => Err(Refused { reason, logs: emulator.world.logs }),
        }
    }
}

impl Emulator {
    /// Loads the filters of a scenario.
    pub fn new(scenario: &Scenario) -> Result<Self, Refused> {
        Self::builder(scenario).start()
    }

    /// For what must be known before the filters are loaded.
    pub fn builder(scenario: &Scenario) -> Builder {
        let world = World { scenario: scenario.clone(), patience: PATIENCE, ..World::default() };
        Builder { world: Box::new(world) }
    }

    fn load(&mut self) -> Result<(), String> {
        let mut codes = Vec::new();
        for filter in self.world.scenario.filters.clone() {
            let path = filter.wasm.path();
            let wasm = std::fs::read(path)
                .unwrap_or_else(|e| panic!("cannot read the module {}: {e}", path.display()));
            let code = linking::load(&wasm).map_err(|why| refusal(&filter, &why))?;
            self.world.plugins.push(plugin(filter, &code));
            codes.push(code);
        }
        for (plugin, code) in codes.iter().enumerate() {
            self.canary(plugin, code)?;
            self.start_on(0, plugin, code)?;
        }
        for thread in 1..=self.world.workers {
            for (plugin, code) in codes.iter().enumerate() {
                self.start_on(thread, plugin, code)?;
            }
        }
        Ok(())
    }

    /// Tries a filter in a VM of its own, which nobody hears of when it goes.
    fn canary(&mut self, plugin: usize, code: &Arc<Code>) -> Result<(), String> {
        let vm = self.new_vm(0, plugin, code)?;
        let tried = self.new_root(vm, plugin);
        self.world.instances[vm] = None;
        let state = &mut self.world.vms[vm];
        state.contexts.clear();
        state.deferred.clear();
        tried.map(|_| ())
    }

    /// Makes sure that a filter runs on a thread.
    fn start_on(&mut self, thread: usize, plugin: usize, code: &Arc<Code>) -> Result<(), String> {
        let key = self.world.plugins[plugin].vm_key.clone();
        let vm = match self.world.serving(thread, &key).filter(|vm| !self.world.vms[*vm].failed) {
            Some(vm) => vm,
            None => self.new_vm(thread, plugin, code)?,
        };
        let alike = &self.world.plugins[plugin].key;
        let root = self.world.roots.iter().find_map(|((on, other), (other_vm, root))| {
            let same = *on == thread && *other_vm == vm && self.world.plugins[*other].key == *alike;
            same.then_some(*root)
        });
        let root = match root {
            Some(root) => root,
            None => self.new_root(vm, plugin)?,
        };
        self.world.roots.insert((thread, plugin), (vm, root));
        Ok(())
    }

    pub(super) fn new_vm(&mut self, thread: usize, plugin: usize, code: &Arc<Code>) -> Result<usize, String> {
        let filter = &self.world.plugins[plugin].filter;
        let state = VmState {
            thread,
            key: self.world.plugins[plugin].vm_key.clone(),
            vm_id: filter.vm_id.clone(),
            configuration: filter.vm_configuration.clone(),
            environment: filter.environment.clone(),
            abi: code.abi,
            contexts: BTreeMap::new(),
            next_context: 1,
            deferred: VecDeque::new(),
            stop_iteration: false,
            failed: false,
            metrics: HashMap::new(),
            tokens: [0; 3],
            reload_at: Some(self.world.clock.now() + RELOAD_AFTER),
        };
        self.world.vms.push(state);
        let index = self.world.vms.len() - 1;
        self.world.instances.push(None);
        let vm = Vm::start(code, index, self.world.patience, &mut self.world).map_err(|why| {
            self.world.log(LogLevel::Critical, why.clone());
            refusal(&self.world.plugins[plugin].filter, &why)
        })?;
        self.world.instances[index] = Some(vm);
        Ok(index)
    }

    /// A root context: created, started, configured.
    fn new_root(&mut self, vm: usize, plugin: usize) -> Result<u32, String> {
        let root = self.world.vms[vm].add(Context::root(plugin));
        let vm_size = self.world.vms[vm].configuration.len() as u32;
        // The configuration can be read while the root context is created, and again while it is configured, and not
        // in between (proxy-wasm-cpp-host, `context.cc`, onStart).
        self.world.context_mut(vm, root).root.configuring = true;
        self.root_call(vm, root, "proxy_on_context_create", &[0])?;
        let context = self.world.context_mut(vm, root);
        context.root.configuring = false;
        context.created = true;
        if self.root_call(vm, root, "proxy_on_vm_start", &[vm_size])? == Some(0) {
            return Err(self.refused(plugin, "proxy_on_vm_start returned false"));
        }
        self.configure(vm, root, plugin)?;
        Ok(root)
    }

    fn configure(&mut self, vm: usize, root: u32, plugin: usize) -> Result<(), String> {
        let size = self.world.plugins[plugin].configuration.len() as u32;
        self.world.context_mut(vm, root).root.configuring = true;
        let answer = self.root_call(vm, root, "proxy_on_configure", &[size])?;
        self.world.context_mut(vm, root).root.configuring = false;
        match answer {
            Some(0) => Err(self.refused(plugin, "proxy_on_configure returned false")),
            _ => Ok(()),
        }
    }

    fn root_call(&mut self, vm: usize, root: u32, name: &str, args: &[u32]) -> Result<Option<u32>, String> {
        let outcome = self.enter_plainly(vm, root, name, args);
        self.after_call(vm);
        outcome.map_err(|()| {
            let why = self.world.traps.last().map(|t| format!("{name} failed: {}", t.reason));
            self.refused(self.world.context(vm, root).map_or(0, |c| c.plugin), &why.unwrap_or_default())
        })
    }

    fn refused(&self, plugin: usize, why: &str) -> String {
        refusal(&self.world.plugins[plugin].filter, why)
    }

    /// Where a request on a worker finds a filter: its VM and its root context, or nothing if it is to be left out.
    pub(crate) fn plugin_on(&mut self, worker: usize, plugin: usize) -> Option<(usize, u32)> {
        let place @ (vm, _) = *self.world.roots.get(&(worker, plugin))?;
        if !self.world.vms[vm].failed {
            return Some(place);
        }
        match self.world.plugins[plugin].filter.failure_policy {
            FailurePolicy::FailOpen => None,
            FailurePolicy::FailClosed => Some(place),
            FailurePolicy::FailReload => {
                let due = self.world.vms[vm].reload_at.is_some_and(|at| at <= self.world.clock.now());
                if due {
                    self.reload(worker, plugin);
                }
                self.world.roots.get(&(worker, plugin)).copied()
            }
        }
    }

    /// A new VM in place of a failed one. When that fails too, the old one stays, and the wait starts again.
    fn reload(&mut self, thread: usize, plugin: usize) {
        let wasm = std::fs::read(self.world.plugins[plugin].filter.wasm.path());
        let code = wasm.ok().and_then(|wasm| linking::load(&wasm).ok());
        let old = self.world.roots.get(&(thread, plugin)).map(|(vm, _)| *vm);
        let done = code.is_some_and(|code| self.start_on(thread, plugin, &code).is_ok());
        if let Some(old) = old.filter(|_| !done) {
            self.world.vms[old].reload_at = Some(self.world.clock.now() + RELOAD_AFTER);
        }
    }

    /// Delivers another configuration for a filter, as an update of the listener does: a new root context in the same
    /// VM, and then the old one is asked whether it is done. A refused one changes nothing.
    pub fn reconfigure(&mut self, plugin: usize, configuration: &Configuration) -> Result<(), Refused> {
        let logged = self.world.logs.len();
        let mut filter = self.world.plugins[plugin].filter.clone();
        filter.configuration = configuration.clone();
        let refused =
            |emulator: &Self, reason| Refused { reason, logs: emulator.world.logs[logged..].to_vec() };
        let wasm = std::fs::read(filter.wasm.path()).unwrap_or_default();
        let code = linking::load(&wasm).map_err(|reason| refused(self, reason))?;
        let new = self::plugin(filter, &code);
        let old = std::mem::replace(&mut self.world.plugins[plugin], new);
        if let Err(reason) = self.canary(plugin, &code) {
            self.world.plugins[plugin] = old;
            return Err(refused(self, reason));
        }
        for thread in 0..=self.world.workers {
            let Some((vm, root)) = self.world.roots.remove(&(thread, plugin)) else { continue };
            self.start_on(thread, plugin, &code).map_err(|reason| refused(self, reason))?;
            self.end_root(vm, root);
        }
        Ok(())
    }
}

fn refusal(filter: &Filter, why: &str) -> String {
    format!("Unable to create Wasm plugin {}: {why}", filter.name)
}

pub(super) fn plugin(filter: Filter, code: &Code) -> Plugin {
    let configuration = match &filter.configuration {
        Configuration::None => Vec::new(),
        Configuration::Text(text) => text.clone(),
        Configuration::Struct(json) => json.as_object().map(structure).unwrap_or_default(),
    };
    let vm_key = format!(
        "{}|{}|{}|{:?}",
        filter.vm_id,
        filter.vm_configuration.escape_ascii(),
        code.hash,
        filter.environment
    );
    let key = format!("{}||{}||{:?}", filter.root_id, configuration.escape_ascii(), filter.failure_policy);
    Plugin { filter, configuration, vm_key, key }
}

/// A `google.protobuf.Struct`, serialised.
fn structure(object: &serde_json::Map<String, serde_json::Value>) -> Vec<u8> {
    let entry = |(key, value): (&String, &serde_json::Value)| {
        let value = self::value(value);
        tagged(1, &[tagged(1, key.as_bytes()), tagged(2, &value)].concat())
    };
    object.iter().flat_map(entry).collect()
}

/// A `google.protobuf.Value`, serialised.
fn value(json: &serde_json::Value) -> Vec<u8> {
    use serde_json::Value::{Array, Bool, Null, Number, Object, String};
    match json {
        Null => vec![0x08, 0],
        Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN).to_le_bytes();
            [&[0x11][..], &number].concat()
        }
        String(text) => tagged(3, text.as_bytes()),
        Bool(bit) => vec![0x20, u8::from(*bit)],
        Object(object) => tagged(5, &structure(object)),
        Array(list) => {
            let values: Vec<u8> = list.iter().flat_map(|v| tagged(1, &value(v))).collect();
            tagged(6, &values)
        }
    }
}

fn tagged(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}
