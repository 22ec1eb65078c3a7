//! Events that happen at a scheduled time.

use super::header_map::HeaderMap;
use super::proxy::connection::Connection;
use super::proxy::network;
use super::proxy::stream::Stream;
use super::world::{Owner, VmState};
use std::collections::{BTreeMap, VecDeque};

/// An event that happens at a scheduled time.
#[derive(Debug)]
pub(crate) enum Event {
    QueueReady {
        owner: Owner,
        token: u32,
    },
    Tick {
        vm: usize,
        root: u32,
    },
    /// Parts of a request that the proxy reads at once.
    Downstream {
        stream: u64,
        parts: VecDeque<Part>,
    },
    /// The client closes its connection: it has the whole response, or does not wait for it.
    ClientDone {
        stream: u64,
    },
    /// A new connection to an upstream is established, or was refused. A stream has asked for it.
    Connected {
        stream: u64,
        attempt: u32,
        thread: usize,
        upstream: usize,
    },
    Upstream {
        stream: u64,
        attempt: u32,
        part: Part,
    },
    RouteTimeout {
        stream: u64,
    },
    TryTimeout {
        stream: u64,
        attempt: u32,
    },
    Retry {
        stream: u64,
    },
    Connection {
        connection: u64,
        event: network::ConnectionEvent,
    },
    HttpCall {
        vm: usize,
        root: u32,
        token: u32,
        outcome: super::callouts::http::Outcome,
        idle: Option<Idle>,
    },
    Grpc {
        vm: usize,
        root: u32,
        token: u32,
        what: super::callouts::grpc::GrpcEvent,
    },
}

impl Event {
    /// Returns the thread on which the event happens. An event of a stream that is gone has no effect; its
    /// thread is 0.
    pub fn thread(
        &self,
        vms: &[VmState],
        streams: &BTreeMap<u64, Box<Stream>>,
        connections: &BTreeMap<u64, network::Connection>,
    ) -> usize {
        match self {
            Event::QueueReady { owner, .. } => owner.thread,
            Event::Connected { thread, .. } => *thread,
            Event::Tick { vm, .. } | Event::HttpCall { vm, .. } | Event::Grpc { vm, .. } => {
                vms.get(*vm).map_or(0, |vm| vm.thread)
            }
            Event::Downstream { stream, .. }
            | Event::ClientDone { stream }
            | Event::Upstream { stream, .. }
            | Event::RouteTimeout { stream }
            | Event::TryTimeout { stream, .. }
            | Event::Retry { stream } => streams.get(stream).map_or(0, |stream| stream.thread),
            Event::Connection { connection, .. } => connections.get(connection).map_or(0, |c| c.thread),
        }
    }
}

/// A connection that is idle after the event, and its upstream.
pub(crate) type Idle = (usize, Box<Connection>);

/// A part of a message in transit.
#[derive(Debug)]
pub(crate) enum Part {
    Headers {
        map: HeaderMap,
        end: bool,
    },
    Body {
        bytes: Vec<u8>,
        end: bool,
    },
    Trailers(HeaderMap),
    /// The connection broke; the text is Envoy's reason.
    Broken(&'static str),
}
