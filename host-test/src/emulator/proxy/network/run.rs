//! Connections of a scenario, from being made to being over.

use super::peer::Peer;
use super::tcp_proxy::flag_names;
use super::{Connection, News, Side, Slot, Socket};
use crate::emulator::Emulator;
use crate::emulator::context::Context;
use crate::{ConnectionExchange, End, Script};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a connection that the client has broken may stay open until it is taken for one that is held.
const HELD: Duration = Duration::from_secs(1);
/// How long what must come about may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionHandle(u64);

impl Emulator {
    /// Makes the scenario's connections, one after the other, to the workers in turn.
    pub(crate) fn run_connections(&mut self) -> Vec<ConnectionExchange> {
        let connections = self.world.scenario.connections.clone();
        let each = |(i, connection): (usize, &Script)| {
            let handle = self.connect(i % self.world.workers, connection);
            self.finish_connection(handle)
        };
        connections.iter().enumerate().map(each).collect()
    }

    /// Makes a connection to the listener for TCP on a worker, the first being 0, as far as it comes without time
    /// passing.
    pub fn connect(&mut self, worker: usize, script: &Script) -> ConnectionHandle {
        assert!(
            worker < self.world.workers,
            "there are {} workers, and `{worker}` is none of them",
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
            // The TCP proxy does not want to read yet.
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
        self.order(id, News::Wake(Side::Downstream));
        id
    }

    /// Connections that are not closed.
    pub fn open_connections(&self) -> usize {
        self.world.connections.values().filter(|connection| connection.open).count()
    }

    /// Lets time pass until a connection is over, or the client has broken it and the proxy does not care. One that is
    /// over is forgotten then.
    ///
    /// # Panics
    /// When the connection has been finished before, or goes on for 30 seconds.
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
                    assert!(broken.is_some(), "connection {id} is not over after {PATIENCE:?}");
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
