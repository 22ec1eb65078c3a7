//! TCP connections and the network filters on them.
//!
//! The files follow Envoy's: `manager` is `source/common/network/filter_manager_impl.cc`, `filter` is what
//! `source/extensions/common/wasm/context.cc` does for connections, `socket` is `source/common/network/connection_impl.cc`,
//! `tcp_proxy` is `source/common/tcp_proxy/tcp_proxy.cc`. `peer` is whoever is at the other end.

mod attributes;
mod filter;
mod manager;
mod peer;
mod run;
mod socket;
mod tcp_proxy;

pub(crate) use attributes::{find, is_unwritable};
pub use run::ConnectionHandle;

use super::stream::FilterState;
use peer::Peer;
use std::collections::BTreeMap;
use std::time::Duration;

/// The two ends of a connection through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Downstream,
    Upstream,
}

/// How a connection was closed, as filters are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    Unknown = 0,
    Local = 1,
    Remote = 2,
}

/// What happens on a connection.
#[derive(Debug)]
pub(crate) enum News {
    /// The proxy may read.
    Readable(Side),
    /// An end may go on with its script.
    Wake(Side),
    /// The upstream has accepted the connection, or refused it.
    Connected(bool),
    /// What was written came to nobody.
    Unheard,
    /// The end was written to the upstream.
    Flushed,
}

/// One of the proxy's sockets.
#[derive(Debug, Default)]
pub(crate) struct Socket {
    /// What came and was not read.
    pub arrived: Vec<u8>,
    pub fin: bool,
    pub rst: bool,
    /// How many have a reason not to read.
    pub disabled: u32,
    /// What was read and not consumed. There is one buffer for all filters.
    pub buffer: Vec<u8>,
    /// The buffer is over its limit.
    pub over: bool,
    /// All was read, and all was written.
    pub read_end: bool,
    pub write_end: bool,
}

/// A filter of the chain.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub vm: usize,
    pub context: u32,
    /// `on_new_connection` was due.
    pub initialized: bool,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub id: u64,
    pub thread: usize,
    pub client: Peer,
    pub upstream: Option<Peer>,
    pub down: Socket,
    pub up: Socket,
    pub filters: Vec<Slot>,
    /// The TCP proxy has been told of the connection.
    pub proxied: bool,
    /// It has chosen a host, and is connected to it.
    pub attempted: bool,
    pub connected: bool,
    pub refused: bool,
    pub open: bool,
    pub started: Duration,
    pub bytes_received: usize,
    pub bytes_sent: usize,
    /// `%RESPONSE_FLAGS%` as bits.
    pub flags: i64,
    pub filter_state: BTreeMap<String, FilterState>,
}

impl Connection {
    pub fn socket(&mut self, side: Side) -> &mut Socket {
        match side {
            Side::Downstream => &mut self.down,
            Side::Upstream => &mut self.up,
        }
    }

    pub fn peer(&mut self, side: Side) -> Option<&mut Peer> {
        match side {
            Side::Downstream => Some(&mut self.client),
            Side::Upstream => self.upstream.as_mut(),
        }
    }

    /// The client's port, made up.
    pub fn port(&self) -> u16 {
        30_000 + (self.id % 10_000) as u16
    }
}
