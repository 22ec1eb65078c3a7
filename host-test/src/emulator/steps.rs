//! Running: callbacks, events, time, and what a test may look at between them.

use super::faults::{Effect, Fault, Which};
use super::proxy::filter::Came;
use super::proxy::flags::CLIENT_GONE;
use super::traps::{Failure, Trap, told};
use super::world::{Action, Event};
use super::{Emulator, callouts::grpc::News};
use crate::{ClientView, ConnectionExchange, Exchange, LogLine, Outcome, Request, UpstreamRequest};
use std::time::Duration;

/// A request on its way.
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

    /// Sends the scenario's requests, one after the other, to the workers in turn, and gathers what came of it.
    pub fn run(mut self) -> Outcome {
        let requests = self.world.scenario.requests.clone();
        let exchanges = requests
            .iter()
            .enumerate()
            .map(|(i, request)| {
                self.advance(request.after);
                let handle = self.request(i % self.world.workers, request);
                self.finish_request(handle)
            })
            .collect();
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
            logs: self.world.logs,
            trace: self.world.trace.lines(),
        }
    }

    /// Sends a request to a worker, the first being 0, as far as it comes without time passing.
    pub fn request(&mut self, worker: usize, request: &Request) -> StreamHandle {
        assert!(
            worker < self.world.workers,
            "there are {} workers, and `{worker}` is none of them",
            self.world.workers
        );
        let stream = self.accept(worker + 1, request);
        self.advance(Duration::ZERO);
        StreamHandle(stream)
    }

    /// What came of a request, if it is complete.
    pub fn exchange(&self, handle: StreamHandle) -> Option<&Exchange> {
        self.world.done.get(&handle.0)
    }

    /// Lets time pass until a request is complete, or the client has waited in vain. What came of it is
    /// told once.
    pub fn finish_request(&mut self, handle: StreamHandle) -> Exchange {
        while self.is_alive(handle.0) {
            let patience = self.world.settings.client_patience;
            let limit = self.world.stream_mut(handle.0).client.last_byte + patience;
            match self.world.clock.next(limit) {
                Some(event) => self.handle(event),
                None => {
                    self.world.clock.settle(limit);
                    self.wait_in_vain(handle.0);
                }
            }
        }
        let done = self.world.done.remove(&handle.0);
        done.unwrap_or_else(|| panic!("{handle:?} was never sent, or what came of it was taken before"))
    }

    /// The client has had enough, and closes its connection.
    pub(crate) fn wait_in_vain(&mut self, stream: u64) {
        self.hang_up(StreamHandle(stream));
        if let Some(exchange) = self.world.done.get_mut(&stream) {
            exchange.client = ClientView::Hang;
        }
    }

    /// The client closes its connection.
    pub fn hang_up(&mut self, handle: StreamHandle) {
        if self.is_alive(handle.0) {
            let stream = self.world.stream_mut(handle.0);
            stream.details = "downstream_remote_disconnect".into();
            stream.flags |= CLIENT_GONE;
            self.reset(handle.0);
        }
    }

    /// Lets time pass. What is due happens in order; the clock stops at each event.
    pub fn advance(&mut self, by: Duration) {
        let until = self.world.clock.now() + by;
        while let Some(event) = self.world.clock.next(until) {
            self.handle(event);
        }
        self.world.clock.settle(until);
    }

    /// Since the start.
    pub fn now(&self) -> Duration {
        self.world.clock.now()
    }

    /// A counter or a gauge of the filters.
    pub fn metric(&self, name: &str) -> Option<u64> {
        self.world.metrics.snapshot().get(name).copied()
    }

    /// A shared value, and its `cas`.
    pub fn shared_data(&self, vm_id: &str, key: impl AsRef<[u8]>) -> Option<(Vec<u8>, u32)> {
        self.world.shared.get(vm_id, key.as_ref())
    }

    /// What the filters logged so far.
    pub fn logs(&self) -> &[LogLine] {
        &self.world.logs
    }

    /// The host calls so far, one a line.
    pub fn trace(&self) -> Vec<String> {
        self.world.trace.lines()
    }

    /// The traps so far.
    pub fn traps(&self) -> &[Trap] {
        &self.world.traps
    }

    /// The callouts that an upstream has got so far. What the first one got on behalf of a client is told with that
    /// client's request.
    pub fn received(&self, upstream: &str) -> &[UpstreamRequest] {
        let found = self.world.upstreams.iter().find(|u| u.spec.name == upstream);
        found.map_or(&[], |u| u.received.as_slice())
    }

    /// Contexts of streams that have not been deleted: none, when no request is under way.
    pub fn open_streams(&self) -> usize {
        self.world.vms.iter().flat_map(|vm| vm.contexts.values()).filter(|c| c.stream.is_some()).count()
    }

    /// Bytes of linear memory of a filter's VM on a worker.
    pub fn memory(&self, worker: usize, plugin: usize) -> usize {
        let place = self.world.roots.get(&(worker + 1, plugin));
        place.and_then(|(vm, _)| self.world.instances[*vm].as_ref()).map_or(0, super::vm::Vm::memory_size)
    }

    /// Calls a callback of a filter's root context on a worker with whatever arguments: a token that nobody was given,
    /// a size that is not so. What it returned, or nothing if it is not exported or the VM has failed.
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

    /// `on_done`, and `on_delete` at once or when the filter says so. What is under way for it is dropped.
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

    /// Enters a VM. A trap fails it for good.
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
                self.lose(vm, id, name, failure);
                Err(())
            }
        }
    }

    /// A VM has failed.
    pub(crate) fn lose(&mut self, vm: usize, id: u32, name: &str, failure: Failure) {
        self.world.vms[vm].failed = true;
        let Failure { reason, frames } = failure;
        let (thread, calls) = (self.world.thread_of(vm), self.world.trace.last());
        self.world.trace.note(format!("[{thread}#{id}] {name} trapped: {reason}{}", told(&frames)));
        self.world.traps.push(Trap { callback: name.into(), context: id, thread, reason, frames, calls });
    }

    pub(crate) fn enter(&mut self, vm: usize, id: u32, name: &str, args: &[u32]) -> Came {
        let answer = self.enter_plainly(vm, id, name, args);
        let stopped = std::mem::take(&mut self.world.vms[vm].stop_iteration);
        match answer {
            Err(()) => Came::Failed,
            Ok(None) => Came::Absent,
            Ok(Some(_)) if stopped => Came::Stopped,
            Ok(Some(answer)) => Came::Returned(answer),
        }
    }

    pub(crate) fn handle(&mut self, event: Event) {
        match event {
            Event::Downstream { stream, part } => self.client_sent(stream, part),
            Event::Upstream { stream, attempt, part } => self.upstream_sent(stream, attempt, part),
            Event::Connection { connection, news } => self.connection_news(connection, news),
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
            Event::HttpCall { vm, root, token, outcome } => {
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
                self.news(vm, root, "proxy_on_http_call_response", &args);
            }
            Event::Grpc { vm, root, token, what } => {
                let calls = self.world.context(vm, root).map(|c| &c.root.grpc_calls);
                if calls.is_some_and(|calls| calls.contains_key(&token)) {
                    self.grpc_news(vm, root, token, what);
                }
            }
        }
    }

    /// The timer is set anew when the callback has returned, so ticks drift by as long as that takes.
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

    /// A callback about a callout; what it may read is there until it has returned.
    fn news(&mut self, vm: usize, root: u32, name: &str, args: &[u32]) {
        self.world.vms[vm].deferred.push_front(Action::Forget(root));
        self.enter(vm, root, name, args);
        self.after_call(vm);
    }

    pub(crate) fn grpc_news(&mut self, vm: usize, root: u32, token: u32, what: News) {
        let unary = token & 3 == 1;
        let Some(context) = self.world.vms[vm].contexts.get_mut(&root) else { return };
        let root_state = &mut context.root;
        match what {
            News::Initial(map) => {
                let count = map.len() as u32;
                root_state.grpc_initial = Some(map);
                self.news(vm, root, "proxy_on_grpc_receive_initial_metadata", &[token, count]);
            }
            News::Message(message) => {
                let size = message.len() as u32;
                root_state.grpc_message = Some(message);
                self.news(vm, root, "proxy_on_grpc_receive", &[token, size]);
                // It is there in its own callback still.
                if unary && let Some(context) = self.world.vms[vm].contexts.get_mut(&root) {
                    context.root.grpc_calls.remove(&token);
                }
            }
            News::Trailing(map) => {
                let count = map.len() as u32;
                root_state.grpc_trailing = Some(map);
                self.news(vm, root, "proxy_on_grpc_receive_trailing_metadata", &[token, count]);
            }
            News::Close(status, message) => {
                root_state.status = (status, message);
                self.news(vm, root, "proxy_on_grpc_close", &[token, status]);
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
