//! The TCP proxy after the filters: Envoy, `source/common/tcp_proxy/tcp_proxy.cc`.
//!
//! Nothing is read from a client before the upstream is connected. While a filter holds back a new
//! connection, other filters therefore see neither its data nor its end.

use super::peer::Peer;
use super::{Close, ConnectionEvent, Side};
use crate::emulator::Emulator;

/// Response flags.
const REMOTE_RESET: i64 = 0x10;
const CONNECTION_FAILURE: i64 = 0x20;
const RETRIES_EXHAUSTED: i64 = 0x8000;
const NO_CLUSTER: i64 = 0x100_0000;
/// The filter state key that overrides the configured cluster.
const CLUSTER: &str = "envoy.tcp_proxy.cluster";
/// The configured cluster.
pub(super) const CONFIGURED: &str = "tcp_upstream";

/// Formats the flags as in the access log.
pub(super) fn flag_names(flags: i64) -> String {
    let names =
        [(REMOTE_RESET, "UR"), (CONNECTION_FAILURE, "UF"), (RETRIES_EXHAUSTED, "URX"), (NO_CLUSTER, "NC")];
    let set: Vec<_> = names.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect();
    if set.is_empty() { "-".into() } else { set.join(",") }
}

impl Emulator {
    pub(super) fn proxy_new_connection(&mut self, connection: u64) {
        let c = self.world.connection_mut(connection);
        if c.filter_state.get(CLUSTER).is_some_and(|chosen| chosen.value != CONFIGURED.as_bytes()) {
            c.flags |= NO_CLUSTER;
            return self.close_connection(connection, Close::Local);
        }
        c.attempted = true;
        let upstream = Peer::upstream(&self.world.scenario.tcp_upstream);
        let accepted = upstream.is_some();
        self.world.connection_mut(connection).upstream = upstream;
        self.schedule(connection, ConnectionEvent::Connected(accepted));
    }

    pub(super) fn proxy_connected(&mut self, connection: u64, accepted: bool) {
        if !self.is_open(connection) {
            return;
        }
        let c = self.world.connection_mut(connection);
        c.connected = accepted;
        if !accepted {
            c.refused = true;
            c.flags |= CONNECTION_FAILURE | RETRIES_EXHAUSTED;
            return self.close_connection(connection, Close::Local);
        }
        self.schedule(connection, ConnectionEvent::Wake(Side::Upstream));
        self.enable_reading(connection, Side::Downstream);
    }

    /// Sends all data that was read to the upstream.
    pub(super) fn proxy_data(&mut self, connection: u64) {
        let c = self.world.connection_mut(connection);
        let bytes = std::mem::take(&mut c.down.buffer);
        let end = c.down.read_end;
        self.deliver(connection, Side::Upstream, &bytes, end);
        self.check_buffer(connection, Side::Downstream);
        if end {
            // If the upstream ended earlier, both directions have now ended; the client's connection is
            // checked first.
            self.schedule(connection, ConnectionEvent::Flushed);
        }
    }

    /// Sends the upstream's data to the client, if the filters allow it.
    pub(super) fn proxy_upstream_data(&mut self, connection: u64) {
        let c = self.world.connection_mut(connection);
        let end = c.up.read_end;
        if c.down.write_end || !self.write_through(connection, end) {
            return;
        }
        let c = self.world.connection_mut(connection);
        let bytes = std::mem::take(&mut c.up.buffer);
        c.bytes_sent += bytes.len();
        self.deliver(connection, Side::Downstream, &bytes, end);
        self.check_buffer(connection, Side::Upstream);
    }

    pub(super) fn proxy_upstream_reset(&mut self, connection: u64) {
        self.world.connection_mut(connection).flags |= REMOTE_RESET;
        self.break_connection(connection, Close::Local, Side::Downstream);
    }
}
