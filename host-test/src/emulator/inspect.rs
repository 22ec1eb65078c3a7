//! What filters did and what it cost, for tests that want to know.

use super::meters::{Cost, MemoryMark, Spent};
use super::trace::Call;
use super::{Emulator, StreamHandle};
use crate::{Exchange, Outcome};
use std::collections::BTreeMap;

impl Emulator {
    /// The last 65,536 host calls, or as many as [`Builder::keep_calls`](super::Builder::keep_calls) says; fewer, if
    /// what they carried is more than 64 MiB.
    pub fn calls(&self) -> Vec<Call> {
        self.world.trace.calls()
    }

    /// How many host calls there was no room for.
    pub fn calls_forgotten(&self) -> u64 {
        self.world.trace.forgotten()
    }

    /// What came of a request, if it is complete, and forgets it. For runs of many requests: an emulator keeps what came
    /// of each until it is taken.
    pub fn take_exchange(&mut self, handle: StreamHandle) -> Option<Exchange> {
        self.world.done.remove(&handle.number())
    }

    /// All that was recorded since the start or since the last time it was taken: completed requests in the order in
    /// which they were sent, what upstreams got, lines of log and of the trace. Counters and gauges go on,
    /// and connections are not told. For runs of many requests: what is taken takes no room.
    pub fn take(&mut self) -> Outcome {
        let world = &mut self.world;
        let callouts =
            world.upstreams.iter_mut().map(|u| (u.spec.name.clone(), std::mem::take(&mut u.received)));
        Outcome {
            callouts: callouts.skip(1).collect(),
            exchanges: std::mem::take(&mut world.done).into_values().collect(),
            connections: Vec::new(),
            metrics: world.metrics.snapshot(),
            logs: std::mem::take(&mut world.logs),
            trace: world.trace.take(),
        }
    }

    /// What the last 65,536 callbacks cost. Nothing, unless instructions are counted:
    /// [`Builder::metered`](super::Builder::metered).
    pub fn spent(&self) -> impl Iterator<Item = &Spent> {
        self.world.meters.spent.iter()
    }

    /// What all callbacks cost, by name. Nothing, unless instructions are counted.
    pub fn costs(&self) -> &BTreeMap<&'static str, Cost> {
        &self.world.meters.costs
    }

    /// What requests cost: instructions of all callbacks for streams, divided by the streams there were.
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

    /// Fails the test if any callback of this name has carried out more instructions than this, or none was metered.
    #[track_caller]
    pub fn assert_at_most(&self, callback: &str, instructions: u64) {
        let Some(cost) = self.world.meters.costs.get(callback) else {
            panic!("no `{callback}` was metered, only {:?}", self.world.meters.costs.keys());
        };
        assert!(
            cost.most <= instructions,
            "`{callback}` carried out {} instructions, more than {instructions}; {} calls, {} on average",
            cost.most,
            cost.calls,
            cost.sum / cost.calls
        );
    }

    /// The memory of all VMs there were, in the order of their start, also of those that are gone.
    pub fn memory_marks(&self) -> Vec<MemoryMark> {
        let vms = self.world.vms.iter();
        let marks = self.world.meters.memory.iter().zip(vms);
        marks.map(|(mark, vm)| MemoryMark { lost: vm.failed, ..mark.clone() }).collect()
    }

    /// Does something `times` times, and fails the test if a VM has more memory after the second half than after the
    /// first. A filter that leaks keeps growing; one that does not has all the memory it will ever need soon.
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
