//! Actions that run after a callback has returned, and the misuse that then crashes Envoy.
//!
//! Envoy does not check whether a stream has ended before it ends it again or continues it. It then reads
//! freed memory, and the whole process dies (seen on 1.40). In the emulator only the VM fails, with a trap
//! that names the reason.

use super::Emulator;
use super::proxy::Direction;
use super::traps::Failure;
use super::world::Action;

impl Emulator {
    /// Runs the actions that a callback has deferred.
    pub(crate) fn after_call(&mut self, vm: usize) {
        self.world.vms[vm].stop_iteration = false;
        // The context whose stream was ended by a local reply of the same callback.
        let mut answered = None;
        while let Some(action) = self.world.vms[vm].deferred.pop_front() {
            let place = |emulator: &Self, id| {
                let context = emulator.world.context(vm, id)?;
                Some((context.stream.filter(|s| emulator.is_alive(*s))?, context.filter))
            };
            match action {
                Action::ContinueDecoding(id) => {
                    if let Some((stream, filter)) = place(self, id) {
                        self.continue_filter(stream, filter, Direction::Request);
                    }
                }
                Action::ContinueEncoding(id) => {
                    if let Some((stream, filter)) = place(self, id) {
                        self.continue_filter(stream, filter, Direction::Response);
                    }
                }
                Action::ContinueReading(id) => self.continue_connection(vm, id),
                Action::CloseConnection(id) => self.close_connection_of(vm, id),
                Action::Reset(id) => match place(self, id) {
                    Some((stream, _)) => {
                        let last = self.world.context(vm, id).is_some_and(|c| c.response.trailers);
                        self.reset(stream);
                        if last {
                            self.crash(vm, id, "proxy_close_stream", "in the last callback of a response");
                        }
                    }
                    None => self.end_again(vm, id, "proxy_close_stream"),
                },
                Action::Reply(id, reply) => match place(self, id) {
                    Some((stream, _)) => {
                        self.local_reply(stream, reply);
                        answered = (!self.is_alive(stream)).then_some(id);
                    }
                    None if answered == Some(id) => {
                        let when = "after a local reply that replaced a response";
                        self.crash(vm, id, "proxy_send_local_response", when);
                    }
                    None => self.end_again(vm, id, "proxy_send_local_response"),
                },
                Action::Delete(root) => self.delete_root(vm, root),
                Action::Grpc { root, token, what } => self.handle_grpc_event(vm, root, token, what),
                Action::ClearCalloutData(root) => {
                    if let Some(context) = self.world.vms[vm].contexts.get_mut(&root) {
                        context.root.call_answer = None;
                        context.root.grpc_message = None;
                        context.root.grpc_initial = None;
                        context.root.grpc_trailing = None;
                        context.root.status.1.clear();
                    }
                }
            }
        }
    }

    /// Handles a filter that ends a stream that is already ending, in `proxy_on_log`, `proxy_on_done` or
    /// `proxy_on_delete`.
    fn end_again(&mut self, vm: usize, id: u32, call: &str) {
        let ending = self.world.context(vm, id).and_then(|c| c.stream);
        if ending.is_some_and(|stream| self.world.streams.contains_key(&stream)) {
            self.crash(vm, id, call, "when the stream has already ended");
        }
    }

    /// Reports a response callback that called `proxy_continue_stream`, which ended the stream, and then also
    /// returned `Continue`.
    pub(crate) fn report_double_continue(&mut self, stream: u64, vm: usize, id: u32) {
        if !self.is_alive(stream) {
            self.crash(
                vm,
                id,
                "proxy_continue_stream",
                "in the last callback of a response that then continues",
            );
        }
    }

    /// Fails the VM where Envoy's whole process would crash.
    pub(crate) fn crash(&mut self, vm: usize, id: u32, call: &str, when: &str) {
        if !self.world.vms[vm].failed {
            let reason = format!("Envoy crashes (segmentation fault): {call} {when}");
            self.fail_vm(vm, id, call, Failure { reason, frames: Vec::new() });
        }
    }
}
