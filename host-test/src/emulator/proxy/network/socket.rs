//! The proxy's sockets: Envoy, `source/common/network/connection_impl.cc`.

use super::peer::Doing;
use super::{Close, News, Side};
use crate::emulator::Emulator;

impl Emulator {
    /// Something happens on a connection.
    pub(crate) fn connection_news(&mut self, connection: u64, news: News) {
        if !self.world.connections.contains_key(&connection) {
            return;
        }
        match news {
            News::Readable(side) => self.read_socket(connection, side),
            News::Wake(side) => self.play(connection, side),
            News::Connected(accepted) => self.proxy_connected(connection, accepted),
            News::Unheard => self.close_connection(connection, Close::Remote),
            News::Flushed => self.close_if_both_ended(connection, Side::Upstream),
        }
    }

    /// An end goes on with its script.
    fn play(&mut self, connection: u64, side: Side) {
        let now = self.world.clock.now();
        let c = self.world.connection_mut(connection);
        let unread = !c.socket(side).arrived.is_empty();
        let Some(peer) = c.peer(side) else { return };
        for doing in peer.play(now, unread) {
            let c = self.world.connection_mut(connection);
            let gone = !c.open;
            match doing {
                Doing::Wake(at) => {
                    self.order_after(at.saturating_sub(now), connection, News::Wake(side));
                    continue;
                }
                // The kernel answers for a proxy that has closed its socket.
                Doing::Send(_) if gone => {
                    c.peer(side).into_iter().for_each(super::peer::Peer::hand_rst);
                    self.order(connection, News::Wake(side));
                    continue;
                }
                Doing::Send(bytes) => c.socket(side).arrived.extend(bytes),
                Doing::Fin => c.socket(side).fin = true,
                Doing::Rst => c.socket(side).rst = true,
            }
            self.order(connection, News::Readable(side));
        }
    }

    pub(super) fn enable_reading(&mut self, connection: u64, side: Side) {
        let socket = self.world.connection_mut(connection).socket(side);
        socket.disabled = socket.disabled.saturating_sub(1);
        if socket.disabled == 0 {
            self.order(connection, News::Readable(side));
        }
    }

    /// A buffer has grown or shrunk: over its limit no more is read.
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

    /// `onReadReady`. Who does not read does not see either that the connection breaks, nor does who has read its end.
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
        self.order(connection, News::Wake(side));
        match side {
            Side::Downstream => self.continue_reading(connection, None),
            Side::Upstream => self.proxy_upstream_data(connection),
        }
        self.close_if_both_ended(connection, side);
    }

    /// A connection that has ended both ways is closed. The TCP proxy closes the other one then.
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

    /// Hands bytes to an end, and says whether they are the last.
    pub(super) fn hand(&mut self, connection: u64, side: Side, bytes: &[u8], end: bool) {
        let c = self.world.connection_mut(connection);
        c.socket(side).write_end |= end;
        let Some(peer) = c.peer(side) else { return };
        if peer.closed && side == Side::Downstream {
            return self.order(connection, News::Unheard);
        }
        if peer.closed {
            c.socket(side).rst = true;
            return self.order(connection, News::Readable(side));
        }
        peer.hand(bytes, end);
        self.order(connection, News::Wake(side));
    }

    /// Closes the connection that a context is about.
    pub(crate) fn close_connection_of(&mut self, vm: usize, id: u32) {
        if let Some(connection) = self.world.connection_of(vm, id) {
            self.close_connection(connection, Close::Local);
        }
    }

    /// Closes a connection in order: what was written arrives.
    pub(super) fn close_connection(&mut self, connection: u64, close: Close) {
        self.end_connection(connection, close, None);
    }

    /// Closes a connection of which one side is broken; the other is broken as well.
    pub(super) fn break_connection(&mut self, connection: u64, close: Close, other: Side) {
        self.end_connection(connection, close, Some(other));
    }

    fn end_connection(&mut self, connection: u64, close: Close, broken: Option<Side>) {
        if !self.is_open(connection) {
            return;
        }
        self.world.connection_mut(connection).open = false;
        self.tell_closed(connection, close);
        let c = self.world.connection_mut(connection);
        for side in [Side::Downstream, Side::Upstream] {
            let rst = broken == Some(side) || !c.socket(side).arrived.is_empty();
            let Some(peer) = c.peer(side) else { continue };
            if rst {
                peer.hand_rst();
            } else {
                peer.hand(&[], true);
            }
        }
        let slots = c.filters.clone();
        for slot in slots {
            self.world.vms[slot.vm].contexts.remove(&slot.context);
        }
        self.order(connection, News::Wake(Side::Downstream));
        self.order(connection, News::Wake(Side::Upstream));
    }
}
