//! TCP connections and the network filters on them.
//!
//! The files correspond to Envoy's: `manager` to `source/common/network/filter_manager_impl.cc`, `filter` to
//! the network part of `source/extensions/common/wasm/context.cc`, `socket` to
//! `source/common/network/connection_impl.cc`, and `tcp_proxy` to `source/common/tcp_proxy/tcp_proxy.cc`.
//! `peer` is the scripted client or upstream.

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

/// The peer type that closed a connection, as passed to filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    Unknown = 0,
    Local = 1,
    Remote = 2,
}

/// An event on a connection.
#[derive(Debug)]
pub(crate) enum ConnectionEvent {
    /// The proxy may read from a socket.
    Readable(Side),
    /// A peer may continue with its script.
    Wake(Side),
    /// The upstream accepted (true) or refused (false) the connection.
    Connected(bool),
    /// Data was written to a peer that no longer exists.
    WriteFailed,
    /// The end of the data was written to the upstream.
    Flushed,
}

/// A socket of the proxy: the client's or the upstream's.
#[derive(Debug, Default)]
pub(crate) struct Socket {
    /// Data that has arrived but was not read.
    pub arrived: Vec<u8>,
    pub fin: bool,
    pub rst: bool,
    /// Number of reasons not to read from this socket.
    pub disabled: u32,
    /// Data that was read but not consumed. All filters share this buffer.
    pub buffer: Vec<u8>,
    /// The buffer is over its limit.
    pub over: bool,
    /// The end of the incoming data was read.
    pub read_end: bool,
    pub write_end: bool,
}

/// A filter in the chain of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub vm: usize,
    pub context: u32,
    /// `proxy_on_new_connection` was called, or would have been if it were exported.
    pub initialized: bool,
}

/// A TCP connection through the proxy.
#[derive(Debug)]
pub(crate) struct Connection {
    pub id: u64,
    pub thread: usize,
    pub client: Peer,
    pub upstream: Option<Peer>,
    pub down: Socket,
    pub up: Socket,
    pub filters: Vec<Slot>,
    /// The TCP proxy was notified of the connection.
    pub proxied: bool,
    /// The TCP proxy has chosen an upstream host.
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

    /// Returns the made-up port of the client.
    pub fn port(&self) -> u16 {
        30_000 + (self.id % 10_000) as u16
    }
}
