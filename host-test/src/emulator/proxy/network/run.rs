//! Runs the TCP connections of a scenario.

use super::peer::Peer;
use super::tcp_proxy::flag_names;
use super::{Connection, ConnectionEvent, Side, Slot, Socket};
use crate::emulator::Emulator;
use crate::emulator::context::Context;
use crate::{ConnectionExchange, End, Script};
use std::collections::BTreeMap;
use std::time::Duration;

/// A connection that the client has broken, but that the proxy keeps open this long, counts as held open.
const HELD: Duration = Duration::from_secs(1);
/// Time limit for a connection to finish.
const PATIENCE: Duration = Duration::from_secs(30);

/// A TCP connection in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionHandle(u64);

impl Emulator {
    /// Makes the scenario's connections one after the other, to the workers in round-robin order.
    pub(crate) fn run_connections(&mut self) -> Vec<ConnectionExchange> {
        let connections = self.world.scenario.connections.clone();
        let each = |(i, connection): (usize, &Script)| {
            let handle = self.connect(i % self.world.workers, connection);
            self.finish_connection(handle)
        };
        connections.iter().enumerate().map(each).collect()
    }

    /// Connects to the TCP listener on a worker (0 is the first) and runs all events that are due without
    /// letting time pass.
    pub fn connect(&mut self, worker: usize, script: &Script) -> ConnectionHandle {
        assert!(
            worker < self.world.workers,
            "unknown worker `{worker}`, expected less than {}",
            self.world.workers
        );
        let connection = self.accept_connection(worker + 1, script);
        self.advance(Duration::ZERO);
        ConnectionHandle(connection)
    }

    fn accept_connection(&mut self, worker: usize, script: &Script) -> u64 {
        self.world.next_connection += 1;
        let id = self.world.next_connection;
        let connection = Connection {
            id,
            thread: worker,
            client: Peer::new(script),
            upstream: None,
            // The TCP proxy does not read yet.
            down: Socket { disabled: 1, ..Socket::default() },
            up: Socket::default(),
            filters: Vec::new(),
            proxied: false,
            attempted: false,
            connected: false,
            refused: false,
            open: true,
            started: self.world.clock.now(),
            bytes_received: 0,
            bytes_sent: 0,
            flags: 0,
            filter_state: BTreeMap::new(),
        };
        self.world.connections.insert(id, connection);
        let first = self.world.scenario.filters.len();
        for plugin in first..first + self.world.scenario.network_filters.len() {
            let Some((vm, root)) = self.plugin_on(worker, plugin) else { continue };
            let context = self.world.vms[vm].add(Context::connection(plugin, root, id));
            self.world.connection_mut(id).filters.push(Slot { vm, context, initialized: false });
        }
        self.initialize_read_filters(id);
        self.schedule(id, ConnectionEvent::Wake(Side::Downstream));
        id
    }

    /// Returns the number of connections that are not closed.
    pub fn open_connections(&self) -> usize {
        self.world.connections.values().filter(|connection| connection.open).count()
    }

    /// Lets time pass until a connection is closed, or until the client has broken it and the proxy keeps it
    /// open. Returns what both ends received. A closed connection is then removed.
    ///
    /// # Panics
    /// If the connection was already finished, or does not finish within 30 seconds.
    pub fn finish_connection(&mut self, handle: ConnectionHandle) -> ConnectionExchange {
        let id = handle.0;
        let end = self.world.clock.now() + PATIENCE;
        let mut broken = None;
        loop {
            let now = self.world.clock.now();
            let c = self.world.connection_mut(id);
            let over = |peer: &Peer| peer.got.end != End::Open && peer.closed;
            if !c.open && over(&c.client) && c.upstream.as_ref().is_none_or(over) {
                break;
            }
            if matches!(c.client.got.end, End::Broken | End::Hang) && c.open {
                broken.get_or_insert(now);
            }
            let limit = broken.map_or(end, |at| at + HELD);
            match self.world.clock.next(limit) {
                Some(event) => self.handle(event),
                None => {
                    self.world.clock.settle(limit);
                    assert!(broken.is_some(), "connection {id} did not finish within {PATIENCE:?}");
                    break;
                }
            }
        }
        let c = self.world.connection_mut(id);
        let open = c.open;
        let exchange = ConnectionExchange {
            client: c.client.got.clone(),
            upstream: c.upstream.iter().map(|peer| peer.got.clone()).collect(),
            flags: if open { String::new() } else { flag_names(c.flags) },
        };
        if !open {
            self.world.connections.remove(&id);
        }
        exchange
    }
}
