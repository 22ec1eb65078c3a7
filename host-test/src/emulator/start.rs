//! Loads filters: creates the VMs on each thread and configures their root contexts.
//!
//! With N workers a filter is configured N + 2 times: in a canary VM, on the main thread, and on each worker
//! (Envoy, `source/extensions/common/wasm/plugin.cc`). If the canary fails, the configuration is rejected;
//! the canary is discarded either way. Filters with equal `vm_id`, VM configuration, code and environment
//! share a VM on each thread.

use super::Emulator;
use super::context::Context;
use super::linking::{self, Code, Metering};
use super::traps::format_frames;
use super::vm::Vm;
use super::world::{Plugin, VmState};
use crate::{Configuration, FailurePolicy, Filter, LogLevel, Refused, Scenario};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

impl Emulator {
    pub(crate) fn load_first(&mut self, codes: &[Arc<Code>]) -> Result<(), String> {
        let plugins = loaded(&self.world.scenario).cloned().zip(codes);
        self.world.plugins = plugins.map(|(filter, code)| plugin(filter, code)).collect();
        for (plugin, code) in codes.iter().enumerate() {
            self.base(plugin, code)?;
            // A plugin that was tried is not tried again (proxy-wasm-cpp-host, `wasm.cc`,
            // `plugin_canary_cache_`).
            let (this, before) = (&self.world.plugins[plugin], &self.world.plugins[..plugin]);
            if !before.iter().any(|other| other.vm_key == this.vm_key && other.key == this.key) {
                self.canary(plugin, code)?;
            }
            self.start_on(0, plugin, code)?;
        }
        Ok(())
    }

    /// Loads the filters on a thread.
    pub(crate) fn load_on(&mut self, thread: usize, codes: &[Arc<Code>]) -> Result<(), String> {
        codes.iter().enumerate().try_for_each(|(plugin, code)| self.start_on(thread, plugin, code))
    }

    /// Starts the base VM, from which Envoy clones the VM of each thread. The base VM only starts; a module
    /// that logs while it starts shows this (proxy-wasm-cpp-host, `wasm.cc`, `createWasm`). Filters that
    /// share a VM share the base VM.
    fn base(&mut self, plugin: usize, code: &Arc<Code>) -> Result<(), String> {
        let key = &self.world.plugins[plugin].vm_key;
        if self.world.vms.iter().any(|vm| vm.key == *key) {
            return Ok(());
        }
        let vm = self.new_vm(0, plugin, code)?;
        self.discard(vm);
        Ok(())
    }

    fn discard(&mut self, vm: usize) {
        self.world.instances[vm] = None;
        let state = &mut self.world.vms[vm];
        state.contexts.clear();
        state.deferred.clear();
    }

    /// Tries a filter's configuration in a VM of its own, which is then discarded without any callback.
    fn canary(&mut self, plugin: usize, code: &Arc<Code>) -> Result<(), String> {
        let vm = self.new_vm(0, plugin, code)?;
        let tried = self.new_root(vm, plugin);
        self.discard(vm);
        tried.map(|_| ())
    }

    /// Starts a filter on a thread, reusing a VM and a root context where they can be shared.
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
            reload_at: Some(self.world.clock.now() + filter.reload_after),
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

    /// Starts a filter's module in a separate VM, up to the end of `_initialize`, and drops it. Use this to
    /// measure the cost of a new VM. It has no effect other than the host calls that the module makes
    /// meanwhile.
    pub fn start_alone(&mut self, plugin: usize) -> Result<(), Refused> {
        let logged = self.world.logs.len();
        let code = open(&self.world.plugins[plugin].filter, self.world.meters.metering());
        let vms = self.world.vms.len();
        let started = code.and_then(|code| self.new_vm(0, plugin, &code));
        self.world.vms.truncate(vms);
        self.world.instances.truncate(vms);
        started.map(|_| ()).map_err(|reason| Refused { reason, logs: self.world.logs[logged..].to_vec() })
    }

    /// Creates, starts and configures a root context.
    fn new_root(&mut self, vm: usize, plugin: usize) -> Result<u32, String> {
        let root = self.world.vms[vm].add(Context::root(plugin));
        let vm_size = self.world.vms[vm].configuration.len() as u32;
        // The configuration can be read while the root context is created and while it is configured, but not
        // in between (proxy-wasm-cpp-host, `context.cc`, `onStart`).
        self.world.context_mut(vm, root).root.configuring = true;
        // Envoy does not check for a trap here. It still calls `proxy_on_vm_start`, but not
        // `proxy_on_configure`, and the VM has failed when the first request arrives.
        let trapped = self.root_call(vm, root, "proxy_on_context_create", &[0]).is_err();
        self.world.vms[vm].failed = false;
        let context = self.world.context_mut(vm, root);
        context.root.configuring = false;
        context.created = true;
        if self.root_call(vm, root, "proxy_on_vm_start", &[vm_size])? == Some(0) {
            return Err(self.refused(plugin, "proxy_on_vm_start returned false"));
        }
        if trapped {
            self.world.vms[vm].failed = true;
            return Ok(root);
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
            let why = self
                .world
                .traps
                .last()
                .map(|t| format!("{name} failed: {}{}", t.reason, format_frames(&t.frames)));
            self.refused(self.world.context(vm, root).map_or(0, |c| c.plugin), &why.unwrap_or_default())
        })
    }

    fn refused(&self, plugin: usize, why: &str) -> String {
        refusal(&self.world.plugins[plugin].filter, why)
    }

    /// Returns the VM and root context of a filter on a worker, or `None` if the filter must be skipped.
    pub(crate) fn plugin_on(&mut self, worker: usize, plugin: usize) -> Option<(usize, u32)> {
        let place @ (vm, _) = *self.world.roots.get(&(worker, plugin))?;
        if !self.world.vms[vm].failed {
            return Some(place);
        }
        match self.world.plugins[plugin].filter.failure_policy {
            FailurePolicy::FailOpen | FailurePolicy::LegacyFailOpen => None,
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

    /// Replaces a failed VM by a new one. If this fails too, the old one stays and the wait starts again.
    fn reload(&mut self, thread: usize, plugin: usize) {
        let code = open(&self.world.plugins[plugin].filter, self.world.meters.metering()).ok();
        let old = self.world.roots.get(&(thread, plugin)).map(|(vm, _)| *vm);
        let done = code.is_some_and(|code| self.start_on(thread, plugin, &code).is_ok());
        if let Some(old) = old.filter(|_| !done) {
            let wait = self.world.plugins[plugin].filter.reload_after;
            self.world.vms[old].reload_at = Some(self.world.clock.now() + wait);
        }
    }

    /// Delivers a new configuration for a filter, as a listener update does: creates a new root context in
    /// the same VM, then calls `proxy_on_done` on the old one. A rejected configuration changes nothing.
    pub fn reconfigure(&mut self, plugin: usize, configuration: &Configuration) -> Result<(), Refused> {
        let logged = self.world.logs.len();
        let mut filter = self.world.plugins[plugin].filter.clone();
        filter.configuration = configuration.clone();
        let refused =
            |emulator: &Self, reason| Refused { reason, logs: emulator.world.logs[logged..].to_vec() };
        let code = open(&filter, self.world.meters.metering()).map_err(|reason| refused(self, reason))?;
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

/// Returns all filters, in the order of the plugins.
fn loaded(scenario: &Scenario) -> impl Iterator<Item = &Filter> {
    scenario.filters.iter().chain(&scenario.network_filters)
}

/// Returns the modules of a scenario's filters, or Envoy's error message.
pub(crate) fn codes(scenario: &Scenario, metering: Metering) -> Result<Vec<Arc<Code>>, String> {
    loaded(scenario).map(|filter| open(filter, metering).map_err(|why| refusal(filter, &why))).collect()
}

fn open(filter: &Filter, metering: Metering) -> Result<Arc<Code>, String> {
    linking::open(filter.wasm.path(), metering)
}

fn refusal(filter: &Filter, why: &str) -> String {
    format!("Unable to create Wasm plugin {}: {why}", filter.name)
}

pub(super) fn plugin(filter: Filter, code: &Code) -> Plugin {
    let configuration = match &filter.configuration {
        Configuration::None => Vec::new(),
        Configuration::Text(text) => text.clone(),
        Configuration::Struct(json) => json.as_object().map(super::structs::structure).unwrap_or_default(),
    };
    let vm_key = format!(
        "{}|{}|{}|{:?}",
        filter.vm_id,
        filter.vm_configuration.escape_ascii(),
        code.hash,
        filter.environment
    );
    let key = format!(
        "{}||{}||{}||{:?}",
        filter.name,
        filter.root_id,
        configuration.escape_ascii(),
        filter.failure_policy
    );
    Plugin { filter, configuration, vm_key, key }
}
