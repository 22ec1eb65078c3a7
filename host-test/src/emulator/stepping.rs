//! Runs one event at a time, for tests that act between any two events.

use super::proxy::Direction;
use super::world::Part;
use super::{Emulator, StreamHandle};
use crate::Request;
use std::collections::BTreeMap;
use std::time::Duration;

impl Emulator {
    /// Sends a request to a worker (0 is the first) and returns when its headers have passed through the
    /// filters. Call [`Emulator::step`] to send the body and let everything else happen.
    pub fn begin(&mut self, worker: usize, request: &Request) -> StreamHandle {
        let workers = self.world.workers;
        assert!(worker < workers, "unknown worker `{worker}`, expected less than {workers}");
        StreamHandle(self.accept(worker + 1, request))
    }

    /// Runs the next event, unless none is due by `until` (time since the start). Returns whether an event
    /// ran.
    pub fn step(&mut self, until: Duration) -> bool {
        let Some(event) = self.world.clock.next(until) else { return false };
        self.handle(event);
        self.world.clock.rest();
        true
    }

    /// Returns whether a request is still in progress.
    pub fn is_under_way(&self, handle: StreamHandle) -> bool {
        self.is_alive(handle.0)
    }

    /// Breaks the connection to the upstream. Returns whether the request still needed that connection.
    pub fn break_upstream(&mut self, handle: StreamHandle) -> bool {
        if !self.is_alive(handle.0) {
            return false;
        }
        let stream = self.world.stream_mut(handle.0);
        let attempt = stream.router.attempt;
        if attempt == 0 || stream.flow(Direction::Response).ended {
            return false;
        }
        self.upstream_sent(handle.0, attempt, Part::Broken("connection termination"));
        // Further parts of the response belong to the broken connection and are ignored.
        if self.is_alive(handle.0) {
            let router = &mut self.world.stream_mut(handle.0).router;
            if router.attempt == attempt {
                router.attempt += 1;
            }
        }
        true
    }

    /// Returns the filters' counters and gauges by name.
    pub fn metrics(&self) -> BTreeMap<String, u64> {
        self.world.metrics.snapshot()
    }

    /// Returns the number of callouts of all filters that wait for an answer, plus open gRPC streams.
    pub fn open_callouts(&self) -> usize {
        let contexts = self.world.vms.iter().flat_map(|vm| vm.contexts.values());
        contexts.map(|c| c.root.http_calls.len() + c.root.grpc_calls.len()).sum()
    }
}
