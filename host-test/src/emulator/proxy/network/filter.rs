//! A Wasm filter on a connection: Envoy, `source/extensions/common/wasm/context.cc`, and the checks around
//! each callback in `proxy-wasm-cpp-host`, `src/context.cc`.

use super::{Close, Side};
use crate::emulator::Emulator;

impl Emulator {
    fn slot(&mut self, connection: u64, place: usize) -> (usize, u32) {
        let slot = &self.world.connection_mut(connection).filters[place];
        (slot.vm, slot.context)
    }

    /// Returns whether the filter's context was created in its VM.
    fn is_created(&self, vm: usize, id: u32) -> bool {
        self.world.context(vm, id).is_some_and(|c| c.created)
    }

    /// Calls a callback. If the VM has failed, closes the connection, whatever the failure policy: that
    /// applies only to new connections. Returns whether to continue.
    fn call_network(&mut self, connection: u64, vm: usize, id: u32, name: &str, args: &[u32]) -> bool {
        // A local reply stops an HTTP request, but has no effect on a connection.
        let answer = self.enter_plainly(vm, id, name, args);
        self.after_call(vm);
        if answer.is_err() {
            self.close_connection(connection, Close::Local);
        }
        matches!(answer, Ok(None | Some(0)))
    }

    pub(super) fn call_new_connection(&mut self, connection: u64, place: usize) -> bool {
        let (vm, id) = self.slot(connection, place);
        let parent = self.world.context_mut(vm, id).parent;
        if !self.world.vms[vm].failed {
            self.world.context_mut(vm, id).created = true;
            self.enter(vm, id, "proxy_on_context_create", &[parent]);
            self.after_call(vm);
        }
        self.call_network(connection, vm, id, "proxy_on_new_connection", &[])
    }

    /// Passes data of a direction to a filter. Returns whether it continues; if not, the filter can still
    /// access the data until it does.
    pub(super) fn call_data(
        &mut self,
        connection: u64,
        place: usize,
        side: Side,
        size: usize,
        end: bool,
    ) -> bool {
        let (vm, id) = self.slot(connection, place);
        if !self.is_created(vm, id) {
            return true;
        }
        let context = self.world.context_mut(vm, id);
        let name = match side {
            Side::Downstream => {
                context.downstream_data = true;
                "proxy_on_downstream_data"
            }
            Side::Upstream => {
                context.upstream_data = true;
                "proxy_on_upstream_data"
            }
        };
        let continues = self.call_network(connection, vm, id, name, &[size as u32, u32::from(end)]);
        if let Some(context) = self.world.vms[vm].contexts.get_mut(&id).filter(|_| continues) {
            match side {
                Side::Downstream => context.downstream_data = false,
                Side::Upstream => context.upstream_data = false,
            }
        }
        continues
    }

    pub(super) fn call_close(&mut self, connection: u64, place: usize, name: &str, close: Close) {
        let (vm, id) = self.slot(connection, place);
        if self.is_created(vm, id) {
            self.enter(vm, id, name, &[close as u32]);
            self.after_call(vm);
        }
    }

    /// Notifies each filter that the connection was closed and deletes its context, before the next filter is
    /// notified. Unlike for HTTP, `proxy_on_done` is called before `proxy_on_log`.
    pub(super) fn notify_closed(&mut self, connection: u64, close: Close) {
        for place in 0..self.world.connection_mut(connection).filters.len() {
            self.call_close(connection, place, "proxy_on_downstream_connection_close", close);
            let (vm, id) = self.slot(connection, place);
            if !self.is_created(vm, id) {
                continue;
            }
            for name in ["proxy_on_done", "proxy_on_log", "proxy_on_delete"] {
                self.enter(vm, id, name, &[]);
                self.after_call(vm);
            }
        }
    }
}
