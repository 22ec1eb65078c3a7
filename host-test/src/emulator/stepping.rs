//! One event at a time, for those who want to act between any two.

use super::proxy::Way;
use super::world::Part;
use super::{Emulator, StreamHandle};
use crate::Request;
use std::collections::BTreeMap;
use std::time::Duration;

impl Emulator {
    /// Sends a request to a worker, the first being 0, and stops when its headers have been through the filters. Its
    /// body and all that follows happen by [`Emulator::step`].
    pub fn begin(&mut self, worker: usize, request: &Request) -> StreamHandle {
        let workers = self.world.workers;
        assert!(worker < workers, "there are {workers} workers, and `{worker}` is none of them");
        StreamHandle(self.accept(worker + 1, request))
    }

    /// Lets the next thing happen, unless nothing is due by `until` (since the start). Whether something did.
    pub fn step(&mut self, until: Duration) -> bool {
        let Some(event) = self.world.clock.next(until) else { return false };
        self.handle(event);
        true
    }

    /// Whether a request is under way.
    pub fn is_under_way(&self, handle: StreamHandle) -> bool {
        self.is_alive(handle.0)
    }

    /// The connection to the upstream breaks. Whether there was one that this request needed.
    pub fn break_upstream(&mut self, handle: StreamHandle) -> bool {
        if !self.is_alive(handle.0) {
            return false;
        }
        let stream = self.world.stream_mut(handle.0);
        let attempt = stream.router.attempt;
        if attempt == 0 || stream.flow(Way::Response).ended {
            return false;
        }
        self.upstream_sent(handle.0, attempt, Part::Broken("connection termination"));
        // What else was on its way belongs to the connection that is gone.
        if self.is_alive(handle.0) {
            let router = &mut self.world.stream_mut(handle.0).router;
            if router.attempt == attempt {
                router.attempt += 1;
            }
        }
        true
    }

    /// The counters and gauges of the filters, by name.
    pub fn metrics(&self) -> BTreeMap<String, u64> {
        self.world.metrics.snapshot()
    }

    /// Callouts of all filters that wait for an answer, and gRPC streams that nobody has closed.
    pub fn open_callouts(&self) -> usize {
        let contexts = self.world.vms.iter().flat_map(|vm| vm.contexts.values());
        contexts.map(|c| c.root.http_calls.len() + c.root.grpc_calls.len()).sum()
    }
}
