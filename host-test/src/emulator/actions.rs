//! What callbacks leave behind, done when they have returned; and what brings Envoy down then.
//!
//! Envoy does not look whether a stream is over before it ends it once more, or goes on with it. It reads freed memory
//! then, and its whole process dies. Here the VM is lost, and a trap says why. That real ones die was seen on 1.40.

use super::Emulator;
use super::proxy::Way;
use super::traps::Failure;
use super::world::Action;

impl Emulator {
    /// Does what a callback has left behind.
    pub(crate) fn after_call(&mut self, vm: usize) {
        self.world.vms[vm].stop_iteration = false;
        // The context whose stream a local reply of this very callback has ended.
        let mut answered = None;
        while let Some(action) = self.world.vms[vm].deferred.pop_front() {
            let place = |emulator: &Self, id| {
                let context = emulator.world.context(vm, id)?;
                Some((context.stream.filter(|s| emulator.is_alive(*s))?, context.filter))
            };
            match action {
                Action::ContinueDecoding(id) => {
                    if let Some((stream, filter)) = place(self, id) {
                        self.continue_filter(stream, filter, Way::Request);
                    }
                }
                Action::ContinueEncoding(id) => {
                    if let Some((stream, filter)) = place(self, id) {
                        self.continue_filter(stream, filter, Way::Response);
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
                        let when = "behind one that has replaced a response";
                        self.crash(vm, id, "proxy_send_local_response", when);
                    }
                    None => self.end_again(vm, id, "proxy_send_local_response"),
                },
                Action::Delete(root) => self.delete_root(vm, root),
                Action::Grpc { root, token, what } => self.grpc_news(vm, root, token, what),
                Action::Forget(root) => {
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

    /// The stream of a context is to be ended that is ending already: in `on_log`, `on_done` or `on_delete`.
    fn end_again(&mut self, vm: usize, id: u32, call: &str) {
        let ending = self.world.context(vm, id).and_then(|c| c.stream);
        if ending.is_some_and(|stream| self.world.streams.contains_key(&stream)) {
            self.crash(vm, id, call, "when the stream is over");
        }
    }

    /// A callback of a response has gone on with it by itself, which ended the stream, and returned as if it had not.
    pub(crate) fn went_on_twice(&mut self, stream: u64, vm: usize, id: u32) {
        if !self.is_alive(stream) {
            self.crash(
                vm,
                id,
                "proxy_continue_stream",
                "in the last callback of a response that then continues",
            );
        }
    }

    /// The whole of Envoy would be gone.
    pub(crate) fn crash(&mut self, vm: usize, id: u32, call: &str, when: &str) {
        if !self.world.vms[vm].failed {
            let reason = format!("Envoy crashes (segmentation fault): {call} {when}");
            self.lose(vm, id, call, Failure { reason, frames: Vec::new() });
        }
    }
}
