//! Inspects a running emulator: host calls, costs, memory, and results taken between requests.

use super::meters::{Cost, MemoryMark, Spent};
use super::trace::Call;
use super::traps::Trap;
use super::{Emulator, StreamHandle};
use crate::{Exchange, Outcome};
use std::collections::BTreeMap;

impl Emulator {
    /// Returns the last host calls: up to 65,536, or the number set with
    /// [`Builder::keep_calls`](super::Builder::keep_calls), and up to 64 MiB of arguments and results.
    pub fn calls(&self) -> Vec<Call> {
        self.world.trace.calls()
    }

    /// Returns how many host calls were dropped because the trace was full.
    pub fn calls_forgotten(&self) -> u64 {
        self.world.trace.dropped()
    }

    /// Returns the exchange of a request and removes it, if it is complete. Use this in runs of many
    /// requests: the emulator keeps each exchange in memory until it is taken.
    pub fn take_exchange(&mut self, handle: StreamHandle) -> Option<Exchange> {
        self.world.done.remove(&handle.number())
    }

    /// Returns everything recorded since the start or since the last call, and clears it: completed requests
    /// in the order in which they were sent, the requests that upstreams received, log lines and the trace.
    /// Counters and gauges keep their values, and connections are not included. Use this in runs of many
    /// requests to free memory.
    pub fn drain(&mut self) -> Outcome {
        let world = &mut self.world;
        let callouts =
            world.upstreams.iter_mut().map(|u| (u.spec.name.clone(), std::mem::take(&mut u.received)));
        Outcome {
            callouts: callouts.skip(1).collect(),
            exchanges: std::mem::take(&mut world.done).into_values().collect(),
            connections: Vec::new(),
            metrics: world.metrics.snapshot(),
            histograms: world.metrics.histograms(),
            logs: std::mem::take(&mut world.logs),
            traps: world.traps.iter().map(Trap::of_outcome).collect(),
            host_calls: world.trace.counts(),
            instructions: world.meters.by_name(),
            trace: world.trace.take(),
        }
    }

    /// Returns the cost of each of the last 65,536 callbacks. Empty unless instructions are counted, see
    /// [`Builder::metered`](super::Builder::metered).
    pub fn spent(&self) -> impl Iterator<Item = &Spent> {
        self.world.meters.spent.iter()
    }

    /// Returns the total cost of all callbacks, by name. Empty unless instructions are counted.
    pub fn costs(&self) -> &BTreeMap<&'static str, Cost> {
        &self.world.meters.costs
    }

    /// Returns the average cost of a request: the instructions of all stream callbacks, divided by the number
    /// of streams.
    pub fn instructions_per_request(&self) -> u64 {
        const OF_STREAMS: [&str; 9] = [
            "proxy_on_request_headers",
            "proxy_on_request_body",
            "proxy_on_request_trailers",
            "proxy_on_response_headers",
            "proxy_on_response_body",
            "proxy_on_response_trailers",
            "proxy_on_log",
            "proxy_on_done",
            "proxy_on_delete",
        ];
        let costs = &self.world.meters.costs;
        let sum: u64 = OF_STREAMS.iter().filter_map(|name| costs.get(name)).map(|cost| cost.sum).sum();
        sum / self.world.next_stream.max(1)
    }

    /// Fails the test if a callback of this name executed more than `instructions`, or if none was metered.
    #[track_caller]
    pub fn assert_at_most(&self, callback: &str, instructions: u64) {
        let Some(cost) = self.world.meters.costs.get(callback) else {
            panic!("no call of `{callback}` was metered, only {:?}", self.world.meters.costs.keys());
        };
        assert!(
            cost.most <= instructions,
            "`{callback}` executed {} instructions, more than {instructions}; {} calls, {} on average",
            cost.most,
            cost.calls,
            cost.sum / cost.calls
        );
    }

    /// Returns the memory of all VMs in the order of their start, including VMs that no longer exist.
    pub fn memory_marks(&self) -> Vec<MemoryMark> {
        let vms = self.world.vms.iter();
        let marks = self.world.meters.memory.iter().zip(vms);
        marks.map(|(mark, vm)| MemoryMark { lost: vm.failed, ..mark.clone() }).collect()
    }

    /// Calls `step` `times` times, and fails the test if any VM has more memory at the end than half-way. A
    /// filter that leaks keeps growing; any other filter soon has all the memory that it needs.
    #[track_caller]
    pub fn assert_memory_is_steady(&mut self, times: usize, mut step: impl FnMut(&mut Self, usize)) {
        (0..times / 2).for_each(|n| step(self, n));
        let half = self.memory_marks();
        (times / 2..times).for_each(|n| step(self, n));
        for (vm, (then, now)) in half.iter().zip(self.memory_marks()).enumerate() {
            let grown: Vec<_> =
                now.growth.iter().filter(|(name, by)| then.growth.get(*name) != Some(by)).collect();
            assert!(
                now.bytes <= then.bytes,
                "VM {vm} on thread {} grew from {} bytes to {} between repetition {} and {times}, in {grown:?}",
                now.thread,
                then.bytes,
                now.bytes,
                times / 2
            );
        }
    }
}
