//! Measures the resources that filters use: instructions per callback, and memory.
//!
//! On a machine that also does other work, time says little about a filter. Instruction counts are the same
//! in every run, so a test can set a limit. They are counted as the engine counts them: most instructions
//! cost 1, those that only structure the code cost nothing, and one that moves or fills memory costs 1
//! whatever the size.

use super::linking::Metering;
use std::collections::{BTreeMap, VecDeque};

/// Number of callbacks of which the individual cost is kept; older ones are dropped.
const KEPT: usize = 65_536;

/// The cost of one callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The thread: 0 is the main thread, 1 the first worker.
    pub thread: usize,
    /// The context that the callback was called with.
    pub context: u32,
    /// The callback's export name. Starting a module counts as `_initialize`.
    pub callback: &'static str,
    /// The instructions executed, including those of the module's allocator when the host called it
    /// meanwhile.
    pub instructions: u64,
}

/// The total cost of all callbacks with the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The number of calls.
    pub calls: u64,
    /// The instructions of all calls.
    pub sum: u64,
    /// The instructions of the most expensive call.
    pub most: u64,
}

/// The memory of a VM. Linear memory never shrinks, so the current size is also the peak.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryMark {
    /// The thread: 0 is the main thread, which also runs the VMs that only try a configuration.
    pub thread: usize,
    /// The size in bytes.
    pub bytes: usize,
    /// Growth in bytes per callback name. The initial size counts as growth in `_initialize`.
    pub growth: BTreeMap<&'static str, usize>,
    /// Whether the VM has failed.
    pub lost: bool,
}

/// All meters of an emulator.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    /// Whether instructions are counted.
    pub metered: bool,
    /// Instructions after which a callback is stopped.
    pub limit: Option<u64>,
    pub spent: VecDeque<Spent>,
    pub costs: BTreeMap<&'static str, Cost>,
    /// The memory of each VM, by its index.
    pub memory: Vec<MemoryMark>,
}

impl Meters {
    pub fn metering(&self) -> Metering {
        if self.metered { Metering::Instructions } else { Metering::Time }
    }

    /// Returns the cost of callbacks by name.
    pub fn by_name(&self) -> BTreeMap<String, Cost> {
        self.costs.iter().map(|(name, cost)| ((*name).to_owned(), *cost)).collect()
    }

    pub fn spend(&mut self, spent: Spent) {
        let cost = self.costs.entry(spent.callback).or_default();
        cost.calls += 1;
        cost.sum += spent.instructions;
        cost.most = cost.most.max(spent.instructions);
        if self.spent.len() == KEPT {
            self.spent.pop_front();
        }
        self.spent.push_back(spent);
    }

    /// Records the current memory size of a VM.
    pub fn mark(&mut self, vm: usize, thread: usize, callback: &'static str, bytes: usize) {
        if self.memory.len() <= vm {
            self.memory.resize_with(vm + 1, MemoryMark::default);
        }
        let mark = &mut self.memory[vm];
        mark.thread = thread;
        *mark.growth.entry(callback).or_default() += bytes.saturating_sub(mark.bytes);
        mark.bytes = bytes;
    }
}
