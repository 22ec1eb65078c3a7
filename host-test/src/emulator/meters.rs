//! What filters use up: instructions by callback, and memory.
//!
//! Time says little about a filter on a machine that does other things as well. Instructions are the same in every
//! run, so a test can hold a filter to a number of them. They are counted as the engine counts: most cost 1, those that
//! only structure the code cost nothing, and one that moves or fills memory costs 1 whatever it moves.

use super::linking::Metering;
use std::collections::{BTreeMap, VecDeque};

/// Callbacks of which each is kept: the last ones.
const KEPT: usize = 65_536;

/// What one callback cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The thread: 0 is the main thread, 1 the first worker.
    pub thread: usize,
    /// The context it was called with.
    pub context: u32,
    /// The callback, as exported. Starting a module counts as `_initialize`.
    pub callback: &'static str,
    /// What it carried out, with what the module's allocator did for the host meanwhile.
    pub instructions: u64,
}

/// What all callbacks of a name cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many there were.
    pub calls: u64,
    /// Instructions of all of them.
    pub sum: u64,
    /// Instructions of the dearest.
    pub most: u64,
}

/// The memory of a VM. Linear memory never shrinks, so what it has is the most it had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryMark {
    /// The thread: 0 is the main thread, also of the VMs that only try a configuration.
    pub thread: usize,
    /// Bytes.
    pub bytes: usize,
    /// By how many bytes it grew in callbacks of a name; what it was created with is `""`.
    pub growth: BTreeMap<&'static str, usize>,
    /// The VM has failed.
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
    /// By VM.
    pub memory: Vec<MemoryMark>,
}

impl Meters {
    pub fn metering(&self) -> Metering {
        if self.metered { Metering::Instructions } else { Metering::Time }
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

    /// The memory of a VM is this large now.
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
