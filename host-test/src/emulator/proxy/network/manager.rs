//! The chain of network filters: Envoy, `source/common/network/filter_manager_impl.cc`.
//!
//! All filters of a connection share one buffer per direction. Data that the last filter does not consume
//! stays there, and is passed to the first filter again when more arrives.

use super::{Close, ConnectionEvent, Side};
use crate::emulator::Emulator;

impl Emulator {
    pub(super) fn is_open(&self, connection: u64) -> bool {
        self.world.connections.get(&connection).is_some_and(|c| c.open)
    }

    /// Handles a new connection.
    pub(super) fn initialize_read_filters(&mut self, connection: u64) {
        for place in 0..=self.world.connection_mut(connection).filters.len() {
            if !self.initialize(connection, place) {
                return;
            }
        }
    }

    /// Notifies a filter of the connection, once. Returns whether to continue with the filter after it.
    fn initialize(&mut self, connection: u64, place: usize) -> bool {
        let c = self.world.connection_mut(connection);
        let Some(slot) = c.filters.get_mut(place) else {
            if !std::mem::replace(&mut c.proxied, true) {
                self.proxy_new_connection(connection);
                return false;
            }
            return true;
        };
        let continues =
            std::mem::replace(&mut slot.initialized, true) || self.call_new_connection(connection, place);
        continues && self.is_open(connection)
    }

    /// `onContinueReading`: passes the buffer to the filters after `from`.
    pub(super) fn continue_reading(&mut self, connection: u64, from: Option<usize>) {
        if !self.is_open(connection) {
            return;
        }
        let c = self.world.connection_mut(connection);
        if from.is_none() {
            // Data that was held back is counted again.
            c.bytes_received += c.down.buffer.len();
        }
        let last = c.filters.len();
        for place in from.map_or(0, |from| from + 1)..=last {
            if !self.initialize(connection, place) {
                return;
            }
            let socket = &self.world.connection_mut(connection).down;
            let (size, end) = (socket.buffer.len(), socket.read_end);
            if size == 0 && !end {
                continue;
            }
            if place == last {
                self.proxy_data(connection);
            } else if !self.call_data(connection, place, Side::Downstream, size, end) {
                return;
            }
            if !self.is_open(connection) {
                return;
            }
        }
    }

    /// Continues with the data that a filter held back.
    pub(crate) fn continue_connection(&mut self, vm: usize, id: u32) {
        let Some(connection) = self.world.connection_of(vm, id) else { return };
        let filters = &self.world.connection_mut(connection).filters;
        let place = filters.iter().position(|slot| slot.vm == vm && slot.context == id);
        if place.is_some() {
            self.continue_reading(connection, place);
        }
    }

    /// `onWrite`: passes data to be written to the filters, from the last to the first. Returns whether it
    /// may be written.
    pub(super) fn write_through(&mut self, connection: u64, end: bool) -> bool {
        for place in (0..self.world.connection_mut(connection).filters.len()).rev() {
            if !self.is_open(connection) {
                return false;
            }
            let size = self.world.connection_mut(connection).up.buffer.len();
            let continues = self.call_data(connection, place, Side::Upstream, size, end);
            if end {
                // Envoy has no separate notification for this, so the end of the data counts as the close.
                self.call_close(connection, place, "proxy_on_upstream_connection_close", Close::Unknown);
            }
            if !continues {
                return false;
            }
        }
        self.is_open(connection)
    }

    pub(super) fn schedule(&mut self, connection: u64, event: ConnectionEvent) {
        self.schedule_after(std::time::Duration::ZERO, connection, event);
    }

    pub(super) fn schedule_after(
        &mut self,
        after: std::time::Duration,
        connection: u64,
        event: ConnectionEvent,
    ) {
        let event = crate::emulator::world::Event::Connection { connection, event };
        self.world.clock.after(after, event);
    }
}
