//! The proxy's sockets: Envoy, `source/common/network/connection_impl.cc`.

use super::peer::PeerAction;
use super::{Close, ConnectionEvent, Side};
use crate::emulator::Emulator;

impl Emulator {
    /// Handles an event on a connection.
    pub(crate) fn handle_connection_event(&mut self, connection: u64, event: ConnectionEvent) {
        if !self.world.connections.contains_key(&connection) {
            return;
        }
        match event {
            ConnectionEvent::Readable(side) => self.read_socket(connection, side),
            ConnectionEvent::Wake(side) => self.play(connection, side),
            ConnectionEvent::Connected(accepted) => self.proxy_connected(connection, accepted),
            ConnectionEvent::WriteFailed => self.close_connection(connection, Close::Remote),
            ConnectionEvent::Flushed => self.close_if_both_ended(connection, Side::Upstream),
        }
    }

    /// Continues a peer's script.
    fn play(&mut self, connection: u64, side: Side) {
        let now = self.world.clock.now();
        let c = self.world.connection_mut(connection);
        let unread = !c.socket(side).arrived.is_empty();
        let Some(peer) = c.peer(side) else { return };
        for action in peer.play(now, unread) {
            let c = self.world.connection_mut(connection);
            let gone = !c.open;
            match action {
                PeerAction::Wake(at) => {
                    self.schedule_after(at.saturating_sub(now), connection, ConnectionEvent::Wake(side));
                    continue;
                }
                // If the proxy has closed its socket, the kernel answers with a reset.
                PeerAction::Send(_) if gone => {
                    c.peer(side).into_iter().for_each(super::peer::Peer::deliver_rst);
                    self.schedule(connection, ConnectionEvent::Wake(side));
                    continue;
                }
                PeerAction::Send(bytes) => c.socket(side).arrived.extend(bytes),
                PeerAction::Fin => c.socket(side).fin = true,
                PeerAction::Rst => c.socket(side).rst = true,
            }
            self.schedule(connection, ConnectionEvent::Readable(side));
        }
    }

    pub(super) fn enable_reading(&mut self, connection: u64, side: Side) {
        let socket = self.world.connection_mut(connection).socket(side);
        socket.disabled = socket.disabled.saturating_sub(1);
        if socket.disabled == 0 {
            self.schedule(connection, ConnectionEvent::Readable(side));
        }
    }

    /// Checks the size of a buffer after a change. While the buffer is over its limit, the socket is not
    /// read.
    pub(super) fn check_buffer(&mut self, connection: u64, side: Side) {
        let limit = self.world.settings.buffer_limit as usize;
        let socket = self.world.connection_mut(connection).socket(side);
        let (was, is) = (socket.over, socket.buffer.len());
        if !was && is > limit {
            socket.over = true;
            socket.disabled += 1;
        } else if was && is <= limit / 2 {
            socket.over = false;
            self.enable_reading(connection, side);
        }
    }

    /// `onReadReady`. A reset is not noticed while the socket is not being read, or after it was read to its
    /// end.
    fn read_socket(&mut self, connection: u64, side: Side) {
        if !self.is_open(connection) {
            return;
        }
        let socket = self.world.connection_mut(connection).socket(side);
        if socket.disabled > 0 || socket.read_end {
            return;
        }
        if socket.rst {
            return match side {
                Side::Downstream => self.break_connection(connection, Close::Remote, Side::Upstream),
                Side::Upstream => self.proxy_upstream_reset(connection),
            };
        }
        let came = std::mem::take(&mut socket.arrived);
        socket.read_end = socket.fin;
        if came.is_empty() && !socket.read_end {
            return;
        }
        socket.buffer.extend(came);
        self.check_buffer(connection, side);
        self.schedule(connection, ConnectionEvent::Wake(side));
        match side {
            Side::Downstream => self.continue_reading(connection, None),
            Side::Upstream => self.proxy_upstream_data(connection),
        }
        self.close_if_both_ended(connection, side);
    }

    /// Closes a connection that has ended in both directions. The TCP proxy then also closes the other one.
    pub(super) fn close_if_both_ended(&mut self, connection: u64, side: Side) {
        if !self.is_open(connection) {
            return;
        }
        let socket = self.world.connection_mut(connection).socket(side);
        if socket.read_end && socket.write_end {
            let close = if side == Side::Downstream { Close::Remote } else { Close::Local };
            self.close_connection(connection, close);
        }
    }

    /// Delivers bytes to a peer; `end` marks the last ones.
    pub(super) fn deliver(&mut self, connection: u64, side: Side, bytes: &[u8], end: bool) {
        let c = self.world.connection_mut(connection);
        c.socket(side).write_end |= end;
        let Some(peer) = c.peer(side) else { return };
        if peer.closed && side == Side::Downstream {
            return self.schedule(connection, ConnectionEvent::WriteFailed);
        }
        if peer.closed {
            c.socket(side).rst = true;
            return self.schedule(connection, ConnectionEvent::Readable(side));
        }
        peer.deliver(bytes, end);
        self.schedule(connection, ConnectionEvent::Wake(side));
    }

    /// Closes the connection of a context.
    pub(crate) fn close_connection_of(&mut self, vm: usize, id: u32) {
        if let Some(connection) = self.world.connection_of(vm, id) {
            self.close_connection(connection, Close::Local);
        }
    }

    /// Closes a connection in order: data that was written still arrives.
    pub(super) fn close_connection(&mut self, connection: u64, close: Close) {
        self.end_connection(connection, close, None);
    }

    /// Closes a connection after a reset on one side, and resets the other side.
    pub(super) fn break_connection(&mut self, connection: u64, close: Close, other: Side) {
        self.end_connection(connection, close, Some(other));
    }

    fn end_connection(&mut self, connection: u64, close: Close, broken: Option<Side>) {
        if !self.is_open(connection) {
            return;
        }
        self.world.connection_mut(connection).open = false;
        self.notify_closed(connection, close);
        let c = self.world.connection_mut(connection);
        for side in [Side::Downstream, Side::Upstream] {
            let rst = broken == Some(side) || !c.socket(side).arrived.is_empty();
            let Some(peer) = c.peer(side) else { continue };
            if rst {
                peer.deliver_rst();
            } else {
                peer.deliver(&[], true);
            }
        }
        let slots = c.filters.clone();
        for slot in slots {
            self.world.vms[slot.vm].contexts.remove(&slot.context);
        }
        self.schedule(connection, ConnectionEvent::Wake(Side::Downstream));
        self.schedule(connection, ConnectionEvent::Wake(Side::Upstream));
    }
}
