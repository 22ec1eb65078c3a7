//! The chain of network filters: Envoy, `source/common/network/filter_manager_impl.cc`.
//!
//! All filters of a connection share one buffer for each direction. What the last of them does not take stays there,
//! and is shown to the first again when more comes.

use super::{Close, News, Side};
use crate::emulator::Emulator;

impl Emulator {
    pub(super) fn is_open(&self, connection: u64) -> bool {
        self.world.connections.get(&connection).is_some_and(|c| c.open)
    }

    /// The connection was accepted.
    pub(super) fn initialize_read_filters(&mut self, connection: u64) {
        for place in 0..=self.world.connection_mut(connection).filters.len() {
            if !self.initialize(connection, place) {
                return;
            }
        }
    }

    /// Tells a filter of the connection, once. Whether what is behind it is to be told as well.
    fn initialize(&mut self, connection: u64, place: usize) -> bool {
        let c = self.world.connection_mut(connection);
        let Some(slot) = c.filters.get_mut(place) else {
            if !std::mem::replace(&mut c.proxied, true) {
                self.proxy_new_connection(connection);
                return false;
            }
            return true;
        };
        let goes_on =
            std::mem::replace(&mut slot.initialized, true) || self.call_new_connection(connection, place);
        goes_on && self.is_open(connection)
    }

    /// `onContinueReading`: shows the buffer to the filters behind `from`.
    pub(super) fn continue_reading(&mut self, connection: u64, from: Option<usize>) {
        if !self.is_open(connection) {
            return;
        }
        let c = self.world.connection_mut(connection);
        if from.is_none() {
            // What was held back is counted again.
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

    /// A filter goes on with what it held back.
    pub(crate) fn continue_connection(&mut self, vm: usize, id: u32) {
        let Some(connection) = self.world.connection_of(vm, id) else { return };
        let filters = &self.world.connection_mut(connection).filters;
        let place = filters.iter().position(|slot| slot.vm == vm && slot.context == id);
        if place.is_some() {
            self.continue_reading(connection, place);
        }
    }

    /// `onWrite`: shows what is to be written to the filters, from the last to the first. Whether it may be.
    pub(super) fn write_through(&mut self, connection: u64, end: bool) -> bool {
        for place in (0..self.world.connection_mut(connection).filters.len()).rev() {
            if !self.is_open(connection) {
                return false;
            }
            let size = self.world.connection_mut(connection).up.buffer.len();
            let goes_on = self.call_data(connection, place, Side::Upstream, size, end);
            if end {
                // Nobody tells a filter of the upstream's connection, so its end is taken for it.
                self.call_close(connection, place, "proxy_on_upstream_connection_close", Close::Unknown);
            }
            if !goes_on {
                return false;
            }
        }
        self.is_open(connection)
    }

    pub(super) fn order(&mut self, connection: u64, news: News) {
        self.order_after(std::time::Duration::ZERO, connection, news);
    }

    pub(super) fn order_after(&mut self, after: std::time::Duration, connection: u64, news: News) {
        let event = crate::emulator::world::Event::Connection { connection, news };
        self.world.clock.after(after, event);
    }
}
