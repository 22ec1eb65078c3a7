//! A stream: a request, its response, and the progress of both through the filters.

use super::Direction;
use super::router::Router;
use super::routes::SelectedRoute;
use crate::emulator::header_map::HeaderMap;
use crate::emulator::state::Value;
use crate::emulator::world::LocalReply;
use crate::http1::Reader;
use crate::{Certificate, ClientView, Metadata};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// A filter state object that a filter has set.
#[derive(Clone, Debug)]
pub(crate) struct FilterState {
    pub value: Vec<u8>,
    pub readonly: bool,
    pub kind: u32,
    /// The life span: 0 filter chain, 1 request, 2 connection.
    pub span: u32,
    /// Whether it has a type of Envoy's own, not the type that Wasm filters share.
    pub native: bool,
}

impl FilterState {
    /// Converts the object into a property value. Declared strings are strings; other kinds are bytes.
    pub fn to_value(&self) -> Value {
        match (self.kind, std::str::from_utf8(&self.value)) {
            (1, Ok(text)) => Value::Str(text.into()),
            _ => Value::Bytes(self.value.clone()),
        }
    }
}

/// The progress of the iteration in one filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Iteration {
    #[default]
    Going,
    StoppedSingle,
    StoppedAllBuffer,
    StoppedAllWatermark,
}

/// The state of one direction in one filter.
#[derive(Clone, Debug, Default)]
pub(crate) struct FilterProgress {
    pub iteration: Iteration,
    /// The filter had stopped the whole iteration, so it receives the data that was held back first.
    pub resumes_here: bool,
    pub headers_continued: bool,
    pub ended: bool,
}

impl FilterProgress {
    pub fn stopped_all(&self) -> bool {
        matches!(self.iteration, Iteration::StoppedAllBuffer | Iteration::StoppedAllWatermark)
    }
}

/// A filter in the chain of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub vm: usize,
    pub context: u32,
    pub request: FilterProgress,
    pub response: FilterProgress,
}

/// The state of one direction of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    /// Data that filters hold back. All filters share this buffer.
    pub buffer: Option<Vec<u8>>,
    /// The piece that is passed to a body callback.
    pub current_piece: Option<Vec<u8>>,
    /// Bytes of body received.
    pub seen: usize,
    /// A full buffer ends the stream instead of pausing the sender.
    pub bounded: bool,
    /// A callback in this direction sent a local reply. Later parts of the message are dropped.
    pub aborted: bool,
    /// The whole message has arrived.
    pub ended: bool,
    /// A headers, body or trailers callback of this direction is running.
    pub calling: bool,
}

/// The client, and the part of the response that was written to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// The client reads the response as it is written. Its header determines where it ends.
    pub reader: Reader,
    /// The result for the client, once it has the whole response.
    pub received: Option<ClientView>,
    pub status: u16,
    /// The head that was written.
    pub head: Vec<u8>,
    /// The body is written in chunks.
    pub chunked: bool,
    /// The number of bytes of the body.
    pub size: usize,
    /// The proxy closes the connection after the response.
    pub closes: bool,
    pub last_byte: Duration,
}

/// A request and its response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    pub id: u64,
    /// The worker thread of the stream.
    pub thread: usize,
    pub request_headers: HeaderMap,
    pub request_trailers: Option<HeaderMap>,
    pub response_headers: Option<HeaderMap>,
    /// The response headers that a local reply has replaced. Filters that hold them still access these.
    pub replaced_headers: Option<HeaderMap>,
    pub response_trailers: Option<HeaderMap>,
    pub request: Flow,
    pub response: Flow,
    pub filters: Vec<Slot>,
    pub headers_sent: bool,
    pub prepared: Option<LocalReply>,
    pub is_head: bool,
    /// The client closes its connection after this request.
    pub wants_close: bool,
    pub is_grpc: bool,
    /// The client's TLS certificate.
    pub certificate: Option<Certificate>,
    /// The server name that the client requested.
    pub server_name: Option<String>,
    /// The address that the client connected from.
    pub peer: Option<Ipv4Addr>,
    /// The address of the client, if another proxy named it.
    pub forwarded_for: Option<IpAddr>,
    /// The dynamic metadata.
    pub metadata: Metadata,
    /// The route from the last lookup.
    pub route: SelectedRoute,
    /// Whether the cached route is still valid.
    pub route_is_known: bool,
    pub details: String,
    /// The details were set, perhaps to an empty text.
    pub has_details: bool,
    pub code: Option<u16>,
    /// `%RESPONSE_FLAGS%` as bits.
    pub flags: i64,
    pub filter_state: BTreeMap<String, FilterState>,
    pub started: Duration,
    pub router: Router,
    pub client: Client,
    pub finishing: bool,
}

impl Stream {
    pub fn flow(&mut self, direction: Direction) -> &mut Flow {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => &mut self.response,
        }
    }

    pub fn progress(&mut self, filter: usize, direction: Direction) -> &mut FilterProgress {
        match direction {
            Direction::Request => &mut self.filters[filter].request,
            Direction::Response => &mut self.filters[filter].response,
        }
    }

    pub fn trailers(&self, direction: Direction) -> bool {
        match direction {
            Direction::Request => self.request_trailers.is_some(),
            Direction::Response => self.response_trailers.is_some(),
        }
    }

    /// Returns the response headers that a filter has been called with.
    pub fn called_headers(&self) -> Option<&HeaderMap> {
        self.replaced_headers.as_ref().or(self.response_headers.as_ref())
    }

    /// Returns the filter at a position of the iteration. Responses pass the filters in reverse order.
    pub fn filter_at(&self, direction: Direction, place: usize) -> usize {
        match direction {
            Direction::Request => place,
            Direction::Response => self.filters.len() - 1 - place,
        }
    }

    /// Returns the address of the client. If another proxy named it, the port is 0. Otherwise it is the peer,
    /// with a made-up port.
    pub fn source(&self) -> SocketAddr {
        let peer = (self.peer.unwrap_or(Ipv4Addr::LOCALHOST), 40_000 + (self.id % 20_000) as u16);
        self.forwarded_for.map_or(peer.into(), |ip| (ip, 0).into())
    }
}
