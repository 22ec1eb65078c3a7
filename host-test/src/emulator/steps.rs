//! Runs callbacks and events, advances time, and reports state to tests in between.

use super::faults::{Effect, Fault, Which};
use super::proxy::filter::CallbackResult;
use super::proxy::flags::CLIENT_GONE;
use super::traps::{Failure, Trap, format_frames};
use super::world::{Action, Event};
use super::{Emulator, callouts::grpc::GrpcEvent};
use crate::{ClientView, ConnectionExchange, Exchange, LogLine, Outcome, Request, UpstreamRequest};
use std::time::Duration;

/// A request in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamHandle(pub(super) u64);

impl StreamHandle {
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

impl Emulator {
    /// Makes host calls of this name fail from now on.
    pub fn fault(mut self, call: &str, which: Which, effect: Effect) -> Self {
        self.world.faults.add(Fault::Call { name: call.into(), which, effect });
        self
    }

    /// Sends the scenario's requests one after the other, to the workers in round-robin order, and returns
    /// the results.
    pub fn run(mut self) -> Outcome {
        let requests = self.world.scenario.requests.clone();
        let mut exchanges = Vec::new();
        for group in requests.chunk_by(|_, next| next.concurrent) {
            let mut handles = Vec::new();
            for request in group {
                self.advance(request.after);
                let worker = (exchanges.len() + handles.len()) % self.world.workers;
                handles.push(self.request(worker, request));
            }
            exchanges.extend(self.finish_requests(&handles));
        }
        let connections = self.run_connections();
        self.advance(self.world.settings.linger);
        self.outcome(exchanges, connections)
    }

    fn outcome(self, exchanges: Vec<Exchange>, connections: Vec<ConnectionExchange>) -> Outcome {
        let upstreams = self.world.upstreams.into_iter().enumerate();
        let called = upstreams.filter(|(place, u)| *place > 0 || !u.called.is_empty());
        Outcome {
            exchanges,
            connections,
            callouts: called.map(|(_, u)| (u.spec.name, u.called)).collect(),
            metrics: self.world.metrics.snapshot(),
            histograms: self.world.metrics.histograms(),
            logs: self.world.logs,
            traps: self.world.traps.iter().map(Trap::of_outcome).collect(),
            trace: self.world.trace.lines(),
            host_calls: self.world.trace.counts(),
            instructions: self.world.meters.by_name(),
        }
    }

    /// Sends a request to a worker (0 is the first) and runs all events that are due without letting time
    /// pass.
    pub fn request(&mut self, worker: usize, request: &Request) -> StreamHandle {
        assert!(
            worker < self.world.workers,
            "unknown worker `{worker}`, expected less than {}",
            self.world.workers
        );
        let stream = self.accept(worker + 1, request);
        self.advance(Duration::ZERO);
        StreamHandle(stream)
    }

    /// Returns the exchange of a request, if it is complete.
    pub fn exchange(&self, handle: StreamHandle) -> Option<&Exchange> {
        self.world.done.get(&handle.0)
    }

    /// Lets time pass until a request is complete or the client times out. Returns the exchange and removes
    /// it, so it can be returned only once.
    pub fn finish_request(&mut self, handle: StreamHandle) -> Exchange {
        self.finish_requests(&[handle]).remove(0)
    }

    /// As [`Emulator::finish_request`], for requests in progress at the same time.
    pub fn finish_requests(&mut self, handles: &[StreamHandle]) -> Vec<Exchange> {
        let patience = self.world.settings.client_patience;
        loop {
            let alive: Vec<_> =
                handles.iter().map(|handle| handle.0).filter(|id| self.is_alive(*id)).collect();
            let limits = alive.iter().map(|id| (self.world.stream_mut(*id).client.last_byte + patience, *id));
            let Some((limit, first)) = limits.min() else { break };
            match self.world.clock.next(limit) {
                Some(event) => self.handle(event),
                None => {
                    self.world.clock.settle(limit);
                    self.client_times_out(first);
                }
            }
        }
        self.world.clock.rest();
        let taken = handles.iter().map(|handle| {
            let done = self.world.done.remove(&handle.0);
            done.unwrap_or_else(|| panic!("{handle:?}: unknown request, or its exchange was already taken"))
        });
        taken.collect()
    }

    /// The client gives up waiting and closes its connection.
    pub(crate) fn client_times_out(&mut self, stream: u64) {
        self.hang_up(StreamHandle(stream));
        if let Some(exchange) = self.world.done.get_mut(&stream) {
            exchange.client = ClientView::Hang;
        }
    }

    /// Closes the client's connection.
    pub fn hang_up(&mut self, handle: StreamHandle) {
        if self.is_alive(handle.0) {
            let stream = self.world.stream_mut(handle.0);
            stream.details = "downstream_remote_disconnect".into();
            stream.flags |= CLIENT_GONE;
            self.reset(handle.0);
        }
    }

    /// Lets time pass. Events run in the order in which they are due; the clock stops at each.
    pub fn advance(&mut self, by: Duration) {
        let until = self.world.clock.now() + by;
        while let Some(event) = self.world.clock.next(until) {
            self.handle(event);
        }
        self.world.clock.settle(until);
    }

    /// Returns the virtual time since the start.
    pub fn now(&self) -> Duration {
        self.world.clock.now()
    }

    /// Returns the value of a filter's counter or gauge.
    pub fn metric(&self, name: &str) -> Option<u64> {
        self.world.metrics.snapshot().get(name).copied()
    }

    /// Returns a shared value and its CAS number.
    pub fn shared_data(&self, vm_id: &str, key: impl AsRef<[u8]>) -> Option<(Vec<u8>, u32)> {
        self.world.shared.get(vm_id, key.as_ref())
    }

    /// Returns the log lines of the filters so far.
    pub fn logs(&self) -> &[LogLine] {
        &self.world.logs
    }

    /// Returns the trace of host calls so far, one line per call.
    pub fn trace(&self) -> Vec<String> {
        self.world.trace.lines()
    }

    /// Returns the traps so far.
    pub fn traps(&self) -> &[Trap] {
        &self.world.traps
    }

    /// Returns the callouts that an upstream has received so far. Requests that the first upstream received
    /// for a client are part of that client's exchange.
    pub fn received(&self, upstream: &str) -> &[UpstreamRequest] {
        let found = self.world.upstreams.iter().find(|u| u.spec.name == upstream);
        found.map_or(&[], |u| u.received.as_slice())
    }

    /// Returns the number of stream contexts that are not deleted: 0 when no request is in progress.
    pub fn open_streams(&self) -> usize {
        self.world.vms.iter().flat_map(|vm| vm.contexts.values()).filter(|c| c.stream.is_some()).count()
    }

    /// Returns the bytes of linear memory of a filter's VM on a worker.
    pub fn memory(&self, worker: usize, plugin: usize) -> usize {
        let place = self.world.roots.get(&(worker + 1, plugin));
        place.and_then(|(vm, _)| self.world.instances[*vm].as_ref()).map_or(0, super::vm::Vm::memory_size)
    }

    /// Calls a callback of a filter's root context on a worker with arbitrary arguments, such as an unknown
    /// token or a wrong size. Returns the callback's result, or `None` if it is not exported or the VM has
    /// failed.
    pub fn call_root(&mut self, worker: usize, plugin: usize, name: &str, args: &[u32]) -> Option<u32> {
        let (vm, root) = *self.world.roots.get(&(worker + 1, plugin))?;
        let answer = self.enter_plainly(vm, root, name, args).ok().flatten();
        self.after_call(vm);
        answer
    }

    /// Ends all root contexts, as Envoy does when it stops.
    pub fn shut_down(&mut self) {
        for (vm, root) in std::mem::take(&mut self.world.roots).into_values() {
            self.end_root(vm, root);
        }
    }

    /// Calls `proxy_on_done`, then `proxy_on_delete` at once or when the filter calls `proxy_done`. Drops the
    /// root context's callouts.
    pub(crate) fn end_root(&mut self, vm: usize, root: u32) {
        if self.world.context(vm, root).is_none() {
            return;
        }
        let done = self.enter_plainly(vm, root, "proxy_on_done", &[]);
        if done == Ok(Some(0)) {
            self.world.context_mut(vm, root).root.pending_done = true;
            self.after_call(vm);
            return;
        }
        self.after_call(vm);
        self.delete_root(vm, root);
    }

    pub(crate) fn delete_root(&mut self, vm: usize, root: u32) {
        self.enter(vm, root, "proxy_on_delete", &[]);
        self.world.set_tick(vm, root, Duration::ZERO);
        self.world.vms[vm].contexts.remove(&root);
        self.after_call(vm);
    }

    /// Calls a callback. If it traps, the VM fails permanently.
    pub(crate) fn enter_plainly(
        &mut self,
        vm: usize,
        id: u32,
        name: &str,
        args: &[u32],
    ) -> Result<Option<u32>, ()> {
        if self.world.vms[vm].failed {
            return Err(());
        }
        let Some(mut instance) = self.world.instances[vm].take() else { return Err(()) };
        let outcome = instance.call(&mut self.world, name, id, args);
        self.world.instances[vm] = Some(instance);
        match outcome {
            Ok(answer) => Ok(answer),
            Err(failure) => {
                self.fail_vm(vm, id, name, failure);
                Err(())
            }
        }
    }

    /// Marks a VM as failed and records the trap.
    pub(crate) fn fail_vm(&mut self, vm: usize, id: u32, name: &str, failure: Failure) {
        self.world.vms[vm].failed = true;
        let Failure { reason, frames } = failure;
        let (thread, calls) = (self.world.thread_of(vm), self.world.trace.last());
        self.world.trace.note(format!("[{thread}#{id}] {name} trapped: {reason}{}", format_frames(&frames)));
        self.world.traps.push(Trap { callback: name.into(), context: id, thread, reason, frames, calls });
    }

    pub(crate) fn enter(&mut self, vm: usize, id: u32, name: &str, args: &[u32]) -> CallbackResult {
        let answer = self.enter_plainly(vm, id, name, args);
        let stopped = std::mem::take(&mut self.world.vms[vm].stop_iteration);
        match answer {
            Err(()) => CallbackResult::Failed,
            Ok(None) => CallbackResult::Absent,
            Ok(Some(_)) if stopped => CallbackResult::Stopped,
            Ok(Some(answer)) => CallbackResult::Returned(answer),
        }
    }

    pub(crate) fn handle(&mut self, event: Event) {
        match event {
            Event::Downstream { stream, parts } => self.client_sent(stream, parts),
            Event::ClientDone { stream } => self.hang_up(StreamHandle(stream)),
            Event::Connected { stream, attempt, thread, upstream } => {
                self.upstream_connected(stream, attempt, thread, upstream);
            }
            Event::Upstream { stream, attempt, part } => self.upstream_sent(stream, attempt, part),
            Event::Connection { connection, event } => self.handle_connection_event(connection, event),
            Event::RouteTimeout { stream } => self.route_timed_out(stream),
            Event::TryTimeout { stream, attempt } => self.try_timed_out(stream, attempt),
            Event::Retry { stream } => self.try_again(stream),
            Event::QueueReady { owner, token } => {
                if let Some(vm) = self.world.serving(owner.thread, &owner.key)
                    && self.world.context(vm, owner.root).is_some()
                {
                    self.enter(vm, owner.root, "proxy_on_queue_ready", &[token]);
                    self.after_call(vm);
                }
            }
            Event::Tick { vm, root } => self.tick(vm, root),
            Event::HttpCall { vm, root, token, outcome, idle } => {
                let thread = self.world.thread_of(vm);
                if let Some((upstream, connection)) = idle {
                    self.world.upstreams[upstream].put_idle(thread, *connection);
                }
                let Some(context) = self.world.vms[vm].contexts.get_mut(&root) else { return };
                context.root.http_calls.remove(&token);
                let args = match &outcome {
                    Some(answer) => {
                        let trailers = answer.trailers.as_ref().map_or(0, |t| t.len());
                        [token, answer.headers.len() as u32, answer.body.len() as u32, trailers as u32]
                    }
                    None => {
                        // 11 is BrokenConnection.
                        context.root.status = (11, b"reset".to_vec());
                        [token, 0, 0, 0]
                    }
                };
                context.root.call_answer = outcome;
                self.call_with_callout_data(vm, root, "proxy_on_http_call_response", &args);
            }
            Event::Grpc { vm, root, token, what } => {
                let calls = self.world.context(vm, root).map(|c| &c.root.grpc_calls);
                if calls.is_some_and(|calls| calls.contains_key(&token)) {
                    self.handle_grpc_event(vm, root, token, what);
                }
            }
        }
    }

    /// Runs a tick. The timer restarts after the callback has returned, so ticks drift by the run time of the
    /// callback.
    fn tick(&mut self, vm: usize, root: u32) {
        let Some(context) = self.world.vms[vm].contexts.get_mut(&root) else { return };
        context.root.tick_event = None;
        self.enter(vm, root, "proxy_on_tick", &[]);
        self.after_call(vm);
        let Some(context) = self.world.vms[vm].contexts.get(&root) else { return };
        if let Some(period) = context.root.tick.filter(|_| context.root.tick_event.is_none()) {
            self.world.set_tick(vm, root, period);
        }
    }

    /// Calls a callback of a callout. Its buffers and maps stay accessible until it has returned.
    fn call_with_callout_data(&mut self, vm: usize, root: u32, name: &str, args: &[u32]) {
        self.world.vms[vm].deferred.push_front(Action::ClearCalloutData(root));
        self.enter(vm, root, name, args);
        self.after_call(vm);
    }

    pub(crate) fn handle_grpc_event(&mut self, vm: usize, root: u32, token: u32, what: GrpcEvent) {
        let unary = token & 3 == 1;
        let Some(context) = self.world.vms[vm].contexts.get_mut(&root) else { return };
        let root_state = &mut context.root;
        match what {
            GrpcEvent::Initial(map) => {
                let count = map.len() as u32;
                root_state.grpc_initial = Some(map);
                self.call_with_callout_data(
                    vm,
                    root,
                    "proxy_on_grpc_receive_initial_metadata",
                    &[token, count],
                );
            }
            GrpcEvent::Message(message) => {
                let size = message.len() as u32;
                root_state.grpc_message = Some(message);
                self.call_with_callout_data(vm, root, "proxy_on_grpc_receive", &[token, size]);
                // The call stays known during this callback.
                if unary && let Some(context) = self.world.vms[vm].contexts.get_mut(&root) {
                    context.root.grpc_calls.remove(&token);
                }
            }
            GrpcEvent::Trailing(map) => {
                let count = map.len() as u32;
                root_state.grpc_trailing = Some(map);
                self.call_with_callout_data(
                    vm,
                    root,
                    "proxy_on_grpc_receive_trailing_metadata",
                    &[token, count],
                );
            }
            GrpcEvent::Close(status, message) => {
                root_state.status = (status, message);
                self.call_with_callout_data(vm, root, "proxy_on_grpc_close", &[token, status]);
                let Some(context) = self.world.vms[vm].contexts.get_mut(&root) else { return };
                if let Some(open) = context.root.grpc_calls.get_mut(&token) {
                    open.remote_closed = true;
                    if unary || open.local_closed {
                        context.root.grpc_calls.remove(&token);
                    }
                }
            }
        }
    }
}
